"""Opening studies: what is refused, with which words, and that nothing is read too early."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ldviz.errors import StudyError
from ldviz.study.blocks import block_path, read_block, write_block
from ldviz.study.schema import manifest_digest
from ldviz.study.store import open_studies, open_study


def rewrite(folder: Path, **changes) -> None:
    """Edit a manifest and make its digest right again."""
    file = folder / "manifest.json"
    content = json.loads(file.read_text()) | changes
    content["digest"] = manifest_digest(content)
    file.write_text(json.dumps(content))


def test_the_tiny_study_opens(tiny_study_folder: Path) -> None:
    study = open_study(tiny_study_folder)
    assert (study.num_samples, study.latent_dim, study.image_shape) == (96, 64, (1, 16, 16))
    assert study.manifest.n_member == int(study.is_member.sum()) == 48
    assert study.images([3, 1]).shape == (2, 16, 16, 1)
    assert study.local_distortion().shape == (96,)
    assert study.default_timestep in study.stored_timesteps("sima")


def test_stored_images_are_the_source_images(tiny_study_folder: Path) -> None:
    from ldviz.data.sources import load_images

    study = open_study(tiny_study_folder)
    source = load_images("digits", 16)
    np.testing.assert_array_equal(study.images(slice(None)), source.pixels[study.sample_ids])


def test_opening_and_scoring_import_no_torch(tiny_study_folder: Path) -> None:
    code = (
        "import sys\n"
        "from ldviz.study.store import open_study\n"
        "from ldviz.study.scores import membership_scores, score_values\n"
        "from ldviz.attacks.masks import MaskSpec\n"
        f"study = open_study({str(tiny_study_folder)!r})\n"
        "values = score_values(study.stored_vectors('sima', 50), 'sima')\n"
        "membership_scores(study, values, MaskSpec())\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", ["singular_values", "images", "sima-t0050"])
def test_a_changed_block_is_named_at_its_first_reading(tiny_study_copy: Path, name: str) -> None:
    encoding = "png" if name == "images" else "safetensors"
    path = block_path(tiny_study_copy, name, 1, encoding)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    study = open_study(tiny_study_copy)
    with pytest.raises(StudyError, match=rf"{name}/00001.*changed"):
        study.array(name)
    assert study.array("latents").shape[0] == 96


def test_a_truncated_block_is_named_on_opening(tiny_study_copy: Path) -> None:
    path = block_path(tiny_study_copy, "latents", 0)
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(StudyError, match=r"latents/00000.*truncated"):
        open_study(tiny_study_copy)


def test_a_missing_block_is_named_on_opening(tiny_study_copy: Path) -> None:
    block_path(tiny_study_copy, "latents", 2).unlink()
    with pytest.raises(StudyError, match=r"lacks the file \"arrays/latents/00002"):
        open_study(tiny_study_copy)


def test_an_edited_manifest_is_refused(tiny_study_copy: Path) -> None:
    file = tiny_study_copy / "manifest.json"
    file.write_text(file.read_text().replace('"n_member": 48', '"n_member": 47'))
    with pytest.raises(StudyError, match="digest does not match"):
        open_study(tiny_study_copy)


def test_another_schema_version_is_refused(tiny_study_copy: Path) -> None:
    rewrite(tiny_study_copy, schema_version=99)
    with pytest.raises(StudyError, match=r"schema version 99; this ldviz reads 1"):
        open_study(tiny_study_copy)


def test_wrong_shapes_are_refused(tiny_study_copy: Path) -> None:
    content = json.loads((tiny_study_copy / "manifest.json").read_text())
    content["arrays"]["latents"]["shape"] = [4, 4, 5]
    rewrite(tiny_study_copy, arrays=content["arrays"])
    with pytest.raises(StudyError, match=r"latents/00000.*has shape"):
        open_study(tiny_study_copy).array("latents")


def test_a_truncated_manifest_is_refused(tiny_study_copy: Path) -> None:
    file = tiny_study_copy / "manifest.json"
    file.write_text(file.read_text()[:500])
    with pytest.raises(StudyError, match="cannot be read"):
        open_study(tiny_study_copy)


def test_bad_studies_do_not_harm_good_ones(tiny_study_copy: Path) -> None:
    folder = tiny_study_copy.parent
    (folder / "foreign").mkdir()
    (folder / "foreign" / "manifest.json").write_text("[1, 2]")
    (folder / "empty").mkdir()
    studies, failures = open_studies([folder])
    assert list(studies) == ["tiny"]
    assert set(failures) == {"empty", "foreign"}
    assert "not a finished study" in failures["empty"]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("rows", [1, 32, 45])
def test_image_sheets_are_lossless(tmp_path: Path, channels: int, rows: int) -> None:
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (rows, 5, 7, channels), dtype=np.uint8)
    path = tmp_path / "sheet.png"
    write_block(path, images)
    back = read_block(path, None, rows=rows, shape=(5, 7, channels))
    np.testing.assert_array_equal(back, images)


def test_a_block_is_never_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import ldviz.study.blocks as blocks

    def full(*args) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "a" / "00000.safetensors"
    write_block(path, np.zeros(3, dtype=np.float32), key="old")
    monkeypatch.setattr(blocks.os, "fsync", full)
    with pytest.raises(StudyError, match="No space left on device"):
        write_block(path, np.ones(3, dtype=np.float32), key="new")
    assert blocks.read_key(path) == "old"
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
