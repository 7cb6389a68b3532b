"""Archives: read like folders, and refused whole where they could do harm."""

from __future__ import annotations

import bz2
import gzip
import io
import stat
import struct
import tarfile
import time
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from ldviz.data import archive as archive_module
from ldviz.data.archive import list_archive, unpacked_limit
from ldviz.data.listing import Item
from ldviz.data.settings import DataSettings
from ldviz.errors import DataError
from tests.data.pictures import png, tree

KINDS = ("zip", "tar", "tar.gz", "tar.bz2")
Files = dict[str, bytes]


def write(path: Path, files: Files) -> Path:
    """An archive of the kind that its name says."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return path
    mode = {".tar": "w", ".gz": "w:gz", ".bz2": "w:bz2"}[path.suffix]
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def read(path: Path) -> list[Item]:
    listing = list_archive(path, DataSettings())
    return list(listing.read(np.arange(listing.count)))


@pytest.mark.parametrize("kind", KINDS)
def test_sides_classes_and_captions_as_in_a_folder(tmp_path: Path, kind: str) -> None:
    files = {
        "set/held_out/cat/1.png": png(1),
        "set/held_out/frog/2.png": png(2),
        "set/member/cat/3.png": png(3),
        "set/member/cat/3.txt": b"a cat",
        "set/readme.md": b"x",
        "set/more.zip": b"x",
    }
    path = write(tmp_path / f"a.{kind}", files)
    listing = list_archive(path, DataSettings())
    np.testing.assert_array_equal(listing.is_member, [False, False, True])
    np.testing.assert_array_equal(listing.labels, [0, 1, 0])
    assert listing.ignored == {"archives inside, not opened": 1, "not images by name": 1}
    assert listing.place == f"{kind} archive, a folder per side"
    items = list(listing.read(np.array([0, 2])))
    assert [(item.row, item.content, item.caption) for item in items] == [
        (0, png(1), ""),
        (2, png(3), "a cat"),
    ]
    assert tree(tmp_path) == {path.name}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "name", ["../evil.png", "a/../../evil.png", "/tmp/evil.png", "..\\evil.png", "C:\\evil.png"]
)
def test_a_path_that_leads_out_is_refused(tmp_path: Path, kind: str, name: str) -> None:
    path = write(tmp_path / f"a.{kind}", {"fine.png": png(), name: png()})
    with pytest.raises(DataError, match="leads out of it"):
        list_archive(path, DataSettings())
    assert tree(tmp_path) == {path.name}


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("fine.png", png())
        link = zipfile.ZipInfo("link.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/hostname")
    with pytest.raises(DataError, match=r'holds the link "link\.png"'):
        list_archive(path, DataSettings())


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_a_link_in_a_tar_is_refused(tmp_path: Path, kind: bytes) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        info = tarfile.TarInfo("link.png")
        info.type, info.linkname = kind, "/etc/hostname"
        archive.addfile(info)
    with pytest.raises(DataError, match=r'holds the link "link\.png"'):
        list_archive(path, DataSettings())


def test_devices_in_a_tar_are_no_images(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        for name, kind in (("pipe.png", tarfile.FIFOTYPE), ("device.png", tarfile.CHRTYPE)):
            info = tarfile.TarInfo(name)
            info.type = kind
            archive.addfile(info)
    with pytest.raises(DataError, match="holds no images"):
        list_archive(path, DataSettings())


def bomb(path: Path, mebibytes: int) -> Path:
    """One picture of zeros in an archive of the kind that the name says, far smaller."""
    info = tarfile.TarInfo("bomb.png")
    info.size = mebibytes * 2**20
    if path.suffix == ".zip":
        with (
            zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
            archive.open("bomb.png", "w") as stream,
        ):
            for _ in range(mebibytes):
                stream.write(bytes(2**20))
        return path
    opener = gzip.open if path.suffix == ".gz" else bz2.open
    with opener(path, "wb") as stream:
        stream.write(info.tobuf())
        for _ in range(mebibytes):
            stream.write(bytes(2**20))
        stream.write(bytes(1024))
    return path


@pytest.mark.parametrize("kind", ["zip", "tar.gz", "tar.bz2"])
def test_what_unpacks_to_too_much_is_refused(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_module, "ALWAYS_UNPACKED", 2**22)
    path = bomb(tmp_path / f"a.{kind}", 64)
    assert path.stat().st_size < 2**20
    tracemalloc.start()
    with pytest.raises(DataError, match="unpacks to more than"):
        read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 32e6
    assert tree(tmp_path) == {path.name}


def forged(path: Path, size: int) -> Path:
    """The archive with another unpacked size in every header."""
    content = bytearray(path.read_bytes())
    for magic, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        at = content.find(magic)
        content[at + offset : at + offset + 4] = struct.pack("<I", size)
    path.write_bytes(content)
    return path


def test_a_zip_whose_headers_announce_little_is_bounded_by_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_module, "ALWAYS_UNPACKED", 2**22)
    path = forged(bomb(tmp_path / "a.zip", 64), 1000)
    tracemalloc.start()
    (item,) = read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert item.content is None
    assert "damaged in the archive" in item.problem
    assert peak < 8e6


def test_a_zip_whose_headers_announce_100_gb_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for index in range(25):
            archive.writestr(f"{index}.png", png(index))
    content = path.read_bytes()
    parts = content.split(b"PK\x01\x02")
    huge = struct.pack("<I", 2**32 - 2)
    path.write_bytes(b"PK\x01\x02".join(parts[:1] + [p[:20] + huge + p[24:] for p in parts[1:]]))
    start = time.monotonic()
    with pytest.raises(DataError, match=r"unpacks to more than 1,073,741,824 bytes"):
        list_archive(path, DataSettings())
    assert time.monotonic() - start < 5


def test_one_huge_file_in_a_large_archive_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_module, "MAX_FILE_BYTES", 2**20)
    for kind in ("zip", "tar.gz"):
        path = bomb(tmp_path / f"a.{kind}", 4)
        with pytest.raises(DataError, match=r'"bomb\.png" in the archive unpacks to more than'):
            read(path)


def test_a_tar_header_of_a_gigabyte_is_not_read(tmp_path: Path) -> None:
    info = tarfile.TarInfo("header")
    info.type, info.size = tarfile.XHDTYPE, 2**30
    path = tmp_path / "a.tar.gz"
    with gzip.open(path, "wb") as stream:
        stream.write(info.tobuf())
        for _ in range(8):
            stream.write(bytes(2**20))
    tracemalloc.start()
    with pytest.raises(DataError, match="announces a header of"):
        list_archive(path, DataSettings())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2e6


def test_the_limit_follows_the_archives_size(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(b"x")
    assert unpacked_limit(path) == 2**30
    with open(path, "wb") as file:
        file.truncate(50 * 10**6)
    assert unpacked_limit(path) == 5 * 10**9
    with open(path, "wb") as file:
        file.truncate(2**40)
    assert unpacked_limit(path) == 64 * 2**30


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_archive_is_named(tmp_path: Path, kind: str) -> None:
    files = {f"{index}.png": png(index, (64, 64)) for index in range(5)}
    path = write(tmp_path / f"a.{kind}", files)
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(DataError, match="damaged or cut short"):
        read(path)


def test_one_damaged_picture_in_a_zip_leaves_the_others(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for index in range(3):
            archive.writestr(f"{index}.png", png(index))
    content = bytearray(path.read_bytes())
    at = content.find(png(1))
    content[at + 50] ^= 0xFF
    path.write_bytes(content)
    assert [item.content for item in read(path)] == [png(0), None, png(2)]


def test_other_archives_and_passwords_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.7z"
    path.write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(600))
    with pytest.raises(DataError, match="neither a folder nor a zip, tar"):
        list_archive(path, DataSettings())
    locked = write(tmp_path / "a.zip", {"a.png": png()})
    content = bytearray(locked.read_bytes())
    content[content.find(b"PK\x01\x02") + 8] |= 1
    locked.write_bytes(content)
    with pytest.raises(DataError, match="encrypted"):
        list_archive(locked, DataSettings())
    squeezed = tmp_path / "b.zip"
    with zipfile.ZipFile(squeezed, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("a.png", png())
    with pytest.raises(DataError, match="other than deflate"):
        list_archive(squeezed, DataSettings())
