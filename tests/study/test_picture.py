"""One picture through the model: a study's own image meets its stored numbers."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ldviz.errors import CancelledError, DataError
from ldviz.study.evidence import unmasked_scores
from ldviz.study.model import load_study_model
from ldviz.study.picture import measure_picture, prepare_picture
from ldviz.study.store import Study, open_study


@pytest.fixture(scope="module")
def study(tiny_study_folder: Path) -> Study:
    return open_study(tiny_study_folder)


@pytest.fixture(scope="module")
def model(study: Study):
    return load_study_model(study, device="cpu")


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("row", [0, 41, 95])
def test_an_image_of_the_study_gets_its_stored_numbers(study: Study, model, row: int) -> None:
    result = measure_picture(study, model, study.images(row), sample_id=int(study.sample_ids[row]))
    spectrum = study.array("singular_values")[row]
    assert np.abs(result.singular_values - spectrum).max() <= 1e-4 * spectrum[0]
    assert result.distortion == pytest.approx(study.local_distortion()[row], abs=0.01)
    np.testing.assert_allclose(result.latent, study.array("latents")[row], atol=1e-5)
    np.testing.assert_allclose(
        result.influence.ravel(), study.influence()[row], rtol=1e-3, atol=1e-3
    )
    stored = unmasked_scores(study, study.default_attack, study.default_timestep)[row]
    assert result.score == pytest.approx(stored, rel=0.01)


def test_the_error_is_between_what_is_shown(study: Study, model) -> None:
    result = measure_picture(study, model, study.images(3))
    apart = (result.pixels.astype(float) - result.decoded) / 255.0
    assert result.error == pytest.approx(np.sqrt(np.mean(apart**2)))
    assert result.error > 0.0


def test_progress_ends_whole_and_a_cancel_goes_through(study: Study, model) -> None:
    told: list[int] = []
    measure_picture(study, model, study.images(3), progress=lambda done, *_: told.append(done))
    assert told == sorted(told)
    assert told[-1] == 100

    def cancel(done: int, total: int, what: str) -> None:
        if done > 0:
            raise CancelledError("Cancelled.")

    with pytest.raises(CancelledError):
        measure_picture(study, model, study.images(3), progress=cancel)


def test_any_picture_is_brought_to_the_studys_size_and_colours(study: Study) -> None:
    wide = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    pixels, notes = prepare_picture(study, "wide.png", png(wide))
    assert pixels.shape == (16, 16, 1)
    assert notes == ("cropped", "shrunk", "colour to grey")
    own = study.images(5)
    same, notes = prepare_picture(study, "own.png", png(own[..., 0]))
    np.testing.assert_array_equal(same, own)
    assert notes == ()


def test_what_is_no_picture_is_refused_by_its_name(study: Study) -> None:
    with pytest.raises(DataError, match=r'"notes\.png" cannot be inspected: it holds no picture'):
        prepare_picture(study, "notes.png", b"a text, whatever its name says")
