"""Killed at any moment, by several processes, on bad disks: the same store in the end."""

from __future__ import annotations

import errno
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from ldviz.errors import CancelledError, StudyError
from ldviz.study import blocks
from ldviz.study.blocks import block_path, block_state, read_key
from ldviz.study.build import run
from ldviz.study.store import open_study
from tests.study.small_analysis import BLOCK, COUNT, analyse, contents, in_processes

ROOT = Path(__file__).resolve().parents[2]
NUM_BLOCKS = -(-COUNT // BLOCK)
PHASES = ("computing", "writing", "before renaming", "after renaming")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study as one process makes it in one go.  Read-only."""
    folder = tmp_path_factory.mktemp("finished") / "small"
    analyse(folder)
    return folder


def manifest(folder: Path) -> dict:
    """What a study says of itself, without the times."""
    content = open_study(folder).manifest.model_dump(exclude={"digest"})
    return content | {"made_by": content["made_by"] | {"analyze_seconds": 0, "finished": ""}}


def killed_at(folder: Path, phase: str, number: int) -> None:
    """Analyse in a process that kills itself the ``number``-th time it comes to a phase."""
    left = number

    def die_in_turn() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def progress(done: int, total: int, what: str) -> None:
        if phase == "computing" and what == "analysing":
            die_in_turn()

    flush, rename = os.fsync, os.replace

    def fsync(descriptor: int) -> None:
        if phase == "writing":
            if left == 1:
                os.ftruncate(descriptor, os.fstat(descriptor).st_size // 2)
            die_in_turn()
        flush(descriptor)

    def replace(source: Path, target: Path) -> None:
        if phase == "before renaming":
            die_in_turn()
        rename(source, target)
        if phase == "after renaming":
            die_in_turn()

    def work() -> None:
        os.fsync, os.replace = fsync, replace
        analyse(folder, progress=progress)

    assert in_processes(work) == [-signal.SIGKILL]


def whole_blocks(folder: Path) -> set[Path]:
    keyed = folder.glob("arrays/*/*.safetensors")
    return {path for path in keyed if block_state(path, read_key(path) or "-") == "whole"}


def check_equal(folder: Path, finished: Path) -> None:
    assert contents(folder) == contents(finished)
    assert manifest(folder) == manifest(finished)


def test_killed_again_and_again_gives_the_same_store(finished: Path, tmp_path: Path) -> None:
    folder = tmp_path / "small"
    before: set[Path] = set()
    for phase, number in zip(PHASES, (20, 7, 9, 12), strict=True):
        killed_at(folder, phase, number)
        assert not (folder / "manifest.json").exists()
        assert whole_blocks(folder) >= before
        before = whole_blocks(folder)
    assert before
    analyse(folder)
    check_equal(folder, finished)


@pytest.mark.slow
def test_killed_at_twenty_moments_gives_the_same_store(finished: Path, tmp_path: Path) -> None:
    generator = random.Random(0)
    renames = 1 + len(list(finished.glob("arrays/*/*")))
    for moment in range(20):
        folder = tmp_path / str(moment)
        killed_at(folder, PHASES[moment % len(PHASES)], generator.randint(2, renames))
        assert not (folder / "manifest.json").exists()
        analyse(folder)
        check_equal(folder, finished)
        shutil.rmtree(folder)


def test_killed_at_the_manifest_loses_no_block(finished: Path, tmp_path: Path) -> None:
    """The manifest is the last file that is renamed into place, after settings and blocks."""
    folder = tmp_path / "small"
    killed_at(folder, "before renaming", 2 + len(list(finished.glob("arrays/*/*"))))
    assert not (folder / "manifest.json").exists()
    assert len(whole_blocks(folder)) == len(whole_blocks(finished))
    times = {path: path.stat().st_mtime_ns for path in whole_blocks(folder)}
    analyse(folder)
    assert times == {path: path.stat().st_mtime_ns for path in times}
    check_equal(folder, finished)


@pytest.mark.parametrize("count", [2, 3])
def test_several_processes_give_the_same_store(finished: Path, tmp_path: Path, count: int) -> None:
    folder = tmp_path / "small"
    owners = tmp_path / "owners"
    owners.mkdir()
    write = blocks.write_atomically

    def noted(path: Path, content: bytes) -> None:
        with open(owners / os.environ["RANK"], "a") as file:
            file.write(f"{path.parent.name}/{path.name}\n")
        write(path, content)

    def work() -> None:
        blocks.write_atomically = noted
        analyse(folder)

    assert in_processes(work, count) == [0] * count
    check_equal(folder, finished)
    shares = [set((owners / str(rank)).read_text().split()) for rank in range(count)]
    written = [share & {f"latents/{b:05d}.safetensors" for b in range(99)} for share in shares]
    assert [len(share) for share in written] == [
        len(range(r, NUM_BLOCKS, count)) for r in range(count)
    ]
    assert sum(map(len, written)) == len(set.union(*written)) == NUM_BLOCKS


def test_no_process_clears_away_what_another_is_writing(finished: Path, tmp_path: Path) -> None:
    """The second still writes the settings when the first begins with the blocks."""
    folder = tmp_path / "small"
    replace = os.replace

    def slow(aside: Path, path: Path) -> None:
        if os.environ["RANK"] == "1" and Path(path).name == "settings.json":
            time.sleep(1.0)
        replace(aside, path)

    def work() -> None:
        blocks.os.replace = slow
        analyse(folder)

    assert in_processes(work, 2) == [0, 0]
    check_equal(folder, finished)


def test_a_continued_run_is_shared_evenly(finished: Path, tmp_path: Path) -> None:
    """One of two processes had finished all of its blocks, the other none."""
    folder = tmp_path / "small"
    shutil.copytree(finished, folder)
    (folder / "manifest.json").unlink()
    for block in range(0, NUM_BLOCKS, 2):
        block_path(folder, "influence", block).unlink()
    counts = tmp_path / "counts"
    counts.mkdir()
    compute = run._compute_block

    def counted(*args) -> None:
        with open(counts / os.environ["RANK"], "a") as file:
            file.write("x")
        compute(*args)

    def work() -> None:
        run._compute_block = counted
        analyse(folder)

    assert in_processes(work, 2) == [0, 0]
    assert sorted((counts / rank).read_text() for rank in "01") == ["xx", "xx"]
    check_equal(folder, finished)


def test_what_is_left_beside_the_blocks_goes_away(finished: Path, tmp_path: Path) -> None:
    folder = tmp_path / "small"
    shutil.copytree(finished, folder)
    stray = folder / "arrays" / "latents" / ".00003.safetensors.4242.partial"
    stray.write_bytes(b"half")
    analyse(folder)
    check_equal(folder, finished)


@pytest.mark.parametrize(
    ("name", "where"), [("latents", -1), ("singular_values", 20), ("images", 300)]
)
def test_a_changed_block_is_named_and_computed_anew(
    finished: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, where: int
) -> None:
    folder = tmp_path / "small"
    shutil.copytree(finished, folder)
    path = block_path(folder, name, 2, "png" if name == "images" else "safetensors")
    others = {p: p.stat().st_mtime_ns for p in folder.glob("arrays/*/*") if p.stem != path.stem}
    content = bytearray(path.read_bytes())
    content[where] ^= 1
    path.write_bytes(content)
    analyse(folder)
    assert f'"{path}" has changed since it was written; it is computed anew' in caplog.text
    assert others == {p: p.stat().st_mtime_ns for p in others}
    check_equal(folder, finished)


def test_a_block_that_changes_before_the_manifest_is_not_taken_for_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "small"

    def progress(done: int, total: int, what: str) -> None:
        path = block_path(folder, "latents", 0)
        if what == "analysing" and done == total and path.exists():
            content = bytearray(path.read_bytes())
            content[-1] ^= 1
            path.write_bytes(content)

    with pytest.raises(StudyError, match=r"latents/00000.*was written, and is damaged now"):
        analyse(folder, progress=progress)
    assert not (folder / "manifest.json").exists()


def test_a_full_disk_loses_nothing_finished(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "small"
    calls, flush = 0, os.fsync

    def fsync(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls > 11:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        flush(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(blocks.os, "fsync", fsync)
        with pytest.raises(StudyError, match=r"No space left on device. What is finished is kept"):
            analyse(folder)
    kept = {path: path.stat().st_mtime_ns for path in whole_blocks(folder)}
    assert len(kept) >= 8
    assert not list(folder.rglob("*.partial"))
    analyse(folder)
    assert kept == {path: path.stat().st_mtime_ns for path in kept}
    check_equal(folder, finished)


ON_A_SMALL_DISK = """
import os, sys
from pathlib import Path
from ldviz.errors import StudyError
from tests.study.small_analysis import analyse, contents

place = Path(sys.argv[1])
filler = place / "filler"

def progress(done, total, what):
    if what == "analysing" and done > total / 2 and not filler.exists():
        with open(filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(512))
            except OSError:
                pass

try:
    analyse(place / "small", progress=progress)
except StudyError as error:
    print(error)
blocks = {path: path.stat().st_mtime_ns for path in (place / "small").glob("arrays/*/*")}
assert len(blocks) > 20
assert not list(place.rglob("*.partial"))
filler.unlink()
analyse(place / "small")
assert blocks == {path: path.stat().st_mtime_ns for path in blocks}
assert contents(place / "small") == contents(Path(sys.argv[2]))
"""


@pytest.mark.slow
def test_a_small_disk_that_fills_loses_nothing(finished: Path, tmp_path: Path) -> None:
    """A file system of 400 kB in memory, mounted in a namespace of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = f"mount -t tmpfs -o size=400k none {place}"
    alone = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
    if shutil.which("unshare") is None or subprocess.run([*alone, mount], check=False).returncode:
        pytest.skip("no file system may be mounted here")
    command = f'{mount} && exec "$0" -c "$1" {place} {finished}'
    result = subprocess.run(
        [*alone, command, sys.executable, ON_A_SMALL_DISK],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "No space left on device. What is finished is kept" in result.stdout


def test_too_small_a_disk_is_told_before_the_first_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(run.shutil, "disk_usage", lambda path: usage._replace(free=1000))
    with pytest.raises(StudyError, match=r"need 0\.00 GB .* are free"):
        analyse(tmp_path / "small")
    assert not list((tmp_path / "small").glob("arrays/*"))


def test_a_vanished_folder_is_not_made_anew(finished: Path, tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "small", tmp_path / "elsewhere"

    def progress(done: int, total: int, what: str) -> None:
        if what == "analysing" and 0.4 < done / total < 1 and folder.exists():
            folder.rename(elsewhere)

    with pytest.raises(StudyError, match="has vanished while it was written to"):
        analyse(folder, progress=progress)
    assert not folder.exists()
    elsewhere.rename(folder)
    kept = {path: path.stat().st_mtime_ns for path in whole_blocks(folder)}
    assert kept
    analyse(folder)
    assert kept == {path: path.stat().st_mtime_ns for path in kept}
    check_equal(folder, finished)


def test_ctrl_c_leaves_whole_blocks_alone(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    flush = os.fsync

    def fsync(descriptor: int) -> None:
        flush(descriptor)
        if len(list(folder.glob("arrays/*/*"))) > 6:
            raise KeyboardInterrupt

    def work() -> None:
        os.fsync = fsync
        with pytest.raises(KeyboardInterrupt):
            analyse(folder)

    assert in_processes(work) == [0]
    assert whole_blocks(folder)
    assert not list(folder.rglob("*.partial"))


def test_a_finished_study_is_left_as_it_is(finished: Path, tmp_path: Path) -> None:
    folder = tmp_path / "small"
    shutil.copytree(finished, folder)

    def progress(done: int, total: int, what: str) -> None:
        if 0 < done < total and what == "analysing":
            raise CancelledError("there was nothing to do")

    study = analyse(folder, progress=progress)
    np.testing.assert_array_equal(study.array("influence"), open_study(finished).array("influence"))
    check_equal(folder, finished)
