"""Masks in words."""

from __future__ import annotations

import pytest

from ldviz.attacks.mask_words import mask_words
from ldviz.attacks.masks import MaskSpec


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (MaskSpec(), "lowest 40 % of influence dropped"),
        (MaskSpec(kind="highest", drop_fraction=0.07), "highest 7 % of influence dropped"),
        (MaskSpec(kind="none"), "nothing dropped"),
        (
            MaskSpec(kind="random", seed=3),
            "40 % dropped at random, mean of 10 draws, seed 3",
        ),
        (
            MaskSpec(kind="band", band=(0.2, 0.5), ranking="global"),
            "influence ranks 20 to 50 % dropped, one ranking for all images",
        ),
        (
            MaskSpec(kind="none", channels_off=(1,), cells_off=(0, 7), dims_off=tuple(range(9))),
            "channel 1 off, cells 0 and 7 off, 9 single dimensions off",
        ),
    ],
)
def test_what_a_mask_drops_is_said(spec: MaskSpec, words: str) -> None:
    assert mask_words(spec) == words
