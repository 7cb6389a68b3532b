"""Read the images of a place once: checked, cropped, resized, counted, and put in one file."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ldviz.data.choose import choose_rows
from ldviz.data.decode import PictureError, decode_picture
from ldviz.data.images import ImageSet
from ldviz.data.listing import Listing
from ldviz.data.pixel_file import PixelFile
from ldviz.data.places import list_place, place_fingerprint
from ldviz.data.report import ImageReport, Tally
from ldviz.data.settings import DataSettings
from ldviz.errors import DataError
from ldviz.progress import Progress, no_progress

_VERSION = 1


@dataclass(frozen=True)
class PreparedImages:
    """Images of one's own, ready for a model.

    Attributes:
        images: pixels on disk, ids (positions in the place's own order), classes, captions.
        is_member: (n,) bool.
        report: what was converted and what was skipped.
    """

    images: ImageSet
    is_member: np.ndarray
    report: ImageReport


def prepare_images(
    settings: DataSettings, into: Path, *, progress: Progress = no_progress
) -> PreparedImages:
    """Read the images at ``settings.place``, or open what an earlier call left.

    Pictures are read one by one, so memory does not grow with their number (their ids,
    classes and captions do stay in memory).  A picture that cannot be used is skipped and
    counted; the others keep their ids.

    Args:
        settings: which images, at what size, and how they are split.
        into: folder for the result; written aside and renamed, so it is whole or not there.
            What is there already is used if it was made with the same settings and the
            place's files have not changed since.
        progress: told of every picture; may cancel.

    Raises:
        DataError: if the place cannot be read, a side has no usable image, or the disk is full.

    Cost: H * W * c bytes of disk per image.
    """
    key = _key(settings)
    fingerprint = place_fingerprint(settings)
    index = _read_index(into)
    if index is not None and index["key"] == key and fingerprint in (None, index["fingerprint"]):
        return _open(into, index)
    made = [folder for folder in (into.parent, *into.parent.parents) if not folder.exists()]
    for stale in into.parent.glob(f"{into.name}.partial-*"):
        shutil.rmtree(stale)
    aside = into.with_name(f"{into.name}.partial-{os.getpid()}")
    try:
        (aside / "scratch").mkdir(parents=True)
        index = _write(settings, aside, progress)
        shutil.rmtree(aside / "scratch")
        index |= {"version": _VERSION, "key": key, "fingerprint": fingerprint}
        (aside / "index.json").write_text(json.dumps(index))
        if into.exists():
            shutil.rmtree(into)
        os.replace(aside, into)
    except OSError as error:
        raise DataError(
            f'The images cannot be prepared in "{into}": {error.strerror}. Make room there, or '
            "choose another folder."
        ) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        if not into.exists():
            _remove_empty(made)
    return _open(into, index)


def _write(settings: DataSettings, aside: Path, progress: Progress) -> dict[str, Any]:
    """Read, decode and store every chosen image; returns the index."""
    listing = list_place(settings, aside / "scratch")
    rows, is_member = choose_rows(listing, settings)
    _check_room(aside, len(rows) * settings.image_size**2 * 3)
    tally = Tally()
    kept: list[int] = []
    captions: list[str] = []
    num_grey = 0
    with open(aside / "pixels.bin", "wb") as file:
        for row, caption, pixels, is_grey in _pictures(listing, rows, settings, tally, progress):
            file.write(pixels.tobytes())
            kept.append(row)
            captions.append(caption)
            num_grey += is_grey
    progress(len(rows), len(rows), "reading images")
    is_member = is_member[np.searchsorted(rows, np.array(kept, dtype=np.int64))]
    _check_sides(is_member, tally)
    channels = 1 if settings.colour == "grey" else 3
    if settings.colour == "auto" and num_grey == len(kept):
        channels = 1
        _keep_one_channel(aside / "pixels.bin")
    elif settings.colour == "auto":
        for _ in range(num_grey):
            tally.convert(("grey to colour",))
    np.save(aside / "sample_ids.npy", np.array(kept, dtype=np.int64))
    np.save(aside / "is_member.npy", is_member)
    if listing.labels is not None:
        np.save(aside / "labels.npy", listing.labels[kept])
    if listing.has_captions:
        (aside / "captions.json").write_text(json.dumps(captions))
    report = tally.report(
        place=listing.place,
        split="place"
        if listing.is_member is not None
        else "file"
        if settings.split_file
        else "seed",
        found=listing.count,
        chosen=len(rows),
        kept=len(kept),
        ignored=listing.ignored or {},
    )
    return {
        "shape": [len(kept), settings.image_size, settings.image_size, channels],
        "class_names": listing.class_names,
        "report": report.model_dump(mode="json"),
    }


def _pictures(
    listing: Listing,
    rows: np.ndarray,
    settings: DataSettings,
    tally: Tally,
    progress: Progress,
) -> Iterator[tuple[int, str, np.ndarray, bool]]:
    """(row, caption, pixels, whether it is grey) of every usable picture."""
    for done, item in enumerate(listing.read(rows)):
        progress(done, len(rows), "reading images")
        if item.content is None:
            tally.skip(listing.name(item.row), "unreadable", item.problem)
            continue
        try:
            picture = decode_picture(item.content, settings)
        except PictureError as error:
            tally.skip(listing.name(item.row), error.kind, str(error))
            continue
        tally.convert(picture.notes)
        yield item.row, item.caption or "", picture.pixels, picture.is_grey


def _check_sides(is_member: np.ndarray, tally: Tally) -> None:
    for side, count in (("member", is_member.sum()), ("held-out", (~is_member).sum())):
        if count == 0:
            raise DataError(
                f"Not one {side} image can be used. First skipped: {tally.first} "
                "Both sides need images, or there is nothing to attack."
            )


def _check_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DataError(
            f'The images need {needed / 1e9:,.1f} GB in "{folder.parent}", where '
            f"{free / 1e9:,.1f} GB are free. Make room, or take fewer: num_images in the recipe."
        )


def _remove_empty(folders: list[Path]) -> None:
    """Leave no folders behind where nothing could be prepared; innermost first."""
    with contextlib.suppress(OSError):
        for folder in folders:
            folder.rmdir()


def _keep_one_channel(path: Path) -> None:
    """Rewrite a file of equal channel triples as one channel."""
    narrow = path.with_suffix(".narrow")
    with open(path, "rb") as wide, open(narrow, "wb") as out:
        while block := wide.read(3 * 2**20):
            out.write(block[::3])
    os.replace(narrow, path)


def _key(settings: DataSettings) -> str:
    return hashlib.sha256(settings.model_dump_json().encode()).hexdigest()


def _read_index(folder: Path) -> dict[str, Any] | None:
    """The index of a prepared folder; None if there is none that this version can use."""
    try:
        index = json.loads((folder / "index.json").read_text())
        return index if index["version"] == _VERSION else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _open(folder: Path, index: dict[str, Any]) -> PreparedImages:
    """Open a prepared folder."""
    try:
        labels = captions = None
        if (folder / "labels.npy").is_file():
            labels = np.load(folder / "labels.npy", allow_pickle=False)
        if (folder / "captions.json").is_file():
            captions = tuple(json.loads((folder / "captions.json").read_text()))
        names = index["class_names"]
        images = ImageSet(
            pixels=PixelFile(folder / "pixels.bin", tuple(index["shape"])),
            sample_ids=np.load(folder / "sample_ids.npy", allow_pickle=False),
            labels=labels,
            captions=captions,
            class_names=None if names is None else tuple(names),
        )
        is_member = np.load(folder / "is_member.npy", allow_pickle=False)
        report = ImageReport.model_validate(index["report"])
    except (OSError, ValueError, KeyError) as error:
        raise DataError(
            f'The prepared images in "{folder}" are damaged: {error}. Delete that folder, and '
            "run the same command again."
        ) from error
    return PreparedImages(images, is_member, report)
