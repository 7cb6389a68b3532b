"""From a place to images ready for a model: once, counted, whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ldviz.data import prepare
from ldviz.data.images import array_digest
from ldviz.data.prepare import PreparedImages, prepare_images
from ldviz.data.report import ImageReport
from ldviz.data.settings import DataSettings, place_title
from ldviz.errors import CancelledError, DataError
from tests.data.pictures import encoded, fill, noise, png, raw_png, tree

ROOT = Path(__file__).resolve().parents[2]


def ready(place: Path, into: Path, **settings: object) -> PreparedImages:
    return prepare_images(DataSettings(place=str(place), **{"image_size": 8, **settings}), into)


def mixed(folder: Path) -> Path:
    """Six usable pictures of six kinds, and four that cannot be used."""
    exif = Image.Exif()
    exif[0x0112] = 6
    deep = noise(4, channels=1).astype(np.uint16) * 257
    for name, content in {
        "0-plain.png": png(0),
        "1-grey.png": encoded(noise(1, channels=1)),
        "2-clear.png": encoded(noise(2, channels=4)),
        "3-inks.jpg": encoded(Image.new("CMYK", (8, 8)), "JPEG"),
        "4-deep.png": encoded(deep),
        "5-turned.jpg": encoded(noise(5, (8, 16)), "JPEG", exif=exif),
        "6-text.png": b"not a picture",
        "7-bomb.png": raw_png(60_000, 60_000),
        "8-cut.png": png(8)[:80],
        "9-empty.png": b"",
        "notes.md": b"x",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def test_every_kind_of_picture_is_dealt_with_and_counted(tmp_path: Path) -> None:
    result = ready(mixed(tmp_path / "in"), tmp_path / "out")
    report = result.report
    assert (report.found, report.chosen, report.kept, report.num_skipped) == (10, 10, 6, 4)
    assert report.converted == {
        "grey to colour": 2,
        "transparency laid over white": 1,
        "CMYK to colour": 1,
        "16 bits to 8": 1,
        "turned upright (EXIF)": 1,
        "cropped": 1,
    }
    assert report.skipped == {"no picture inside": 2, "too many pixels": 1, "damaged": 1}
    assert report.first_skipped["no picture inside"] == "6-text.png"
    assert report.split == "seed"
    assert list(report.examples) == ["6-text.png", "7-bomb.png", "8-cut.png", "9-empty.png"]
    assert report.ignored == {"not images by name": 1}
    lines = report.lines()
    assert lines[0] == "Read 6 of 10 images (folder)."
    assert lines[-1].startswith('First skipped: "6-text.png": it holds no picture')
    np.testing.assert_array_equal(result.images.sample_ids, np.arange(6))
    np.testing.assert_array_equal(result.images.pixels[0], noise(0))
    np.testing.assert_array_equal(result.images.pixels[1], np.stack([noise(1, channels=1)] * 3, -1))
    np.testing.assert_array_equal(result.images.pixels[4], np.stack([noise(4, channels=1)] * 3, -1))


def test_skipped_images_leave_the_others_ids_and_sides_alone(tmp_path: Path) -> None:
    fill(tmp_path / "in", 12)
    before = ready(tmp_path / "in", tmp_path / "before")
    (tmp_path / "in" / "0004.png").write_bytes(b"broken")
    after = ready(tmp_path / "in", tmp_path / "after")
    kept = np.delete(np.arange(12), 4)
    np.testing.assert_array_equal(after.images.sample_ids, kept)
    np.testing.assert_array_equal(after.is_member, before.is_member[kept])
    np.testing.assert_array_equal(after.images.pixels[:], before.images.pixels[kept])


def test_names_that_are_no_valid_text_do_no_harm(tmp_path: Path) -> None:
    for name in (b"caf\xe9", b"plain"):
        folder = os.path.join(os.fsencode(tmp_path / "in"), name)
        os.makedirs(folder)
        for index in range(3):
            with open(os.path.join(folder, b"\xff%d.png" % index), "wb") as file:
                file.write(png(index) if index else b"broken")
    result = ready(tmp_path / "in", tmp_path / "out")
    assert result.images.class_names == ("caf?", "plain")
    assert list(result.report.examples) == ["caf?/?0.png", "plain/?0.png"]
    assert ImageReport.model_validate_json(result.report.model_dump_json()) == result.report


def test_grey_pictures_alone_stay_in_one_channel(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for index in range(4):
        (tmp_path / "in" / f"{index}.png").write_bytes(encoded(noise(index, channels=1)))
    result = ready(tmp_path / "in", tmp_path / "out")
    assert result.images.image_shape == (1, 8, 8)
    assert result.report.converted == {}
    expected = np.stack([noise(index, channels=1) for index in range(4)])[..., None]
    np.testing.assert_array_equal(result.images.pixels[:], expected)
    colour = ready(tmp_path / "in", tmp_path / "colour", colour="rgb")
    assert colour.report.converted == {"grey to colour": 4}
    np.testing.assert_array_equal(colour.images.pixels[:], np.repeat(expected, 3, axis=3))


def test_an_archive_gives_what_its_folder_gives(tmp_path: Path) -> None:
    for side in ("member", "held_out"):
        for name, start in (("cat", 0), ("frog", 50)):
            fill(tmp_path / "in" / side / name, 3, start=start + 100 * (side == "member"))
        (tmp_path / "in" / side / "cat" / "metadata.csv").write_text(
            "file_name,text\n0001.png,hm\n"
        )
    shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "in")
    shutil.make_archive(str(tmp_path / "packed"), "gztar", tmp_path / "in")
    folder = ready(tmp_path / "in", tmp_path / "a")
    assert folder.images.class_names == ("cat", "frog")
    assert folder.images.captions[1] == "hm"
    assert folder.is_member.sum() == 6
    for name, into in (("packed.zip", "b"), ("packed.tar.gz", "c")):
        other = ready(tmp_path / name, tmp_path / into)
        assert other.images.captions == folder.images.captions
        np.testing.assert_array_equal(other.is_member, folder.is_member)
        np.testing.assert_array_equal(other.images.labels, folder.images.labels)
        np.testing.assert_array_equal(other.images.pixels[:], folder.images.pixels[:])
    assert array_digest(folder.images.pixels) == array_digest(folder.images.pixels[:])


def test_a_second_call_opens_what_the_first_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path / "in", 6)
    first = ready(tmp_path / "in", tmp_path / "out")
    with monkeypatch.context() as patch:
        patch.setattr(prepare, "list_place", None)
        second = ready(tmp_path / "in", tmp_path / "out")
    np.testing.assert_array_equal(second.images.pixels[:], first.images.pixels[:])
    np.testing.assert_array_equal(second.is_member, first.is_member)
    assert second.report == first.report
    other = ready(tmp_path / "in", tmp_path / "out", seed=1)
    assert (other.is_member != first.is_member).any()


def test_a_changed_place_is_read_again_and_a_vanished_one_is_not_needed(tmp_path: Path) -> None:
    fill(tmp_path / "in", 6)
    ready(tmp_path / "in", tmp_path / "out")
    fill(tmp_path / "in", 8)
    assert len(ready(tmp_path / "in", tmp_path / "out").images) == 8
    shutil.rmtree(tmp_path / "in")
    assert len(ready(tmp_path / "in", tmp_path / "out").images) == 8


def test_an_interrupted_reading_leaves_nothing_and_starts_again(tmp_path: Path) -> None:
    fill(tmp_path / "in", 6)

    def stop(done: int, total: int, what: str) -> None:
        if done == 3:
            raise CancelledError("stopped by the test")

    settings = DataSettings(place=str(tmp_path / "in"), image_size=8)
    with pytest.raises(CancelledError):
        prepare_images(settings, tmp_path / "study" / "out", progress=stop)
    assert tree(tmp_path) == {"in", *(f"in/{index:04d}.png" for index in range(6))}
    stale = tmp_path / "study" / "out.partial-99999"
    stale.mkdir(parents=True)
    assert len(prepare_images(settings, tmp_path / "study" / "out").images) == 6
    assert not stale.exists()


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("absent/folder/here", "no folder or archive"),
        ("absent.zip", "no folder or archive"),
        ("empty", "holds no images"),
        ("texts", r'Not one member image.*First skipped: "0\.png": it holds no picture'),
        ("evil.zip", "leads out of it"),
        ("a.bin", "neither a folder nor a zip"),
    ],
)
def test_a_place_that_cannot_be_used_leaves_nothing(
    tmp_path: Path, place: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ldviz.data.places._HUB_ID", __import__("re").compile("never"))
    (tmp_path / "empty").mkdir()
    (tmp_path / "texts").mkdir()
    for index in range(4):
        (tmp_path / "texts" / f"{index}.png").write_text("text")
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr("../evil.png", png())
    (tmp_path / "a.bin").write_bytes(bytes(600))
    before = tree(tmp_path)
    with pytest.raises(DataError, match=message):
        ready(tmp_path / place, tmp_path / "new" / "study" / ".images")
    assert tree(tmp_path) == before


def test_no_place_at_all_says_how_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="--images path/to/images"):
        prepare_images(DataSettings(), tmp_path / "out")


def test_a_full_disk_is_told_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path / "in", 4)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(100, 50, 50))
    with pytest.raises(DataError, match=r"The images need 0\.0 GB.*Make room"):
        ready(tmp_path / "in", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_damaged_prepared_images_are_named(tmp_path: Path) -> None:
    fill(tmp_path / "in", 4)
    ready(tmp_path / "in", tmp_path / "out")
    (tmp_path / "out" / "sample_ids.npy").write_bytes(b"x")
    with pytest.raises(DataError, match=r"are damaged.*Delete that folder"):
        ready(tmp_path / "in", tmp_path / "out")


@pytest.mark.parametrize(
    ("place", "title"),
    [
        ("path/to/holiday", "holiday"),
        ("path/to/holiday/", "holiday"),
        ("holiday.tar.gz", "holiday"),
        ("uoft-cs/cifar10", "cifar10"),
        ("C:\\path\\holiday.zip", "holiday"),
    ],
)
def test_a_place_is_called_by_its_last_part(place: str, title: str) -> None:
    assert place_title(place) == title


MEASURE = """
import json, resource, sys
from pathlib import Path
from ldviz.data.images import array_digest
from ldviz.data.prepare import prepare_images
from ldviz.data.settings import DataSettings
prepared = prepare_images(DataSettings(place=sys.argv[1], image_size=64), Path(sys.argv[2]))
array_digest(prepared.images.pixels)
for start in range(0, len(prepared.images), 64):
    prepared.images.pixels[start : start + 64]
print(json.dumps([len(prepared.images), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]))
"""


def test_memory_does_not_grow_with_the_number_of_images(tmp_path: Path) -> None:
    fill(tmp_path / "few", 100)
    fill(tmp_path / "many", 100)
    for index in range(100, 5000):
        os.link(tmp_path / "many" / f"{index % 100:04d}.png", tmp_path / "many" / f"{index}.png")
    peaks = []
    for name, count in (("few", 100), ("many", 5000)):
        result = subprocess.run(
            [sys.executable, "-c", MEASURE, str(tmp_path / name), str(tmp_path / f"{name}-out")],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
        )
        found, peak = json.loads(result.stdout)
        assert found == count
        peaks.append(peak)
    assert (tmp_path / "many-out" / "pixels.bin").stat().st_size == 5000 * 64 * 64 * 3
    # 60 MB of pixels pass through; the 16 MiB pieces of the digest are all that is held.
    assert peaks[1] < 1.2 * peaks[0] + 16 * 1024
