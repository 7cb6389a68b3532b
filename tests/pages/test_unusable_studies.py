"""Studies and links that allow no number: every page says why, and shows none."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from ldviz.attacks.masks import MaskSpec
from ldviz.study.blocks import block_path, describe_block, write_block
from ldviz.study.schema import manifest_digest, vectors_array
from tests.pages.hand_made_study import LATENT_SHAPE, write_hand_made_study

PAGES = Path(__file__).resolve().parents[2] / "pages"
NUMBER_PAGES = ("attack", "timesteps", "samples", "compare_attacks")


def opened(page: str, **query: str) -> AppTest:
    app = AppTest.from_file(str(PAGES / f"{page}.py"), default_timeout=120)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def lab(app: AppTest) -> dict:
    """What the mask lab was sent."""
    for component in app.get("bidi_component"):
        payload = json.loads(component.proto.json)
        if "curves" in payload:
            return payload
    raise AssertionError("no lab on the page")


def texts(app: AppTest) -> str:
    """Everything that the page says."""
    kinds = (app.markdown, app.caption, app.error, app.warning)
    parts = [element.value for kind in kinds for element in kind]
    return " ".join([*parts, *(element.proto.body for element in app.get("html"))])


def rewrite(folder: Path, name: str, array: np.ndarray, **counts: int) -> None:
    """Replace an array of a study, its manifest kept true."""
    path = block_path(folder, name, 0, "safetensors")
    write_block(path, array)
    content = json.loads((folder / "manifest.json").read_text())
    content["arrays"][name]["blocks"] = [describe_block(path).model_dump(mode="json")]
    content |= counts
    content["digest"] = manifest_digest(content)
    (folder / "manifest.json").write_text(json.dumps(content))


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LDVIZ_STUDIES", str(tmp_path / "studies"))
    return write_hand_made_study(tmp_path / "studies" / "noise")


def with_held_out(study: Path, count: int) -> None:
    is_member = np.arange(80) >= count
    rewrite(study, "is_member", is_member, n_member=80 - count, n_held_out=count)


@pytest.mark.parametrize("page", NUMBER_PAGES)
def test_three_held_out_images_give_no_tpr_and_no_interval(study: Path, page: str) -> None:
    with_held_out(study, 3)
    app = opened(page)
    assert not app.error
    if page == "attack":
        curves = lab(app)["curves"]["kinds"]
        assert all(curve["tpr"] == [None] for curve in curves.values()), "drawn: not available"
        assert lab(app)["sample"]["num_held_out"] == 3
        return
    said = texts(app)
    assert "not available" in said
    assert "No interval: it needs 10 members and 10 held-out" in said
    assert "3 held-out" in said


@pytest.mark.parametrize("page", NUMBER_PAGES)
def test_without_members_there_is_a_reason_and_no_number(study: Path, page: str) -> None:
    with_held_out(study, 80)
    app = opened(page)
    if page == "attack":
        payload = lab(app)
        assert payload["curves"] is None
        assert "0 members and 80 held-out images, so it is undefined" in payload["message"]
    elif page == "samples":
        assert "Undefined: it needs members and held-out images" in texts(app)
        assert not [c for c in app.get("plotly_chart") if "True-positive" in c.proto.spec]
    else:
        assert len(app.error) == 1
        assert "members" in app.error[0].value
        assert "undefined" in app.error[0].value
        assert not app.get("plotly_chart")


@pytest.mark.parametrize("page", NUMBER_PAGES)
def test_scores_that_are_nan_are_named_and_not_ranked(study: Path, page: str) -> None:
    vectors = np.ones((80, *LATENT_SHAPE), dtype=np.float16)
    vectors[[7, 11], 0, 0, 0] = np.nan
    for timestep in (0, 50):
        rewrite(study, vectors_array("sima", timestep), vectors)
    app = opened(page)
    message = lab(app)["message"] if page == "attack" else " ".join(e.value for e in app.error)
    assert "The scores of 2 of 80 samples are NaN or infinite (first: 7)" in message
    assert not app.get("plotly_chart")


@pytest.mark.parametrize("page", NUMBER_PAGES)
def test_a_link_with_an_unknown_attack_gets_one_message(study: Path, page: str) -> None:
    app = opened(page, attack="oracle")
    assert [error.value for error in app.error] == [
        'There is no attack "oracle". There are: sima, loss, pia, pian, secmi, pfami.'
    ]
    assert not app.get("plotly_chart")


@pytest.mark.parametrize(
    "mask",
    [MaskSpec(dims_off=(24,)), MaskSpec(channels_off=(2,)), MaskSpec(cells_off=(12,))],
    ids=["dimensions", "channels", "cells"],
)
@pytest.mark.parametrize("page", ["attack", "timesteps", "compare_attacks"])
def test_a_mask_of_the_wrong_length_gets_a_message(study: Path, page: str, mask: MaskSpec) -> None:
    app = opened(page, mask=mask.to_text())
    message = lab(app)["message"] if page == "attack" else " ".join(e.value for e in app.error)
    assert "The mask was made for another study" in message
    if page == "attack":
        assert lab(app)["curves"] is None


def test_a_mask_that_keeps_nothing_gets_a_message(study: Path) -> None:
    app = opened("attack", mask=MaskSpec(channels_off=(0, 1)).to_text())
    assert "switches every latent dimension off" in lab(app)["message"]
