"""Which images of a place are taken, and on which side each of them is."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from ldviz.data.listing import Listing
from ldviz.data.settings import DataSettings
from ldviz.data.splits import check_split, stratified_split
from ldviz.errors import DataError

MEMBER_KEY, HELD_OUT_KEY = "mia_train_idxs", "mia_eval_idxs"


def choose_rows(listing: Listing, settings: DataSettings) -> tuple[np.ndarray, np.ndarray]:
    """Positions to read, ascending, and membership.

    The sides are those of the place, else those of the split file, else a seeded split
    stratified by class; ``num_members`` and ``num_held_out`` then thin each side, seeded and
    stratified too.

    Returns:
        (k,) int64 positions in the listing, and (k,) bool, True = member.

    Raises:
        DataError: if a side is empty or smaller than asked for, or a split file does not fit.
    """
    rows = np.arange(listing.count)
    if settings.num_images is not None and settings.num_images < listing.count:
        rows = np.unique(np.linspace(0, listing.count - 1, settings.num_images).astype(np.int64))
    if settings.split_file is not None:
        if listing.is_member is not None:
            raise DataError(
                f'"{settings.place}" has two sides of its own, so `split_file` cannot be used. '
                "Leave it out, or put all images in one folder."
            )
        members, held_out = read_split_file(Path(settings.split_file), listing.count)
        rows = np.intersect1d(rows, np.union1d(members, held_out))
        is_member = np.isin(rows, members)
    elif listing.is_member is not None:
        is_member = listing.is_member[rows]
    else:
        is_member = stratified_split(
            rows,
            _labels(listing, rows),
            member_fraction=settings.member_fraction,
            seed=settings.seed,
        )
    kept = np.ones(len(rows), dtype=bool)
    for side, count in ((True, settings.num_members), (False, settings.num_held_out)):
        if count is not None:
            positions = np.flatnonzero(is_member == side)
            kept[positions] = _thin(listing, rows[positions], count, side, settings.seed)
    rows, is_member = rows[kept], is_member[kept]
    check_split(rows[is_member], rows[~is_member])
    return rows, is_member


def read_split_file(path: Path, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Members' and held-out positions from an npz file, as arXiv:2511.20592 publishes them.

    Args:
        path: npz with ``mia_train_idxs`` and ``mia_eval_idxs``; nothing in it is executed.
        count: how many images there are.

    Raises:
        DataError: if it cannot be read, positions repeat, overlap or are out of range.
    """
    try:
        with np.load(path, allow_pickle=False) as content:
            missing = [key for key in (MEMBER_KEY, HELD_OUT_KEY) if key not in content.files]
            if missing:
                raise DataError(
                    f'The split file "{path}" has no array "{missing[0]}". '
                    f"It has: {', '.join(content.files)}."
                )
            sides = [content[key] for key in (MEMBER_KEY, HELD_OUT_KEY)]
    except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise DataError(
            f'The split file "{path}" cannot be read: {error}. It must be an npz file of '
            f"integers, {MEMBER_KEY} and {HELD_OUT_KEY}."
        ) from error
    for key, side in zip((MEMBER_KEY, HELD_OUT_KEY), sides, strict=True):
        if side.ndim != 1 or not np.issubdtype(side.dtype, np.integer):
            raise DataError(
                f'"{key}" in "{path}" must be a row of integers, got {side.shape} {side.dtype}.'
            )
        if len(side) and (side.min() < 0 or side.max() >= count):
            raise DataError(
                f'"{key}" in "{path}" runs from {side.min():,} to {side.max():,}, but there are '
                f"{count:,} images. The split belongs to another set of images."
            )
        if len(np.unique(side)) != len(side):
            raise DataError(f'"{key}" in "{path}" names an image twice; each may appear once.')
    check_split(*sides)
    return sides[0].astype(np.int64), sides[1].astype(np.int64)


def _labels(listing: Listing, rows: np.ndarray) -> np.ndarray | None:
    return None if listing.labels is None else listing.labels[rows]


def _thin(listing: Listing, rows: np.ndarray, count: int, side: bool, seed: int) -> np.ndarray:
    """(k,) bool: which of one side's images are kept."""
    word = "member" if side else "held-out"
    if count > len(rows):
        raise DataError(
            f"{count:,} {word} images are asked for, and there are {len(rows):,}. "
            f"Lower `num_{'members' if side else 'held_out'}`."
        )
    if count == len(rows):
        return np.ones(len(rows), dtype=bool)
    return stratified_split(
        rows, _labels(listing, rows), member_fraction=count / len(rows), seed=seed + 1
    )
