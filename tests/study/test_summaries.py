"""Ranks, complexity, further images, images drawn anew: small studies, told apart by hand."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from ldviz.attacks.masks import MaskSpec, evaluate_mask
from ldviz.attacks.statistic import masked_statistic
from ldviz.data import sources
from ldviz.data.images import ImageSet
from ldviz.errors import StudyError
from ldviz.metrics.intervals import metric_intervals
from ldviz.metrics.roc import curve_metrics
from ldviz.study.build.analyze import analyze_study
from ldviz.study.build.summaries import image_checksums
from ldviz.study.ranks import (
    MASK_KINDS,
    RANK_COLUMNS,
    from_ranks,
    ordered_attacks,
    ordered_scores,
    ordered_timesteps,
    standard_scores,
    to_ranks,
)
from ldviz.study.scores import score_values
from ldviz.study.store import Study, open_study
from ldviz.study.vectors import attack_vectors

FURTHER = 30


def further_digits(image_size: int) -> ImageSet:
    """The 30 digits after the study's own 96 of 1,797, under new ids."""
    pixels = sources.load_images("digits", image_size).pixels[5 : 5 + FURTHER]
    return ImageSet(pixels, np.arange(10_000, 10_000 + FURTHER))


@pytest.fixture(scope="module")
def lean_folder(trained_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model, analysed to take little room: one timestep of vectors, ranks of others."""
    folder = tmp_path_factory.mktemp("lean") / "tiny"
    shutil.copytree(trained_folder, folder)
    record = json.loads((folder / "training.json").read_text())
    record["recipe"]["analysis"] |= {
        "timesteps": [100],
        "latents_dtype": "float16",
        "influence_dtype": "float16",
        "stores_images": False,
        "stores_estimate": False,
        "ranks": {"sima": [0, 100], "pia": [50], "pfami": []},
    }
    (folder / "training.json").write_text(json.dumps(record))
    digits = sources.SOURCES["digits"]
    known = sources.Source(digits.load, further_digits, lambda ids: {"twice": 2 * ids})
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sources.SOURCES, "digits", known)
        patch.setenv("LDVIZ_CACHE", str(tmp_path_factory.mktemp("cache")))
        analyze_study(folder, device="cpu")
    return folder


@pytest.fixture
def lean(lean_folder: Path) -> Study:
    return open_study(lean_folder)


def test_ranks_of_hand_made_scores() -> None:
    draws = np.arange(10)[:, None] * np.array([1.0, -1.0, 0.0])
    scores = {
        "none": np.array([-5.0, 2.0, -5.0]),
        "influence": np.array([0.3, 0.2, 0.1]),
        "highest": np.array([7.0, 7.0, 7.0]),
        "random": draws,
    }
    ranks = to_ranks(scores)
    assert ranks.dtype == np.uint16
    assert ranks[:, :3].T.tolist() == [[0, 1, 0], [2, 1, 0], [0, 0, 0]]
    assert ranks[:, 3].tolist() == [0, 0, 0]
    assert ranks[:, 4].tolist() == [2, 0, 1]
    assert len(RANK_COLUMNS) == ranks.shape[1] == 13


def test_ranks_give_every_metric_of_the_scores() -> None:
    generator = np.random.default_rng(0)
    is_member = generator.random(300) < 0.5
    scores = {
        kind: np.round(generator.standard_normal((10, 300) if kind == "random" else 300), 1)
        for kind in MASK_KINDS
    }
    again = from_ranks(to_ranks(scores))
    for kind in MASK_KINDS:
        expected = curve_metrics(is_member, scores[kind])
        for key, value in curve_metrics(is_member, again[kind]).items():
            np.testing.assert_array_equal(value, expected[key])
    pairs = [("influence", "none")]
    options = {"pairs": pairs, "num_resamples": 100}
    one = metric_intervals(is_member, scores, **options)
    two = metric_intervals(is_member, again, **options)
    assert one == two


def test_stored_ranks_are_those_of_freshly_computed_vectors(lean: Study) -> None:
    for attack, timestep in (("sima", 0), ("pia", 50), ("pfami", None)):
        vectors = attack_vectors(lean, attack, timestep, device="cpu")
        fresh = standard_scores(lean, vectors, attack)
        stored = ordered_scores(lean, attack, timestep)
        np.testing.assert_array_equal(to_ranks(stored), to_ranks(fresh))


def test_standard_scores_follow_the_definition_of_the_masks(lean: Study) -> None:
    vectors = lean.stored_vectors("sima", 100)
    scores = standard_scores(lean, vectors, "sima")
    for kind in ("none", "influence", "highest"):
        spec = MaskSpec(kind=kind, drop_fraction=0.4)
        mask = evaluate_mask(spec, lean.influence(), lean.sample_ids, lean.latent_shape)
        expected = -masked_statistic(score_values(vectors, "sima"), mask)
        np.testing.assert_array_equal(scores[kind], expected)


def test_what_is_at_hand_is_listed(lean: Study) -> None:
    assert ordered_attacks(lean) == ("sima", "pia", "pfami")
    assert ordered_timesteps(lean, "sima") == (0, 100)
    assert ordered_timesteps(lean, "pfami") == (None,)
    assert ordered_scores(lean, "loss", 50) is None
    assert "ranks-sima-t0100" not in lean.manifest.arrays


def test_another_version_of_an_attack_has_no_ranks(lean: Study, monkeypatch) -> None:
    entry = lean.manifest.ranks.attacks["pia"]
    monkeypatch.setitem(
        lean.manifest.ranks.attacks, "pia", entry.model_copy(update={"version": 99})
    )
    assert ordered_scores(lean, "pia", 50) is None
    assert ordered_timesteps(lean, "pia") == ()


def test_a_second_analysis_keeps_them_and_drops_what_is_stale(
    lean_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ldviz.study.build import summaries

    folder = tmp_path / "tiny"
    shutil.copytree(lean_folder, folder)
    (folder / "arrays" / "ranks-pia-t0999").mkdir()
    digits = sources.SOURCES["digits"]
    known = sources.Source(digits.load, further_digits, lambda ids: {"twice": 2 * ids})
    monkeypatch.setitem(sources.SOURCES, "digits", known)
    computed = []
    work = summaries.attack_vectors

    def counted(study, name, timestep, **options):
        computed.append((name, timestep))
        return work(study, name, timestep, **options)

    monkeypatch.setattr(summaries, "attack_vectors", counted)
    monkeypatch.setattr(summaries, "_further_scores", lambda *args: pytest.fail("was there"))
    damaged = folder / "arrays" / "ranks-pia-t0050" / "00000.safetensors"
    content = bytearray(damaged.read_bytes())
    content[-1] ^= 1
    damaged.write_bytes(content)
    analyze_study(folder, device="cpu")
    assert computed == [("pia", 50)]
    assert open_study(folder).manifest.arrays == open_study(lean_folder).manifest.arrays
    assert not (folder / "arrays" / "ranks-pia-t0999").exists()


def test_known_complexity_is_stored(lean: Study) -> None:
    np.testing.assert_array_equal(lean.array("complexity_twice"), 2 * lean.sample_ids)


def test_further_images_are_scored_with_the_studys_own(lean: Study) -> None:
    entry = lean.manifest.further
    assert (entry.n_held_out, entry.attack, entry.timestep) == (FURTHER, "sima", 100)
    ranks = lean.array("further_ranks")
    assert ranks.shape == (96 + FURTHER, 13)
    # Unmasked scores do not depend on how influence is estimated.
    own = standard_scores(lean, lean.stored_vectors("sima", 100), "sima")["none"]
    order = np.argsort(own)
    assert (np.diff(ranks[:96, 0].astype(int)[order]) > 0).mean() > 0.98


def test_checksums_name_every_image(lean: Study) -> None:
    pixels = np.concatenate([lean.images(slice(None)), further_digits(16).pixels])
    np.testing.assert_array_equal(lean.array("further_checksums"), image_checksums(pixels))
    changed = pixels[:1].copy()
    changed[0, 0, 0, 0] ^= 1
    assert (image_checksums(changed) != image_checksums(pixels[:1])).any()


def test_images_are_drawn_anew(lean: Study, tiny_study_folder: Path) -> None:
    assert "images" not in lean.manifest.arrays
    np.testing.assert_array_equal(
        lean.images(slice(None)), open_study(tiny_study_folder).images(slice(None))
    )


def test_images_that_changed_are_refused(lean: Study, monkeypatch) -> None:
    digits = sources.SOURCES["digits"]

    def darker(image_size: int) -> ImageSet:
        images = digits.load(image_size)
        return ImageSet(images.pixels // 2, images.sample_ids, images.labels)

    monkeypatch.setitem(sources.SOURCES, "digits", sources.Source(darker))
    with pytest.raises(StudyError, match="no longer the ones that were analysed"):
        lean.images([0])
    assert lean.local_distortion().shape == (96,)


def test_half_precision_latents_are_the_ones_analysed(lean: Study) -> None:
    latents = lean.array("latents")
    assert latents.dtype == np.float32
    np.testing.assert_array_equal(latents, latents.astype(np.float16))
    fresh = attack_vectors(lean, "sima", 100, seed=1, device="cpu")
    # SimA uses no noise, so another seed recomputes the stored vectors from stored latents.
    np.testing.assert_allclose(fresh, lean.stored_vectors("sima", 100), atol=2e-3)


def test_a_lean_study_is_smaller(lean_folder: Path, tiny_study_folder: Path) -> None:
    def size(folder: Path) -> int:
        return sum(path.stat().st_size for path in (folder / "arrays").rglob("*.*"))

    assert size(lean_folder) < 0.7 * size(tiny_study_folder)
