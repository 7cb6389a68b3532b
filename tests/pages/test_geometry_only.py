"""A study without a denoiser opens on every page: geometry is shown, attacks are calmly absent."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from ldviz.data.images import ImageSet
from ldviz.models import ModelSettings
from ldviz.study.build.analyze import analyze_own
from ldviz.study.build.images import SplitImages
from ldviz.study.recipe import AnalysisSettings, DataSettings, Recipe
from tests.models.tiny_models import autoencoder_tiny

PAGES = Path(__file__).resolve().parents[2] / "pages"
GEOMETRY = ("overview", "distortion", "embedding", "latent_grid")
ATTACKS = ("attack", "timesteps", "samples", "compare_attacks")


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one study: an AutoencoderTiny and noise."""
    folder = tmp_path_factory.mktemp("studies")
    autoencoder_tiny().save_pretrained(folder.parent / "tiny")
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (16, 8, 8, 3), dtype=np.uint8)
    split = SplitImages(ImageSet(pixels, np.arange(16)), np.arange(16) % 2 == 0)
    recipe = Recipe(
        name="geometry",
        title="Geometry alone",
        description="An autoencoder of random weights.",
        data=DataSettings(place="memory", image_size=8),
        model=ModelSettings(source=str(folder.parent / "tiny")),
        analysis=AnalysisSettings(num_probes=2, rank=4),
    )
    analyze_own(recipe, folder / "geometry", split=split, device="cpu")
    return folder


@pytest.fixture(autouse=True)
def only_this_study(studies: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LDVIZ_STUDIES", str(studies))


def opened(page: str, **query: str) -> AppTest:
    app = AppTest.from_file(str(PAGES / f"{page}.py"), default_timeout=120)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    assert not app.error
    return app


@pytest.mark.parametrize("page", GEOMETRY)
def test_geometry_is_shown(page: str) -> None:
    app = opened(page)
    assert not any("nothing to attack" in info.value for info in app.info)


@pytest.mark.parametrize("page", ATTACKS)
def test_attacks_are_calmly_absent(page: str) -> None:
    app = opened(page)
    assert [info.value for info in app.info if "without a denoiser" in info.value]


def test_a_link_to_an_attack_changes_nothing() -> None:
    app = opened("attack", attack="pia", timestep="60")
    assert [info.value for info in app.info if "without a denoiser" in info.value]


def test_findings_leave_it_out() -> None:
    app = opened("findings")
    words = [element.value for element in (*app.info, *app.warning)]
    assert any("No study at hand has geometry and an attack" in word for word in words)


def test_the_card_says_what_the_model_is() -> None:
    card = "".join(element.proto.body for element in opened("overview").get("html"))
    assert "AutoencoderTiny" in card
    assert "geometry without attacks" in card
    assert "Shift factor" in card
