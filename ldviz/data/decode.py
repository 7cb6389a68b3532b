"""One picture, as a file's bytes, to pixels: every limit is checked before it is unpacked."""

from __future__ import annotations

import io
import re
import warnings
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError, features

from ldviz.data.settings import DataSettings
from ldviz.errors import DataError

# Formats that Pillow reads by itself; EPS, which starts another program, is not among them.
FORMATS = tuple(
    form
    for form in ("PNG", "JPEG", "WEBP", "BMP", "DIB", "GIF", "TIFF", "PPM", "AVIF")
    if form not in ("WEBP", "AVIF") or features.check(form.lower())
)
MAX_PIXELS = 89_478_485
MAX_FILE_BYTES = 256 * 2**20

_ORIENTATION = 0x0112
_FILTERS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


class PictureError(DataError):
    """One picture that cannot be used.

    Attributes:
        kind: the reason in a few words, for counting.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class Picture:
    """One picture, ready for a model.

    Attributes:
        pixels: (size, size, 3) uint8, or (size, size, 1) where one grey channel is asked for.
        is_grey: whether the file itself was grey.
        notes: what was done to it, in words that are counted.
    """

    pixels: np.ndarray
    is_grey: bool
    notes: tuple[str, ...]


def decode_picture(content: bytes, settings: DataSettings) -> Picture:
    """Decode, turn upright, bring to 8 bits, crop, resize and set the number of channels.

    The size is read from the header and checked before a pixel is unpacked.  Transparency
    is laid over white; 16-bit values are divided by 257 and rounded, or cut to their high
    byte where Pillow does so itself; of an animation the first frame is taken.

    Args:
        content: the whole file.
        settings: ``image_size``, ``centre_crop``, ``fit``, ``resample`` and ``colour``;
            "auto" is returned with three channels, its ``is_grey`` tells the rest.

    Raises:
        PictureError: if it is no picture, is damaged, is too large, or holds values without
            an agreed range; the message says which.
    """
    if len(content) > MAX_FILE_BYTES:
        raise PictureError(
            "too large a file",
            f"the file has {len(content):,} bytes; at most {MAX_FILE_BYTES:,} are read.",
        )
    with warnings.catch_warnings():
        # Pillow warns of odd metadata, which does not touch the pixels, and of large sizes,
        # which are checked here.
        warnings.simplefilter("ignore")
        try:
            image = Image.open(io.BytesIO(content), formats=FORMATS)
            _check_size(image.size)
            notes = _notes_of_file(image)
            image.load()
            if image.getexif().get(_ORIENTATION, 1) in range(2, 9):
                notes.append("turned upright (EXIF)")
            upright = ImageOps.exif_transpose(image)
        except PictureError:
            raise
        except Image.DecompressionBombError as error:
            # Pillow looks at the header too, and names the number of pixels first.
            raise _too_many_pixels(int(re.search(r"\d+", str(error)).group())) from error
        except UnidentifiedImageError as error:
            raise PictureError(
                "no picture inside",
                "it holds no picture, whatever its name says. "
                f"Pictures are read from {', '.join(FORMATS)} files.",
            ) from error
        except Exception as error:
            # A damaged file trips Pillow's parsers in as many ways as there are parsers.
            raise PictureError("damaged", f"the picture is damaged: {error}.") from error
        plain = _to_eight_bits(upright, notes)
    is_grey = plain.mode == "L"
    framed = _frame(plain, settings, notes)
    if settings.colour == "grey":
        if not is_grey:
            notes.append("colour to grey")
        pixels = np.asarray(framed.convert("L"))[..., None]
    else:
        if is_grey and settings.colour == "rgb":
            notes.append("grey to colour")
        pixels = np.asarray(framed.convert("RGB"))
    return Picture(pixels, is_grey, tuple(notes))


def _check_size(size: tuple[int, int]) -> None:
    if size[0] * size[1] > MAX_PIXELS:
        raise _too_many_pixels(size[0] * size[1])


def _too_many_pixels(count: int) -> PictureError:
    return PictureError(
        "too many pixels",
        f"its header announces {count:,} pixels; at most {MAX_PIXELS:,} are unpacked. "
        "Make it smaller.",
    )


def _notes_of_file(image: Image.Image) -> list[str]:
    """What can be told before the pixels are unpacked."""
    notes = []
    if any(";16" in str(tile[3]) for tile in image.tile):
        notes.append("16 bits to 8")
    if getattr(image, "is_animated", False):
        notes.append("first frame of several")
    return notes


def _to_eight_bits(image: Image.Image, notes: list[str]) -> Image.Image:
    """Mode "L" or "RGB"."""
    if image.mode in ("L", "RGB"):
        # A PNG may name one colour that stands for transparency.
        return image if "transparency" not in image.info else _over_white(image, notes)
    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.int64)
        if values.min() < 0 or values.max() > 65535:
            raise PictureError(
                "values beyond 16 bits",
                f"its values run from {values.min():,} to {values.max():,}; "
                "grey levels are read up to 65,535. Save it with 8 or 16 bits.",
            )
        if "16 bits to 8" not in notes:
            notes.append("16 bits to 8")
        return Image.fromarray(np.rint(values / 257.0).astype(np.uint8))
    if image.mode == "F":
        raise PictureError(
            "floating-point values",
            "it holds floating-point values, which have no agreed range. "
            "Save it with 8 or 16 bits.",
        )
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        return _over_white(image, notes)
    if image.mode == "1":
        notes.append("black and white to grey")
        return image.convert("L")
    notes.append("palette to colour" if image.mode == "P" else f"{image.mode} to colour")
    return image.convert("RGB")


def _over_white(image: Image.Image, notes: list[str]) -> Image.Image:
    """Lay a picture over white; grey ones stay grey."""
    target = "L" if image.mode in ("L", "LA", "La") else "RGB"
    layer = image.convert("RGBA")
    if layer.getextrema()[3][0] < 255:
        notes.append("transparency laid over white")
    white = Image.new("RGBA", layer.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, layer).convert(target)


def _frame(image: Image.Image, settings: DataSettings, notes: list[str]) -> Image.Image:
    """Crop and resize to a square of ``image_size`` pixels."""
    size = settings.image_size
    if settings.centre_crop is not None:
        image = _middle(image, settings.centre_crop, settings.centre_crop)
        notes.append("cropped")
    width, height = image.size
    box = None
    if settings.fit == "crop" and width != height:
        side = min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        box = (left, top, left + side, top + side)
        if settings.centre_crop is None:
            notes.append("cropped")
    shorter = min(image.size)
    if shorter != size or (settings.fit == "stretch" and width != height):
        notes.append("shrunk" if shorter > size else "enlarged")
    elif box is not None:
        return _middle(image, size, size)
    return image.resize((size, size), _FILTERS[settings.resample], box=box)


def _middle(image: Image.Image, width: int, height: int) -> Image.Image:
    """The middle of a picture; all of it where it is smaller."""
    width, height = min(width, image.width), min(height, image.height)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))
