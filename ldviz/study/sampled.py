"""A large study seen through some of its samples, so that exploring it stays quick.

Intervals over 100,000 samples take many seconds, and a browser cannot show as many points.
Pages therefore look at a seeded, stratified sample of a large study unless all are asked for,
and say so; the command line always takes all.
"""

from __future__ import annotations

import numpy as np

from ldviz.errors import StudyError
from ldviz.randomness import keyed_bits
from ldviz.study.store import Study

SHOWN_SAMPLES = 2000
"""How many samples of a large study pages look at: about as many as the bundled ones have."""

LARGE_STUDY = 10_000
"""Number of samples above which a study counts as large."""

SAMPLE_SEED = 0


def sampled_rows(is_member: np.ndarray, sample_ids: np.ndarray, count: int) -> np.ndarray:
    """Rows of a sample with as large a share of members as the whole has.

    Args:
        is_member: (n,) bool.
        sample_ids: (n,) integers; who is drawn is keyed by the seed and the id, so it does not
            depend on the order of the rows.
        count: how many to draw, at least one of each class that there is.

    Returns:
        Ascending rows, (count,) or (n,) where there are not more.
    """
    if count >= len(is_member):
        return np.arange(len(is_member))
    places = keyed_bits("shown samples", SAMPLE_SEED, sample_ids, 1).ravel()
    share = is_member.mean()
    num_member = round(count * share)
    if 0 < share < 1:
        num_member = min(max(num_member, 1), count - 1)
    chosen = []
    for label, number in ((True, num_member), (False, count - num_member)):
        rows = np.flatnonzero(is_member == label)
        chosen.append(rows[np.argsort(places[rows], kind="stable")[:number]])
    return np.sort(np.concatenate(chosen))


class SampledStudy(Study):
    """Some samples of a study, with everything that is stored of them.

    Args:
        whole: the study.
        count: how many samples.
    """

    def __init__(self, whole: Study, count: int = SHOWN_SAMPLES) -> None:
        rows = sampled_rows(whole.is_member, whole.sample_ids, count)
        is_member = whole.is_member[rows]
        manifest = whole.manifest.model_copy(
            update={
                "num_samples": len(rows),
                "n_member": int(is_member.sum()),
                "n_held_out": int((~is_member).sum()),
                # What is kept of this study must not be taken for the whole's.
                "digest": f"{whole.digest}/{len(rows)}/{SAMPLE_SEED}",
            }
        )
        super().__init__(whole.path, manifest)
        self.title = whole.title
        self.whole, self.rows = whole, rows

    def position(self, sample_id: int) -> int:
        """Row of a sample id.

        Raises:
            StudyError: if the study has no such sample, or it is not among those shown.
        """
        found = np.flatnonzero(self.sample_ids == sample_id)
        if len(found):
            return int(found[0])
        self.whole.position(sample_id)
        raise StudyError(
            f"Image {sample_id} is not among the {self.num_samples:,} of "
            f"{self.whole.num_samples:,} samples that are shown. Show all samples in the "
            "sidebar, or choose another image."
        )

    def _read(self, name: str) -> np.ndarray:
        entry = self.manifest.arrays.get(name)
        if entry is None or entry.rows != self.whole.num_samples:
            found = self.whole.array(name)
            return found[self.rows] if len(found) == self.whole.num_samples else found
        array, owners = self._empty(len(self.rows), name), self.rows // entry.block_size
        for index in np.unique(owners):
            start, block = self.whole._block(name, index)
            mine = owners == index
            array[mine] = block[self.rows[mine] - start]
        array.setflags(write=False)
        return array
