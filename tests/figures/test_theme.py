"""The quarters' colours: ordered, visible on both themes, distinct with any colour vision."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest

from ldviz.figures.theme import (
    HELD_OUT,
    MASK_COLOURS,
    MEMBER,
    QUARTILE_COLOURS,
    STUDY_COLOURS,
)

# Linear RGB as seen without one kind of cone (Machado, Oliveira and Fernandes 2009, severity 1).
VISION = {
    "all cones": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(colour: str) -> np.ndarray:
    """A "#rrggbb" colour as linear RGB."""
    values = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def luminance(colour: str) -> float:
    return float(TO_XYZ[1] @ linear(colour))


def lab(colour: str, vision: str) -> np.ndarray:
    """CIELAB of a colour as that vision sees it."""
    seen = np.clip(np.asarray(VISION[vision]) @ linear(colour), 0, 1)
    x, y, z = np.cbrt(TO_XYZ @ seen / [0.9505, 1.0, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("page", ["#ffffff", "#0e1117"])
def test_quarters_and_studies_are_visible_on_both_themes(page: str) -> None:
    for colour in QUARTILE_COLOURS + STUDY_COLOURS:
        light, dark = sorted((luminance(colour), luminance(page)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 3


@pytest.mark.parametrize("vision", VISION)
def test_the_quarters_are_told_apart_with_any_colour_vision(vision: str) -> None:
    seen = [lab(colour, vision) for colour in QUARTILE_COLOURS]
    assert min(np.linalg.norm(a - b) for a, b in combinations(seen, 2)) > 25


def test_the_quarters_rise_in_lightness() -> None:
    lightness = [lab(colour, "all cones")[0] for colour in QUARTILE_COLOURS]
    assert all(b - a > 2 for a, b in pairwise(lightness))


@pytest.mark.parametrize("vision", VISION)
def test_two_studies_are_told_apart_with_any_colour_vision(vision: str) -> None:
    first, second = (lab(colour, vision) for colour in STUDY_COLOURS)
    assert np.linalg.norm(first - second) > 45


def test_a_study_has_no_colour_of_a_class_or_a_mask() -> None:
    for colour in STUDY_COLOURS:
        for taken in (MEMBER, HELD_OUT, *MASK_COLOURS.values()):
            assert np.linalg.norm(lab(colour, "all cones") - lab(taken, "all cones")) > 25


@pytest.mark.parametrize("colour", STUDY_COLOURS)
def test_the_white_letter_on_a_study_s_colour_is_legible(colour: str) -> None:
    assert 1.05 / (luminance(colour) + 0.05) >= 4
