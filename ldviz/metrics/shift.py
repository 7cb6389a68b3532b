"""Can members be told from held-out images by their pixels alone?

An attack on a model means something only if they cannot: a split with a shift between
its halves would let any score succeed.  A logistic regression on plain pixel statistics
is trained on one half of the samples and scored on the other, and the other way round.

**Why two halves and not ten folds.**  The usual interval of a cross-validated AUC takes
its out-of-fold scores for independent.  They are not: training sets overlap, and at chance
its 95 % intervals contain 0.5 only 88 % of the time (600 samples, 50 features).  Even the
AUCs of two halves move together, since each is the product of what both happened to
contain.  So the interval's width is that of one half: the standard deviation of a mean is
at most the mean of the standard deviations, however the two are correlated.

No model of ours is involved, and no file but this one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ldviz.errors import InputError
from ldviz.metrics.measured import Measured
from ldviz.metrics.roc import staircase
from ldviz.metrics.strata import stratified_halves

#: Samples each class needs: ten in each half.
MIN_PER_CLASS = 20

_THUMBNAIL = 4
_QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
_NUM_RINGS = 6


@dataclass(frozen=True)
class ShiftCheck:
    """What a classifier on pixel statistics makes of the split.

    Attributes:
        auc: its AUC on samples it was not trained on, with the interval.
        shifted: True when the interval lies above 0.5: members can be told apart without
            the model, and an attack's AUC may be the split's.  None without an interval.
        verdict: the same in one sentence.
        num_features: pixel statistics used.
    """

    auc: Measured
    shifted: bool | None
    verdict: str
    num_features: int


def pixel_statistics(images: np.ndarray) -> np.ndarray:
    """Plain statistics of images: levels, contrast, edges, frequencies, a thumbnail.

    Args:
        images: (n, H, W, c) uint8, or float in [0, 1]; H and W at least 4.

    Returns:
        (n, f) float64: per channel the mean, standard deviation and quantiles; mean and
        standard deviation of absolute differences between neighbours, down and across;
        mean log magnitude in six rings of spatial frequency; 4x4 block means.

    Raises:
        InputError: another shape.
    """
    images = np.asarray(images)
    if images.ndim != 4 or min(images.shape[1:3]) < _THUMBNAIL:
        raise InputError(
            f"Expected images of shape (n, H, W, c) with at least {_THUMBNAIL} pixels a side, "
            f"got {images.shape}."
        )
    scale = 1.0 / 255.0 if images.dtype == np.uint8 else 1.0
    return np.concatenate(
        [
            _statistics(images[start : start + 1024].astype(np.float64) * scale)
            for start in range(0, len(images), 1024)
        ]
    )


def pixel_shift(
    is_member: np.ndarray,
    images: np.ndarray,
    *,
    labels: np.ndarray | None = None,
    seed: int = 0,
) -> ShiftCheck:
    """Try to tell members from held-out images by pixel statistics.

    Args:
        is_member: (n,) bool.
        images: (n, H, W, c) uint8, or float in [0, 1].
        labels: (n,) integers, where the split was stratified by them.  A digit with more
            members in one half then has fewer in the other, and a classifier that learns
            this from the first scores below 0.5 on the second, unless both halves are
            stratified too.
        seed: of the halves.

    Returns:
        The check; without an interval and a verdict where a class has fewer than
        :data:`MIN_PER_CLASS` samples.

    Raises:
        InputError: shapes that do not fit.

    Cost: seconds for 2,000 images of 32x32.
    """
    members = np.asarray(is_member, dtype=bool)
    for name, given in (("is_member", members), ("labels", labels)):
        if given is not None and np.shape(given) != (len(images),):
            raise InputError(
                f"`{name}` of shape {np.shape(given)} does not fit {len(images)} images."
            )
    return feature_shift(members, pixel_statistics(images), labels=labels, seed=seed)


def feature_shift(
    is_member: np.ndarray,
    features: np.ndarray,
    *,
    labels: np.ndarray | None = None,
    seed: int = 0,
) -> ShiftCheck:
    """Try to tell members from held-out images by any (n, f) finite features.

    Source: DeLong, DeLong and Clarke-Pearson 1988 (variance of an AUC); Bengio and
    Grandvalet 2004 (no unbiased variance of cross-validation); Lopez-Paz and Oquab 2017
    (a classifier as a two-sample test).
    """
    members = np.asarray(is_member, dtype=bool)
    num_member, num_held_out = int(members.sum()), int((~members).sum())
    counts = {"n_member": num_member, "n_held_out": num_held_out, "seed": seed}
    if min(num_member, num_held_out) < MIN_PER_CLASS:
        note = (
            f"Not available: it needs {MIN_PER_CLASS} members and {MIN_PER_CLASS} held-out "
            f"images, there are {num_member} and {num_held_out}."
        )
        return ShiftCheck(Measured(value=None, note=note, **counts), None, note, features.shape[1])
    first = stratified_halves(members, seed=seed, labels=labels)
    parts = [
        _auc_and_error(members[scored], _scores(features, members, trained, scored))
        for trained, scored in ((first, ~first), (~first, first))
    ]
    value = float(np.mean([auc for auc, _ in parts]))
    reach = 1.959964 * float(np.mean([error for _, error in parts]))
    low, high = max(0.0, value - reach), min(1.0, value + reach)
    shifted = low > 0.5
    interval = f"AUC {value:.3f}, 95 % interval {low:.3f} to {high:.3f}"
    verdict = (
        f"Pixel statistics alone tell members from held-out images ({interval}): an attack's "
        "AUC on this split may be the split's and not the model's."
        if shifted
        else f"Pixel statistics do not tell members from held-out images ({interval})."
    )
    return ShiftCheck(
        auc=Measured(value=value, ci95=(low, high), **counts),
        shifted=shifted,
        verdict=verdict,
        num_features=features.shape[1],
    )


def _scores(
    features: np.ndarray, members: np.ndarray, trained: np.ndarray, scored: np.ndarray
) -> np.ndarray:
    """Scores of one half by a regression trained on the other."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
    classifier.fit(features[trained], members[trained])
    return classifier.decision_function(features[scored])


