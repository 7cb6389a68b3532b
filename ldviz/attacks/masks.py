"""Which latent dimensions count: masks as small specs, evaluated late; no torch.

A mask is the AND of two things: dimensions switched off by hand (whole
channels, cells of the spatial grid, single dimensions), the same for every
sample; and among those left on, a share that each sample drops by rank.
"""

from __future__ import annotations

import math
from typing import Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from ldviz.attacks import mask_text
from ldviz.errors import InputError
from ldviz.randomness import keyed_bits

NUM_RANDOM_DRAWS = 10
"""Random masks are shown and reported as the mean of this many draws."""

MaskKind = Literal["none", "influence", "highest", "random", "band"]
Ranking = Literal["sample", "global"]


class MaskSpec(BaseModel):
    """What to drop, in words short enough for a link.

    Args:
        kind: ``"none"`` drops nothing by rank; ``"influence"`` the lowest
            influence (the paper's), ``"highest"`` the highest, ``"random"`` as
            many at random, ``"band"`` a range of influence ranks.
        drop_fraction: share dropped of the dimensions left on, in [0, 1).
        band: (low, high) rank quantiles dropped, 0 = lowest influence; needed by
            ``"band"``, ignored elsewhere.
        ranking: per sample, or one for all: by mean influence over the samples,
            or for ``"random"`` one permutation.
        channels_off: latent channels switched off.
        cells_off: cells of the spatial grid switched off, as row · w + column.
        dims_off: single dimensions switched off, (channel · h + row) · w + column.
        seed, draw: of the random mask.

    Raises:
        InputError: for any value that cannot be used.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: MaskKind = "influence"
    drop_fraction: float = 0.4
    band: tuple[float, float] | None = None
    ranking: Ranking = "sample"
    channels_off: tuple[int, ...] = ()
    cells_off: tuple[int, ...] = ()
    dims_off: tuple[int, ...] = ()
    seed: int = 0
    draw: int = 0

    @model_validator(mode="wrap")
    @classmethod
    def _input_errors(cls, values: Any, handler: Any) -> Self:
        """Type errors as InputError, which pages and the command line show."""
        try:
            return handler(values)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            raise InputError(f"Mask: `{field}`: {first['msg']}, got {first['input']!r}.") from None

    @field_validator("drop_fraction")
    @classmethod
    def _share(cls, value: float) -> float:
        if not 0 <= value < 1:
            hint = f" Percentages are written as fractions: {value / 100:.2f}." * (1 <= value < 100)
            raise InputError(f"`drop_fraction` must be in [0, 1), got {value}.{hint}")
        return value

    @field_validator("channels_off", "cells_off", "dims_off")
    @classmethod
    def _as_set(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        """Ascending and without repeats, so that equal masks are equal and share a link."""
        if value and min(value) < 0:
            raise InputError(f"What is switched off is counted from 0, got {min(value)}.")
        return tuple(sorted(set(value)))

    @field_validator("draw")
    @classmethod
    def _draw(cls, value: int) -> int:
        if value < 0:
            raise InputError(f"`draw` must be 0 or more, got {value}.")
        return value

    @model_validator(mode="after")
    def _band(self) -> Self:
        if self.kind == "band" and self.band is None:
            raise InputError("A mask of kind band needs `band`, such as (0.2, 0.5).")
        if self.band is not None and not 0 <= self.band[0] < self.band[1] <= 1:
            raise InputError(
                f"`band` must be two rank quantiles, 0 <= low < high <= 1, got {self.band}."
            )
        return self

    def to_text(self) -> str:
        """A compact text for links; :meth:`from_text` reads it back."""
        changed = self.model_dump(exclude_defaults=True)
        return mask_text.encoded(changed | {"kind": self.kind})

    @classmethod
    def from_text(cls, text: str) -> Self:
        """The mask that ``text`` stands for; raises InputError where it is none."""
        return cls(**mask_text.decoded(text))


def on_dimensions(spec: MaskSpec, latent_shape: tuple[int, int, int]) -> np.ndarray:
    """The dimensions that ``spec`` leaves on, before any ranking.

    Returns:
        (d,) bool, True = on.

    Raises:
        InputError: for an index outside ``latent_shape``, or where nothing is left on.
    """
    channels, height, width = latent_shape
    on = np.ones((channels, height * width), dtype=bool)
    on[_indices("channels_off", spec.channels_off, channels, latent_shape)] = False
    on[:, _indices("cells_off", spec.cells_off, height * width, latent_shape)] = False
    on = on.reshape(-1)
    on[_indices("dims_off", spec.dims_off, on.size, latent_shape)] = False
    if not on.any():
        raise InputError("This mask switches every latent dimension off; leave at least one on.")
    return on


def num_dropped(drop_fraction: float, num_on: int) -> int:
    """floor(drop_fraction · num_on), and never all of them.

    1e-9 is added before the floor: 0.3 · 10 in floating point is just under 3.
    """
    return min(math.floor(drop_fraction * num_on + 1e-9), num_on - 1)


def dropped_range(spec: MaskSpec, num_on: int) -> tuple[int, int]:
    """The positions [start, stop) of the drop order that ``spec`` drops.

    Raises:
        InputError: if a band would drop every dimension left on.
    """
    if spec.kind == "none":
        return 0, 0
    if spec.kind != "band":
        return 0, num_dropped(spec.drop_fraction, num_on)
    start, stop = (math.floor(quantile * num_on + 1e-9) for quantile in spec.band)
    if stop - start >= num_on:
        raise InputError(
            f"`band` {spec.band} drops all {num_on} dimensions left on; narrow it to keep some."
        )
    return start, stop


def drop_order(
    kind: MaskKind,
    influence: np.ndarray,
    sample_ids: np.ndarray,
    *,
    ranking: Ranking = "sample",
    seed: int = 0,
    draw: int = 0,
) -> np.ndarray:
    """The latent dimensions of each sample in the order a mask drops them.

    Ties go by dimension index.  Dropping among some dimensions only means
    striking the others from this order, so it is computed once for all masks
    that differ in what is switched off or in drop_fraction.

    Args:
        kind: ``"influence"`` and ``"band"`` ascending influence, ``"highest"``
            descending, ``"random"`` a permutation keyed by (seed, sample id) and
            draw, ``"none"`` by index.
        influence: (n, d) or (n, C, h, w); for ``"random"`` and ``"none"`` only its
            shape matters.
        sample_ids: (n,) integers.
        ranking: ``"global"`` ranks by the mean influence over the given samples,
            so give all of the study's; for ``"random"`` it is one permutation.
        seed, draw: of the random permutation.

    Returns:
        (n, d) uint16, or int32 from d = 65,536 on; read-only and without memory
        of its own where all rows are the same.

    Raises:
        InputError: if an influence is NaN.
    """
    influence = influence.reshape(len(influence), -1)
    num_samples, latent_dim = influence.shape
    order_type = np.uint16 if latent_dim < 2**16 else np.int32
    if kind == "none":
        order = np.arange(latent_dim, dtype=order_type)[None]
    elif kind == "random":
        order = _random_order(sample_ids, latent_dim, ranking, seed, draw, order_type)
    else:
        _check_no_nan(influence)
        if ranking == "global":
            influence = influence.mean(axis=0, keepdims=True, dtype=np.float64)
        order = _ranked(-influence if kind == "highest" else influence, order_type)
    return np.broadcast_to(order, (num_samples, latent_dim))


def evaluate_mask(
    spec: MaskSpec,
    influence: np.ndarray,
    sample_ids: np.ndarray,
    latent_shape: tuple[int, int, int],
) -> np.ndarray:
    """The mask of every sample: the definition that the fast statistics must equal.

    Args:
        spec: what to drop.
        influence: (n, d) or (n, C, h, w); of all the study's samples where the
            ranking is global.
        sample_ids: (n,) integers.
        latent_shape: (C, h, w).

    Returns:
        (n, d) bool, True = kept.  Every row keeps the same number.

    Raises:
        InputError: see :func:`on_dimensions`, :func:`dropped_range`, and
            influence that is not of ``latent_shape``.
    """
    on = on_dimensions(spec, latent_shape)
    influence = influence.reshape(len(influence), -1)
    if influence.shape[1] != on.size:
        raise InputError(
            f"Influence has {influence.shape[1]} dimensions a sample, latents of shape "
            f"{latent_shape} have {on.size}."
        )
    order = drop_order(
        spec.kind, influence, sample_ids, ranking=spec.ranking, seed=spec.seed, draw=spec.draw
    )
    start, stop = dropped_range(spec, int(on.sum()))
    mask = np.broadcast_to(on, order.shape).copy()
    for kept, row in zip(mask, order, strict=True):
        kept[row[on[row]][start:stop]] = False
    return mask


def _ranked(values: np.ndarray, order_type: type) -> np.ndarray:
    """Dimensions by ascending value, ties by index.

    float32 is sorted as integers that hold value and index, which no tie can
    disturb and which NumPy sorts seven times faster than it argsorts stably.
    """
    if values.dtype != np.float32 or order_type is not np.uint16:
        return np.argsort(values, axis=1, kind="stable").astype(order_type)
    order = np.empty(values.shape, dtype=np.uint16)
    for rows in _row_blocks(*values.shape):
        signed = (values[rows] + np.float32(0)).view(np.int32)  # adding 0 merges −0 with 0
        ordered = (signed ^ ((signed >> 31) | np.int32(-(2**31)))).view(np.uint32)
        order[rows] = _sorted_low_bits(ordered.astype(np.uint64) << np.uint64(16))
    return order


def _random_order(
    sample_ids: np.ndarray,
    latent_dim: int,
    ranking: Ranking,
    seed: int,
    draw: int,
    order_type: type,
) -> np.ndarray:
    """Dimensions by the upper 48 bits of keyed random integers, ties by index."""
    purpose = f"random-mask/{draw}"
    if ranking == "global":
        sample_ids, purpose = np.zeros(1, dtype=np.int64), f"global-random-mask/{draw}"
    order = np.empty((len(sample_ids), latent_dim), dtype=order_type)
    for rows in _row_blocks(*order.shape):
        bits = keyed_bits(purpose, seed, sample_ids[rows], latent_dim)
        if order_type is np.uint16:
            order[rows] = _sorted_low_bits(bits)
        else:
            order[rows] = np.argsort(bits >> np.uint64(16), axis=1, kind="stable")
    return order


def _sorted_low_bits(keys: np.ndarray) -> np.ndarray:
    """(rows, d) uint16: indices sorted by the upper 48 bits of ``keys``, ties by index."""
    keys &= ~np.uint64(2**16 - 1)
    keys |= np.arange(keys.shape[1], dtype=np.uint64)
    keys.sort(axis=1)
    return keys.astype(np.uint16)


def _row_blocks(num_rows: int, row_length: int) -> list[slice]:
    """Slices of rows that fit a core's cache."""
    rows = max(1, 2**17 // row_length)
    return [slice(start, start + rows) for start in range(0, num_rows, rows)]


def _indices(
    field: str, off: tuple[int, ...], count: int, latent_shape: tuple[int, int, int]
) -> np.ndarray:
    """``off`` as an index array; raises InputError where one is out of range."""
    if off and max(off) >= count:
        raise InputError(
            f"Mask: `{field}` names {max(off)}, but latents of shape {tuple(latent_shape)} have "
            f"0..{count - 1}. The mask was made for another study."
        )
    return np.array(off, dtype=np.intp)


def _check_no_nan(influence: np.ndarray) -> None:
    """Raise InputError where an influence is NaN: it has no rank."""
    bad = np.isnan(influence).any(axis=1)
    if bad.any():
        raise InputError(
            f"Influence is NaN for {np.count_nonzero(bad)} of {len(bad)} samples (first: row "
            f"{int(bad.argmax())}). Analyse the study again: python -m ldviz analyze."
        )
