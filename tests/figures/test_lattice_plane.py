"""The latent plane with its images, and the sheet of images that it shows."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from ldviz.errors import InputError
from ldviz.figures.decoded_grid import png_uri, sheet_uri, shrunk
from ldviz.figures.latent_plane import plot_latent_plane

OFFSETS = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])


def opened(uri):
    content = base64.b64decode(uri.removeprefix("data:image/png;base64,"))
    return np.asarray(Image.open(io.BytesIO(content)))


def plane():
    return plot_latent_plane(
        OFFSETS,
        np.arange(25.0).reshape(5, 5),
        sheet="data:image/png;base64,AAAA",
        colour="#D55E00",
        num_pixels=1024,
    )


def test_grid_lines_lie_at_the_offsets_both_ways():
    lines = next(trace for trace in plane().data if trace.name == "grid lines")
    x = np.array([np.nan if value is None else value for value in lines.x]).reshape(-1, 3)
    y = np.array([np.nan if value is None else value for value in lines.y]).reshape(-1, 3)
    np.testing.assert_array_equal(np.unique(y[::2, 0]), OFFSETS)
    np.testing.assert_array_equal(np.unique(x[1::2, 0]), OFFSETS)
    assert lines.line.color == "#D55E00"


def test_the_sheet_covers_one_cell_around_every_node():
    figure = plane()
    image = figure.layout.images[0]
    assert (image.x, image.y, image.sizex, image.sizey) == (-2.5, 2.5, 5.0, 5.0)
    assert figure.layout.xaxis.range == (-2.5, 2.5)
    assert figure.layout.yaxis.scaleanchor == "x"


def test_hover_tells_each_node_its_own_distance():
    nodes = next(trace for trace in plane().data if trace.name == "decoded images")
    index = next(index for index in range(25) if (nodes.x[index], nodes.y[index]) == (1.0, -2.0))
    assert nodes.customdata[index] == 3.0
    assert "L2 over 1,024 pixels" in nodes.hovertemplate


def test_a_sheet_keeps_every_image_in_its_cell_with_clear_gaps():
    pixels = np.zeros((2, 3, 4, 4, 1), dtype=np.uint8)
    pixels[...] = (10 * np.arange(2)[:, None] + np.arange(3)).reshape(2, 3, 1, 1, 1)
    sheet = opened(sheet_uri(pixels, gap=0.5))
    assert sheet.shape == (16, 24, 2)
    for row in range(2):
        for column in range(3):
            cell = sheet[8 * row : 8 * row + 8, 8 * column : 8 * column + 8]
            assert (cell[2:6, 2:6, 0] == 10 * row + column).all()
            assert (cell[2:6, 2:6, 1] == 255).all()
            assert cell[..., 1].sum() == 16 * 255


def test_upwards_puts_the_first_row_at_the_bottom():
    pixels = np.zeros((2, 1, 2, 2, 3), dtype=np.uint8)
    pixels[0] = 200
    sheet = opened(sheet_uri(pixels, upwards=True))
    assert (sheet[2:, :, :3] == 200).all()
    assert (sheet[:2, :, :3] == 0).all()


def test_enlarging_repeats_pixels_and_mixes_none():
    pixels = np.arange(4, dtype=np.uint8).reshape(1, 1, 2, 2, 1)
    sheet = opened(sheet_uri(pixels, min_width=5))
    assert sheet.shape == (6, 6, 2)
    np.testing.assert_array_equal(sheet[..., 0], np.kron([[0, 1], [2, 3]], np.ones((3, 3))))


def test_wrong_sheets_are_refused():
    with pytest.raises(InputError, match=r"uint8 pixels, got \(2, 2\)"):
        sheet_uri(np.zeros((2, 2), dtype=np.uint8))
    with pytest.raises(InputError, match=r"`gap` must be in \[0, 1\), got 1.0"):
        sheet_uri(np.zeros((1, 1, 2, 2, 1), dtype=np.uint8), gap=1.0)


def test_a_png_returns_the_pixels_it_was_made_of():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    np.testing.assert_array_equal(opened(png_uri(pixels)), pixels)


def test_shrinking_averages_whole_blocks():
    pixels = np.arange(16, dtype=np.uint8).reshape(1, 4, 4, 1)
    np.testing.assert_array_equal(shrunk(pixels, 2)[0, ..., 0], [[2, 4], [10, 12]])
    assert shrunk(pixels, 4) is pixels


def test_shrinking_takes_the_smallest_block_that_fits_both_sides():
    assert shrunk(np.zeros((2, 12, 24, 3), dtype=np.uint8), 10).shape == (2, 4, 8, 3)
    with pytest.raises(InputError, match="no whole reduction to 4"):
        shrunk(np.zeros((7, 11, 3), dtype=np.uint8), 4)
