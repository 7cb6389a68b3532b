"""Inspect an image by AppTest: any picture, one of the study's, and what is refused."""

from __future__ import annotations

import io
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from ldviz.study import store
from ldviz.study.evidence import unmasked_scores
from ldviz.study.pair import Pair
from ldviz.study.store import Study, open_study
from ldviz.ui.numbers import value_text
from tests.models.tiny_models import autoencoder_tiny, save_stable_diffusion
from tests.study.test_own_models import analyse

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "inspect_image.py")
PARTS = (
    "Which latent dimensions carry it",
    "Does it score like a member?",
    "The nearest members",
)


@pytest.fixture
def study(tiny_study_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    monkeypatch.setenv("LDVIZ_STUDIES", str(tiny_study_folder.parent))
    return open_study(tiny_study_folder)


def opened(**query: str) -> AppTest:
    app = AppTest.from_file(PAGE, default_timeout=240)
    for name, value in query.items():
        app.query_params[name] = value
    return app.run()


def dropped(app: AppTest, name: str, content: bytes) -> AppTest:
    app.file_uploader(key="inspect-upload").set_value((name, content, "image/png"))
    return app.run()


def picture(seed: int = 0, size: tuple[int, ...] = (40, 30, 3)) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, size, dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def text_of(app: AppTest) -> str:
    html = " ".join(element.proto.body for element in app.get("html"))
    return " ".join([html, *(part.value for part in (*app.markdown, *app.caption, *app.subheader))])


def test_the_page_waits_for_a_picture(study: Study) -> None:
    app = opened()
    assert not app.exception
    assert not app.error
    assert not app.subheader


def test_any_picture_is_measured_and_compared(study: Study) -> None:
    app = dropped(opened(), "mine.png", picture())
    assert not app.exception
    assert not app.error
    text = text_of(app)
    assert 'Through the autoencoder: "mine\\.png"' in text
    assert all(part in text for part in PARTS)
    assert "cropped, shrunk, colour to grey" in text
    assert re.search(r"\d+ of 48", text), "both shares name their counts"
    assert len(app.get("plotly_chart")) == 4
    assert not re.search(r"was in the training set|is a member\b", text)
    (before,) = app.session_state["inspect-latest"]
    (after,) = dropped(app, "other.png", picture(1)).session_state["inspect-latest"]
    assert after != before, "the first picture's numbers are forgotten"


def test_an_image_of_the_study_is_compared_with_the_others_alone(study: Study) -> None:
    row = int(np.flatnonzero(study.is_member)[5])
    app = opened(image=str(study.sample_ids[row]))
    app.segmented_control(key="inspect-source").set_value("study").run()
    assert not app.get("plotly_chart"), "nothing is computed before it is asked for"
    app.button(key="inspect-start").click().run()
    assert not app.exception
    text = text_of(app)
    scores = unmasked_scores(study, study.default_attack, study.default_timestep)
    others = study.is_member & (np.arange(study.num_samples) != row)
    share = (scores[others] > scores[row]).mean()
    assert f'<b class="value">{value_text(share)}</b>' in text
    assert f"of {others.sum()}" in text
    assert "**member**; it is left out of both shares" in text
    strip = re.findall(r"image (\d+)</small>", text)
    assert strip
    assert str(study.sample_ids[row]) not in strip
    members = set(map(str, study.sample_ids[study.is_member]))
    assert set(strip) <= members


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a text, whatever its name says", "it holds no picture, whatever its name says"),
        (picture()[:200], "damaged"),
        (b"", "it holds no picture"),
    ],
)
def test_what_is_no_picture_gets_one_message(study: Study, content: bytes, message: str) -> None:
    app = dropped(opened(), "odd.png", content)
    assert not app.exception
    assert len(app.error) == 1
    assert message in app.error[0].value
    assert not app.subheader


def test_a_huge_picture_is_refused_by_its_header(study: Study) -> None:
    buffer = io.BytesIO()
    Image.new("1", (60_000, 60_000)).save(buffer, "PNG")
    app = dropped(opened(), "huge.png", buffer.getvalue())
    assert not app.exception
    assert "its header announces 3,600,000,000 pixels" in app.error[0].value