def _auc_and_error(members: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
    """AUC and its standard error from the placements of both classes (DeLong 1988)."""
    above, at_or_above = staircase(members, scores[None])
    beaten_by = (above[0] + at_or_above[0]) / (2 * members.sum())
    above, at_or_above = staircase(~members, -scores[None])
    beats = (above[0] + at_or_above[0]) / (2 * (~members).sum())
    variance = beaten_by.var(ddof=1) / beaten_by.size + beats.var(ddof=1) / beats.size
    return float(beaten_by.mean()), float(np.sqrt(variance))


def _statistics(images: np.ndarray) -> np.ndarray:
    """Features of a block of images in [0, 1]."""
    count, height, width, channels = images.shape
    flat = images.reshape(count, height * width, channels)
    columns = [flat.mean(axis=1), flat.std(axis=1)]
    columns += list(np.quantile(flat, _QUANTILES, axis=1))
    for axis in (1, 2):
        edges = np.abs(np.diff(images, axis=axis)).reshape(count, -1, channels)
        columns += [edges.mean(axis=1), edges.std(axis=1)]
    columns.append(_rings(images.mean(axis=3)))
    rows = np.array_split(np.arange(height), _THUMBNAIL)
    across = np.array_split(np.arange(width), _THUMBNAIL)
    for down in rows:
        for right in across:
            columns.append(images[:, down][:, :, right].mean(axis=(1, 2)))
    return np.concatenate(columns, axis=1)


def _rings(grey: np.ndarray) -> np.ndarray:
    """Mean log magnitude (n, 6) in rings of spatial frequency with as many terms each."""
    height, width = grey.shape[1:]
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :])
    logs = np.log(np.abs(np.fft.rfft2(grey)) + 1e-3).reshape(len(grey), -1)
    rings = np.array_split(np.argsort(radius.ravel(), kind="stable"), _NUM_RINGS)
    return np.stack([logs[:, ring].mean(axis=1) for ring in rings], axis=1)
