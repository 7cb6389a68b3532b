"""Images in a zip or tar archive, read without unpacking anything to disk.

An archive is refused as a whole if a name in it leads out of it, if it holds links, or if
it unpacks to more than its limit: bytes are counted while they are unpacked, whatever its
headers say.  Archives inside it are not opened.
"""

from __future__ import annotations

import bz2
import gzip
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Any

import numpy as np

from ldviz.data.decode import MAX_FILE_BYTES
from ldviz.data.listing import (
    MAX_METADATA_BYTES,
    MAX_TEXT_BYTES,
    Item,
    Layout,
    Listing,
    caption_text,
    parse_metadata,
    read_layout,
)
from ldviz.data.settings import DataSettings
from ldviz.errors import DataError

MAX_UNPACKED = 64 * 2**30
ALWAYS_UNPACKED = 2**30
MAX_RATIO = 100
_MAX_HEADER = 2**20
_CHUNK = 2**20

_OPENERS: dict[str, Callable[..., Any]] = {
    "tar": open,
    "tar.gz": gzip.open,
    "tar.bz2": bz2.open,
}
_MAGIC: dict[bytes, str] = {
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"\x1f\x8b": "tar.gz",
    b"BZh": "tar.bz2",
}


def unpacked_limit(path: Path) -> int:
    """Bytes that an archive may unpack to: 100 times its own size, 1 GiB ... 64 GiB."""
    return min(MAX_UNPACKED, max(ALWAYS_UNPACKED, MAX_RATIO * path.stat().st_size))


def list_archive(path: Path, settings: DataSettings) -> Listing:
    """The images of an archive: a zip sorted by path, a tar in its own order.

    Raises:
        DataError: if it is no archive, is damaged or encrypted, leads out of itself, holds
            links, unpacks to too much, or has no images.
    """
    kind = _kind(path)
    with _messages(path):
        return (_list_zip if kind == "zip" else _list_tar)(path, settings, kind)


def _kind(path: Path) -> str:
    with open(path, "rb") as file:
        head = file.read(512)
    for magic, kind in _MAGIC.items():
        if head.startswith(magic):
            return kind
    if head[257:262] == b"ustar":
        return "tar"
    raise DataError(
        f'"{path}" is neither a folder nor a zip, tar, tar.gz or tar.bz2 archive. '
        "Give one of these, or a data set's hub id."
    )


@contextmanager
def _messages(path: Path) -> Iterator[None]:
    """Turn what the archive libraries raise into one message."""
    try:
        yield
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        zlib.error,
        EOFError,
        OSError,
        NotImplementedError,
    ) as error:
        raise DataError(
            f'The archive "{path}" is damaged or cut short: {error}. Make it again.'
        ) from error


class _Budget:
    """Counts unpacked bytes and refuses the archive once there are too many."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.limit = unpacked_limit(path)
        self._used = 0

    def spend(self, count: int) -> None:
        self._used += count
        if self._used > self.limit:
            raise self.refusal()

    def refusal(self) -> DataError:
        return DataError(
            f'The archive "{self._path}" unpacks to more than {self.limit:,} bytes, '
            "the most that is read from an archive of its size. If it is meant to be so large, "
            "unpack it and give the folder."
        )


def _check_name(path: Path, name: str) -> None:
    """Refuse an archive in which a name leads out of it."""
    windows = PureWindowsPath(name)
    if (
        PurePosixPath(name).is_absolute()
        or windows.drive
        or windows.root
        or ".." in windows.parts
        or "\0" in name
    ):
        raise DataError(
            f'The archive "{path}" holds the path "{name}", which leads out of it. '
            "It was not read; make it again with plain relative paths."
        )


def _plain(name: str) -> str:
    """A name without "./" before it, which some programs write."""
    return str(PurePosixPath(name))


def _refuse_link(path: Path, name: str) -> None:
    raise DataError(
        f'The archive "{path}" holds the link "{name}". Links could lead anywhere, so it was '
        "not read; make it again with the files themselves."
    )


def _read_all(stream: IO[bytes], budget: _Budget, limit: int, name: str) -> bytes:
    """A member's bytes, counted as they come."""
    parts, size = [], 0
    while chunk := stream.read(_CHUNK):
        size += len(chunk)
        budget.spend(len(chunk))
        if size > limit:
            raise DataError(
                f'"{name}" in the archive unpacks to more than {limit:,} bytes, '
                "which no picture or caption needs. The archive was not read."
            )
        parts.append(chunk)
    return b"".join(parts)


