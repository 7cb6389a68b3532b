"""Colours of influence, and the sheet of maps of where dimensions act."""

import numpy as np

from ldviz.figures.influence_map import (
    MAX_SHEET_PIXELS,
    action_sheet,
    colour_scale,
    influence_colours,
)


def test_colours_run_from_blue_through_grey_to_orange():
    colours = influence_colours(np.array([-2.0, 0.0, 2.0]))
    np.testing.assert_array_equal(colours, [[0x00, 0x72, 0xB2], [0xE6] * 3, [0xD5, 0x5E, 0x00]])
    np.testing.assert_array_equal(colour_scale()[0], colours[0])
    np.testing.assert_array_equal(colour_scale()[-1], colours[2])


def test_equal_influence_everywhere_is_grey():
    np.testing.assert_array_equal(influence_colours(np.full(3, 1.7)), np.full((3, 3), 0xE6))


def test_every_map_has_its_own_tile_and_brightness():
    maps = np.zeros((5, 2, 4))
    for index in range(5):
        maps[index, index % 2, index % 4] = 10.0**-index
    sheet, columns = action_sheet(maps)
    assert columns == 3
    assert sheet.shape == (2 * 2, 3 * 4, 1)
    for index in range(5):
        top, left = 2 * (index // columns), 4 * (index % columns)
        tile = sheet[top : top + 2, left : left + 4, 0]
        assert tile[index % 2, index % 4] == 255
        assert tile.sum() == 255
    assert sheet[2:, 8:].sum() == 0


def test_a_map_of_zeros_stays_dark():
    assert action_sheet(np.zeros((1, 2, 2)))[0].sum() == 0


def test_large_maps_are_averaged_until_the_sheet_is_small_enough():
    maps = np.ones((1024, 64, 64))
    maps[:, ::2, ::2] = 3.0
    sheet, columns = action_sheet(maps)
    assert columns == 32
    assert sheet.size <= MAX_SHEET_PIXELS
    assert sheet.shape == (32 * 32, 32 * 32, 1)
    assert (sheet == 255).all()
