"""Studies of models that were there already, in the dashboard: every kind opens on every page."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from streamlit.testing.v1 import AppTest

from tests.models.test_paper_models import autoencoder_weights, denoiser_weights
from tests.models.tiny_models import (
    autoencoder_kl,
    autoencoder_tiny,
    save_dit,
    save_ldm,
    save_stable_diffusion,
    save_stable_diffusion_xl,
)
from tests.study.test_own_models import BY_CHANNEL, analyse

PAGES = Path(__file__).resolve().parents[2] / "pages"
PAGE_NAMES = (
    *("distortion", "embedding", "latent_grid", "attack", "timesteps", "samples"),
    *("inspect_image", "compare_attacks"),
)
KINDS = {
    "stable": ("StableDiffusionPipeline", "captions, through CLIP"),
    "xl": (
        "StableDiffusionXLPipeline",
        "captions, through two CLIP text encoders, and the images&#x27; size",
        "<dt>Latents&#x27; mean</dt><dd>-0.2, 0.1, 0, 0.3</dd>",
        "<dt>Latents&#x27; standard deviation</dt><dd>0.8, 0.6, 1.2, 0.5</dd>",
    ),
    "ldm": ("LDMPipeline", "VQModel"),
    "dit": ("DiTPipeline", "DiTTransformer2DModel"),
    "paper": ("checkpoints in the paper&#x27;s layout", "PaperDenoiser"),
    "tiny": ("AutoencoderTiny",),
}


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    (folder / "paper").mkdir()
    torch.save(autoencoder_weights(8, 4, 3), folder / "paper" / "vae_last.pt")
    torch.save(denoiser_weights(8, (1, 2), 4), folder / "paper" / "unet_last.pt")
    save_stable_diffusion(folder / "stable")
    save_stable_diffusion_xl(folder / "xl", vae=autoencoder_kl(**BY_CHANNEL))
    save_ldm(folder / "ldm")
    save_dit(folder / "dit")
    autoencoder_tiny().save_pretrained(folder / "tiny")
    for name in KINDS:
        analyse(folder / name, folder / "studies" / name)
    return folder / "studies"


def opened(page: str, study: str, studies: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setenv("LDVIZ_STUDIES", str(studies))
    app = AppTest.from_file(str(PAGES / f"{page}.py"), default_timeout=120)
    app.query_params["study"] = study
    app.run()
    assert not app.exception
    assert not app.error
    return app


@pytest.mark.parametrize("study", KINDS)
@pytest.mark.parametrize("page", PAGE_NAMES)
def test_every_kind_opens(page: str, study: str, studies: Path, monkeypatch) -> None:
    opened(page, study, studies, monkeypatch)


@pytest.mark.parametrize("study", KINDS)
def test_the_card_names_the_model(study: str, studies: Path, monkeypatch) -> None:
    app = opened("overview", study, studies, monkeypatch)
    card = "".join(element.proto.body for element in app.get("html"))
    for words in KINDS[study]:
        assert words in card
