"""The share of variance in leading components: by pen and paper, and against resampling."""

from __future__ import annotations

import numpy as np
import pytest

from ldviz.figures.embedding_projection import principal_components
from ldviz.metrics.variance_share import variance_share


def shares_of(latents: np.ndarray, count: int) -> float:
    return float(principal_components(latents, count)[1].sum())


def measured(latents: np.ndarray, count: int):
    points, _ = principal_components(latents, count)
    lengths = np.square(latents - latents.mean(axis=0)).sum(axis=1)
    return variance_share(points, lengths, is_member=np.arange(len(latents)) % 2 == 0)


def test_a_cross_holds_what_its_arms_hold():
    latents = np.array([[2.0, 0.0], [-2.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    share = measured(latents, 1)
    assert share.value == pytest.approx(0.8)
    assert (share.n_member, share.n_held_out) == (2, 2)


def test_the_interval_is_as_wide_as_resampling_says():
    generator = np.random.default_rng(3)
    scale = np.geomspace(3.0, 0.3, 12)
    latents = generator.standard_t(6, (800, 12)) * scale
    share = measured(latents, 2)
    assert share.value == pytest.approx(shares_of(latents, 2))
    resampled = [shares_of(latents[generator.integers(0, 800, 800)], 2) for _ in range(400)]
    # 400 resamples know a standard deviation to about 3.5 %; four of these.
    half = (share.ci95[1] - share.ci95[0]) / 2
    assert half == pytest.approx(1.959964 * np.std(resampled), rel=0.16)


def test_without_variance_there_is_no_share():
    share = variance_share(np.zeros((5, 2)), np.zeros(5), is_member=np.ones(5, dtype=bool))
    assert share.value is None
    assert "no variance" in share.note
