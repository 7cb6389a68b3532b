"""Pictures of every kind: the pixels that come out, what is said of them, what is refused."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from PIL import Image

from ldviz.data.decode import Picture, PictureError, decode_picture
from ldviz.data.settings import DataSettings
from tests.data.pictures import encoded, noise, png, raw_png


def decode(content: bytes, **settings: object) -> Picture:
    return decode_picture(content, DataSettings(**{"image_size": 8, **settings}))


def test_a_plain_picture_of_the_right_size_is_not_touched() -> None:
    pixels = noise()
    picture = decode(encoded(pixels))
    np.testing.assert_array_equal(picture.pixels, pixels)
    assert (picture.is_grey, picture.notes) == (False, ())


def test_grey_stays_grey_and_is_tripled_for_colour() -> None:
    grey = noise(channels=1)
    one = decode(encoded(grey), colour="grey")
    np.testing.assert_array_equal(one.pixels[..., 0], grey)
    assert (one.is_grey, one.notes) == (True, ())
    three = decode(encoded(grey), colour="rgb")
    np.testing.assert_array_equal(three.pixels, np.stack([grey] * 3, -1))
    assert three.notes == ("grey to colour",)
    assert decode(encoded(grey)).notes == ()


def test_colour_to_grey_is_weighted_as_in_television() -> None:
    pixels = noise()
    picture = decode(encoded(pixels), colour="grey")
    expected = pixels @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(picture.pixels[..., 0], expected, atol=1.0)
    assert picture.notes == ("colour to grey",)


def test_transparency_is_laid_over_white() -> None:
    pixels = noise(channels=4)
    picture = decode(encoded(pixels))
    share = pixels[..., 3:] / 255.0
    expected = pixels[..., :3] * share + 255.0 * (1.0 - share)
    np.testing.assert_allclose(picture.pixels, expected, atol=1.5)
    assert picture.notes == ("transparency laid over white",)


def test_an_opaque_fourth_channel_changes_nothing() -> None:
    pixels = noise(channels=4)
    pixels[..., 3] = 255
    picture = decode(encoded(pixels))
    np.testing.assert_array_equal(picture.pixels, pixels[..., :3])
    assert picture.notes == ()


def test_grey_with_transparency_stays_grey() -> None:
    pixels = np.stack([noise(1, channels=1), np.full((8, 8), 128, np.uint8)], -1)
    picture = decode(encoded(Image.fromarray(pixels, "LA")), colour="grey")
    assert picture.is_grey
    expected = pixels[..., 0] * (128 / 255) + 255 * (127 / 255)
    np.testing.assert_allclose(picture.pixels[..., 0], expected, atol=1.5)


def test_printing_inks_become_colours() -> None:
    inks = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    picture = decode(encoded(inks, "TIFF"))
    np.testing.assert_array_equal(picture.pixels, np.broadcast_to([255, 0, 0], (8, 8, 3)))
    assert picture.notes == ("CMYK to colour",)


def test_a_palette_becomes_colours() -> None:
    pixels = np.zeros((8, 8, 3), np.uint8)
    pixels[:4] = (200, 10, 60)
    picture = decode(encoded(Image.fromarray(pixels).quantize(4)))
    np.testing.assert_array_equal(picture.pixels, pixels)
    assert picture.notes == ("palette to colour",)


@pytest.mark.parametrize("turn", range(2, 9))
def test_exif_turns_a_picture_upright(turn: int) -> None:
    upright = noise(3)
    turned = {
        2: np.fliplr,
        3: lambda a: np.rot90(a, 2),
        4: np.flipud,
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: np.rot90(a.swapaxes(0, 1), 2),
        8: lambda a: np.rot90(a, -1),
    }[turn](upright)
    exif = Image.Exif()
    exif[0x0112] = turn
    picture = decode(encoded(np.ascontiguousarray(turned), exif=exif))
    np.testing.assert_array_equal(picture.pixels, upright)
    assert picture.notes == ("turned upright (EXIF)",)


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_sixteen_bits_of_grey_become_eight(form: str) -> None:
    deep = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    picture = decode(encoded(deep, form), colour="grey")
    np.testing.assert_array_equal(picture.pixels[..., 0], np.rint(deep / 257.0))
    assert picture.is_grey
    assert picture.notes == ("16 bits to 8",)


def test_sixteen_bits_of_colour_are_counted_too() -> None:
    deep = np.random.default_rng(0).integers(0, 65536, (8, 8, 3)).astype(">u2")
    rows = b"".join(b"\0" + line.tobytes() for line in deep)
    picture = decode(raw_png(8, 8, depth=16, rows=rows))
    np.testing.assert_allclose(picture.pixels, deep / 257.0, atol=1.0)
    assert picture.notes == ("16 bits to 8",)


def test_the_first_frame_of_an_animation_is_taken() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    picture = decode(content)
    assert tuple(picture.pixels[0, 0]) == (255, 0, 0)
    assert "first frame of several" in picture.notes


def test_a_wide_picture_is_cut_in_the_middle() -> None:
    pixels = noise(5, (8, 20))
    picture = decode(encoded(pixels))
    np.testing.assert_array_equal(picture.pixels, pixels[:, 6:14])
    assert picture.notes == ("cropped",)


@pytest.mark.parametrize("resample", ["bilinear", "bicubic", "lanczos"])
def test_the_shorter_side_is_resized_and_then_the_middle_cut(resample: str) -> None:
    pixels = noise(6, (32, 64))
    picture = decode(encoded(pixels), resample=resample)
    resized = Image.fromarray(pixels).resize((16, 8), getattr(Image.Resampling, resample.upper()))
    np.testing.assert_allclose(picture.pixels, np.asarray(resized)[:, 4:12], atol=1)
    assert picture.notes == ("cropped", "shrunk")


def test_stretching_keeps_the_edges() -> None:
    pixels = np.zeros((8, 32, 3), np.uint8)
    pixels[:, :4] = 255
    assert decode(encoded(pixels), fit="stretch").pixels[:, 0].min() > 200
    assert decode(encoded(pixels), fit="crop").pixels.max() == 0


def test_a_centre_crop_comes_before_resizing() -> None:
    pixels = np.zeros((218, 178, 3), np.uint8)
    pixels[39:179, 19:159] = 255
    picture = decode(encoded(pixels), centre_crop=140, image_size=64)
    assert picture.pixels.shape == (64, 64, 3)
    assert picture.pixels.min() == 255


@pytest.mark.parametrize(
    ("content", "kind", "message"),
    [
        (b"Just a text.", "no picture inside", "holds no picture, whatever its name says"),
        (b"", "no picture inside", "holds no picture"),
        (png()[:60], "damaged", "damaged"),
        (encoded(noise(0, (64, 64)), "JPEG")[:-900], "damaged", "damaged"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no picture inside", "PNG"),
        (
            encoded(np.ones((8, 8), np.float32), "TIFF"),
            "floating-point values",
            "no agreed range",
        ),
        (
            encoded(np.full((8, 8), 70000, np.int32), "TIFF"),
            "values beyond 16 bits",
            "70,000",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(content: bytes, kind: str, message: str) -> None:
    with pytest.raises(PictureError, match=message) as caught:
        decode(content)
    assert caught.value.kind == kind


@pytest.mark.parametrize("form", ["png", "bmp", "ppm"])
def test_a_picture_of_60000_by_60000_is_refused_before_it_is_unpacked(form: str) -> None:
    content = {
        "png": raw_png(60_000, 60_000, rows=b"\0" * 1000),
        "bmp": encoded(noise(), "BMP"),
        "ppm": b"P6 60000 60000 255\n" + b"\0" * 1000,
    }[form]
    if form == "bmp":
        side = (60_000).to_bytes(4, "little")
        content = content[:18] + side + side + content[26:]
    tracemalloc.start()
    with pytest.raises(PictureError, match=r"announces 3,600,000,000 pixels; at most") as caught:
        decode(content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.kind == "too many pixels"
    assert peak < 10e6


def test_a_picture_of_100_megapixels_is_too_large_too() -> None:
    with pytest.raises(PictureError, match=r"announces 100,000,000 pixels"):
        decode(raw_png(10_000, 10_000))


def test_a_huge_file_is_refused_by_its_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ldviz.data.decode.MAX_FILE_BYTES", 100)
    with pytest.raises(PictureError, match="at most 100 are read"):
        decode(png())