def test_a_conditioned_denoiser_is_told_the_caption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    analyse(save_stable_diffusion(tmp_path / "model"), tmp_path / "studies" / "told")
    monkeypatch.setenv("LDVIZ_STUDIES", str(tmp_path / "studies"))
    app = dropped(opened(), "mine.png", picture())
    assert not app.get("plotly_chart"), "the caption is asked for first"
    scores = []
    for caption in ("a small dog", "two cats"):
        app.text_input(key="inspect-caption").set_value(caption).run()
        app.button(key="inspect-start").click().run()
        assert not app.exception
        assert not app.error
        (result,) = app.session_state["inspect-latest"].values()
        scores.append(result.score)
    assert scores[0] != scores[1]


def test_an_autoencoder_alone_shows_geometry_and_no_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    autoencoder_tiny().save_pretrained(tmp_path / "model")
    analyse(tmp_path / "model", tmp_path / "studies" / "alone")
    monkeypatch.setenv("LDVIZ_STUDIES", str(tmp_path / "studies"))
    app = dropped(opened(), "mine.png", picture())
    assert not app.exception
    assert not app.error
    assert "no stored scores to compare with" in app.info[0].value
    assert len(app.get("plotly_chart")) == 3
    assert "ldviz-tile" not in text_of(app)


@pytest.fixture
def twins(study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """The study, and beside it the very same one under another name."""
    for name in (study.name, "twin"):
        shutil.copytree(study.path, tmp_path / "studies" / name)
    monkeypatch.setenv("LDVIZ_STUDIES", str(tmp_path / "studies"))
    return open_study(tmp_path / "studies" / study.name)


def test_a_picture_goes_through_both_models_on_the_same_axes(twins: Study) -> None:
    app = dropped(opened(study=twins.name, other="twin"), "mine.png", picture())
    assert not app.exception
    assert not app.error
    layouts = [json.loads(chart.proto.spec)["layout"] for chart in app.get("plotly_chart")]
    assert len(layouts) == 8
    # Distortion and spectrum of A, of B; influence of A, of B; score of A, of B.
    for a, b in ((0, 2), (1, 3), (6, 7)):
        for axis in ("xaxis", "yaxis"):
            assert layouts[a][axis]["range"] == layouts[b][axis]["range"]
    assert layouts[4]["coloraxis"]["cmin"] == layouts[5]["coloraxis"]["cmin"]
    text = text_of(app)
    assert 'Two answers to one picture: "mine\\.png"' in text
    assert text.count("<b>Encoded and decoded</b>") == 2
    assert "One picture: a number of it alone has no interval." in text
    # The same model under two names: every difference is zero.
    assert re.findall(r'class="step[^>]*><b>([^<]*)</b>', text) == [
        "0.000",
        "0.000",
        "0.000",
        "0.00",
    ]
    app.session_state["ldviz-view"] = app.session_state["ldviz-view"].changed(other=None)
    app.run()
    assert not app.exception
    assert len(app.get("plotly_chart")) == 4
    assert "ldviz-study-head" not in text_of(app)


def test_an_image_of_a_is_one_from_elsewhere_to_b(
    twins: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pair, "same_images", property(lambda self: False))
    app = opened(study=twins.name, other="twin", image=str(twins.sample_ids[3]))
    app.segmented_control(key="inspect-source").set_value("study").run()
    app.button(key="inspect-start").click().run()
    assert not app.exception
    text = text_of(app)
    assert "The picture is an image of A, and to B one from elsewhere." in text
    assert text.count("it is left out of both shares") == 1


def test_what_the_other_study_cannot_take_is_said_and_the_first_answers(
    twins: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape = store.Study.image_shape
    monkeypatch.setattr(
        store.Study,
        "image_shape",
        property(lambda self: (1, 16, 12) if self.path.name == "twin" else shape.fget(self)),
    )
    app = dropped(opened(study=twins.name, other="twin"), "mine.png", picture())
    assert not app.exception
    assert "has images of 16 x 12 pixels" in app.error[0].value
    assert len(app.get("plotly_chart")) == 4