def _list_zip(path: Path, settings: DataSettings, kind: str) -> Listing:
    with zipfile.ZipFile(path) as archive:
        entries: dict[str, zipfile.ZipInfo] = {}
        declared = 0
        budget = _Budget(path)
        for entry in archive.infolist():
            _check_name(path, entry.orig_filename)
            if stat.S_ISLNK(entry.external_attr >> 16):
                _refuse_link(path, entry.filename)
            if entry.is_dir():
                continue
            if entry.flag_bits & 0x1:
                raise DataError(f'The archive "{path}" is encrypted. Make one without a password.')
            if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise DataError(
                    f'The archive "{path}" is packed by a method other than deflate. '
                    "Make it again with the usual settings."
                )
            declared += entry.file_size
            if declared > budget.limit:
                raise budget.refusal()
            entries[_plain(entry.filename)] = entry
        layout = read_layout(sorted(entries), settings, str(path))

        def text_of(name: str, limit: int) -> bytes:
            with archive.open(entries[name]) as stream:
                return _read_all(stream, budget, limit, name)

        captions = _captions(layout, settings, text_of)

    def read(rows: np.ndarray) -> Iterator[Item]:
        budget = _Budget(path)
        with _messages(path), zipfile.ZipFile(path) as archive:
            for row in rows:
                name = layout.names[row]
                try:
                    with archive.open(entries[name]) as stream:
                        content = _read_all(stream, budget, MAX_FILE_BYTES, name)
                except (zipfile.BadZipFile, zlib.error, EOFError) as error:
                    yield Item(int(row), None, problem=f"damaged in the archive: {error}.")
                    continue
                yield Item(int(row), content, _caption(captions, name))

    return _listing(f"{kind} archive", layout, captions, read)


def _list_tar(path: Path, settings: DataSettings, kind: str) -> Listing:
    texts: dict[str, bytes] = {}
    names = []
    for name, stream in _walk_tar(path, kind):
        names.append(name)
        if name.endswith((".txt", "metadata.csv", "metadata.jsonl")):
            texts[name] = stream(MAX_TEXT_BYTES if name.endswith(".txt") else MAX_METADATA_BYTES)
    layout = read_layout(list(dict.fromkeys(names)), settings, str(path))
    captions = _captions(layout, settings, lambda name, limit: texts[name])
    row_of = {name: row for row, name in enumerate(layout.names)}

    def read(rows: np.ndarray) -> Iterator[Item]:
        wanted = {int(row) for row in rows}
        with _messages(path):
            for name, stream in _walk_tar(path, kind):
                row = row_of.get(name)
                if row in wanted:
                    wanted.discard(row)
                    yield Item(row, stream(MAX_FILE_BYTES), _caption(captions, name))

    return _listing(f"{kind} archive", layout, captions, read)


def _captions(
    layout: Layout, settings: DataSettings, text_of: Callable[[str, int], bytes]
) -> dict[str, str]:
    """Image to caption, from tables and from text files of the same name."""
    captions = {
        image: caption_text(text_of(text, MAX_TEXT_BYTES).decode("utf-8", errors="replace"))
        for image, text in layout.caption_files.items()
    }
    for name in layout.metadata_files:
        captions |= parse_metadata(name, text_of(name, MAX_METADATA_BYTES), settings)
    return captions


def _caption(captions: dict[str, str], name: str) -> str | None:
    return captions.get(name, "") if captions else None


def _listing(
    place: str,
    layout: Layout,
    captions: dict[str, str],
    read: Callable[[np.ndarray], Iterator[Item]],
) -> Listing:
    return Listing(
        place=place if layout.is_member is None else f"{place}, a folder per side",
        count=len(layout.names),
        name=layout.names.__getitem__,
        read=read,
        is_member=layout.is_member,
        labels=layout.labels,
        class_names=layout.class_names,
        has_captions=bool(captions),
        ignored=layout.ignored,
    )


class _CarefulInfo(tarfile.TarInfo):
    """A header that announces a huge header of its own is refused before that is read."""

    @classmethod
    def frombuf(cls, buf: bytes, encoding: str, errors: str) -> _CarefulInfo:
        info = super().frombuf(buf, encoding, errors)
        if info.type in (b"x", b"g", b"X", b"L", b"K") and info.size > _MAX_HEADER:
            raise DataError(
                f"The archive announces a header of {info.size:,} bytes; "
                f"at most {_MAX_HEADER:,} are read. It was not read."
            )
        return info


class _Counted:
    """A file that counts what is read from it."""

    def __init__(self, stream: IO[bytes], budget: _Budget) -> None:
        self._stream = stream
        self._budget = budget

    def read(self, size: int) -> bytes:
        content = self._stream.read(size)
        self._budget.spend(len(content))
        return content


def _walk_tar(path: Path, kind: str) -> Iterator[tuple[str, Callable[[int], bytes]]]:
    """Every regular file of a tar, front to back, and a way to read it while it is current."""
    budget = _Budget(path)
    with (
        _OPENERS[kind](path, "rb") as unpacked,
        tarfile.open(
            fileobj=_Counted(unpacked, budget), mode="r|", tarinfo=_CarefulInfo
        ) as archive,
    ):
        while (member := archive.next()) is not None:
            # A stream never goes back, so what lies behind need not be remembered.
            archive.members = []
            _check_name(path, member.name)
            if member.issym() or member.islnk():
                _refuse_link(path, member.name)
            if not member.isreg():
                continue

            def stream(limit: int, member: tarfile.TarInfo = member) -> bytes:
                # What the file holds is counted by the archive's own stream already.
                return _read_all(archive.extractfile(member), _Budget(path), limit, member.name)

            yield _plain(member.name), stream
