"""Masks in words: what a page says that a mask drops."""

from __future__ import annotations

from ldviz.attacks.masks import NUM_RANDOM_DRAWS, MaskSpec

_MOST_NAMED = 4


def mask_words(spec: MaskSpec) -> str:
    """What ``spec`` drops: "lowest 40 % of influence dropped, channel 1 off"."""
    parts = [_by_rank(spec)] if spec.kind != "none" else []
    if spec.kind != "none" and spec.ranking == "global":
        parts.append("one ranking for all images")
    parts += [
        f"{_counted(indices, noun)} off"
        for indices, noun in (
            (spec.channels_off, "channel"),
            (spec.cells_off, "cell"),
            (spec.dims_off, "single dimension"),
        )
        if indices
    ]
    return ", ".join(parts) or "nothing dropped"


def _by_rank(spec: MaskSpec) -> str:
    share = _percent(spec.drop_fraction)
    if spec.kind == "band":
        low, high = spec.band
        return f"influence ranks {_percent(low)} to {_percent(high)} % dropped"
    if spec.kind == "random":
        return f"{share} % dropped at random, mean of {NUM_RANDOM_DRAWS} draws, seed {spec.seed}"
    which = "highest" if spec.kind == "highest" else "lowest"
    return f"{which} {share} % of influence dropped"


def _counted(indices: tuple[int, ...], noun: str) -> str:
    """ "channels 1 and 3", or "12 cells" where there are many."""
    if len(indices) > _MOST_NAMED:
        return f"{len(indices)} {noun}s"
    if len(indices) == 1:
        return f"{noun} {indices[0]}"
    return f"{noun}s {', '.join(map(str, indices[:-1]))} and {indices[-1]}"


def _percent(share: float) -> str:
    return f"{100 * share:.10g}"
