"""Who is a member: seeded, stratified, disjoint splits."""

from __future__ import annotations

import numpy as np

from ldviz.errors import DataError
from ldviz.randomness import keyed_generator


def stratified_split(
    sample_ids: np.ndarray, labels: np.ndarray | None, *, member_fraction: float, seed: int
) -> np.ndarray:
    """Members and held-out images, the same share of each class in both.

    Args:
        sample_ids: (n,) unique integers.
        labels: (n,) classes to stratify by, or None for one class.
        member_fraction: share of members, in (0, 1).
        seed: of the shuffle; equal seeds give equal splits.

    Returns:
        (n,) bool, True = member.  Left-over images of odd classes alternate
        between the sides, so the totals differ by at most one at one half.

    Raises:
        DataError: if the fraction is out of range.
    """
    if not 0.0 < member_fraction < 1.0:
        raise DataError(
            f"`member_fraction` must be in (0, 1), got {member_fraction}. "
            "Both sides need images, or there is nothing to attack."
        )
    classes = np.zeros(len(sample_ids), dtype=np.int64) if labels is None else labels
    generator = keyed_generator("split", seed)
    shuffled = generator.permutation(len(sample_ids))
    by_class = shuffled[np.argsort(classes[shuffled], kind="stable")]
    # Walking through the classes with one running quota keeps every class and the total balanced.
    quota = np.floor(np.arange(1, len(sample_ids) + 1) * member_fraction + 1e-9)
    chosen = np.diff(quota, prepend=0.0) > 0
    is_member = np.zeros(len(sample_ids), dtype=bool)
    is_member[by_class[chosen]] = True
    return is_member


def check_split(member_ids: np.ndarray, held_out_ids: np.ndarray) -> None:
    """Raise DataError if an image is on both sides or a side is empty."""
    overlap = np.intersect1d(member_ids, held_out_ids)
    if len(overlap):
        raise DataError(
            f"Member and held-out indices overlap in {len(overlap)} places (first: {overlap[0]}). "
            "Membership metrics would be meaningless."
        )
    for name, ids in (("member", member_ids), ("held-out", held_out_ids)):
        if len(ids) == 0:
            raise DataError(f"The split has no {name} images; both sides need at least one.")
