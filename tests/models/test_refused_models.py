"""What is no model, is incomplete, or asks for code: refused in words, nothing executed."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from pathlib import Path

import pytest
import torch

from ldviz.errors import ModelError
from ldviz.models import load_model
from ldviz.models.hub import files_to_fetch
from ldviz.models.recognise import recognise
from tests.models.tiny_models import (
    autoencoder_kl,
    edit_json,
    save_dit,
    save_ldm,
    save_parts,
    save_stable_diffusion,
    scheduler,
    text_unet,
    unconditional_unet,
)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    save_stable_diffusion(folder / "stable")
    save_ldm(folder / "ldm")
    save_dit(folder / "dit")
    return folder


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    """Copies that a test may damage."""
    shutil.copytree(saved, tmp_path / "models")
    return tmp_path / "models"


class Payload:
    """Pickles to a call that would leave a file behind."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


def refused(place: Path | str, words: str, **options: str) -> None:
    with pytest.raises(ModelError, match=words):
        load_model(place, device="cpu", **options)


@pytest.mark.parametrize("name", ["vae_last.pt", "model.pth"])
def test_code_in_a_checkpoint_is_not_executed(name: str, tmp_path: Path) -> None:
    mark = tmp_path / "executed"
    (tmp_path / name).write_bytes(pickle.dumps({"enc.0.weight": Payload(mark)}))
    refused(tmp_path / name, "asks for code to be run.*Nothing in it was executed")
    torch.save({"enc.0.weight": Payload(mark)}, tmp_path / name)
    refused(tmp_path / name, "asks for code to be run.*Nothing in it was executed")
    assert not mark.exists()


@pytest.mark.parametrize("part", ["vae/diffusion_pytorch_model", "text_encoder/pytorch_model"])
def test_code_in_a_part_is_not_executed(part: str, folder: Path, tmp_path: Path) -> None:
    mark = tmp_path / "executed"
    for weights in (folder / "stable" / part).parent.glob("*.safetensors"):
        weights.unlink()
    torch.save({"anything": Payload(mark)}, folder / "stable" / f"{part}.bin")
    refused(folder / "stable", "hold more than tensors.*Nothing in it was executed")
    assert not mark.exists()


def test_a_pipeline_of_its_own_is_refused(folder: Path, tmp_path: Path) -> None:
    code = f"import os\nos.mkdir({str(tmp_path / 'executed')!r})\nclass Mine: pass\n"
    index = folder / "ldm" / "model_index.json"
    (folder / "ldm" / "pipeline.py").write_text(code)
    refused(folder / "ldm", "asks for remote code.*nothing was executed")
    edit_json(index, _class_name=["pipeline", "Mine"])
    (folder / "ldm" / "pipeline.py").rename(folder / "ldm" / "mine.py")
    refused(folder / "ldm", "asks for remote code")
    assert not (tmp_path / "executed").exists()


def test_a_part_from_a_module_of_its_own_is_refused(folder: Path) -> None:
    edit_json(folder / "ldm" / "model_index.json", unet=["my_unet", "MyUNet"])
    refused(folder / "ldm", 'remote code: "unet" from the module "my_unet"')


def test_a_module_beside_a_config_is_refused(folder: Path) -> None:
    (folder / "dit" / "transformer" / "modeling.py").write_text("raise SystemExit")
    refused(folder / "dit", r"module of its own \(modeling.py\)")


@pytest.mark.parametrize("config", ["text_encoder/config.json", "tokenizer/tokenizer_config.json"])
def test_an_auto_map_is_refused(config: str, folder: Path) -> None:
    edit_json(folder / "stable" / config, auto_map={"AutoModel": "modeling.Mine"})
    refused(folder / "stable", "remote code: an auto_map")


@pytest.mark.parametrize(
    ("config", "field", "value", "words"),
    [
        ("unet/config.json", "_class_name", "MyUNet", "is a MyUNet; ldviz reads UNet2DModel"),
        ("vae/config.json", "_class_name", "AutoencoderDC", "is a AutoencoderDC; ldviz reads"),
        ("text_encoder/config.json", "architectures", ["T5EncoderModel"], "T5EncoderModel"),
        ("tokenizer/tokenizer_config.json", "tokenizer_class", "T5Tokenizer", "T5Tokenizer"),
        ("scheduler/scheduler_config.json", "_class_name", "MyScheduler", "MyScheduler"),
        ("scheduler/scheduler_config.json", "_class_name", "UNet2DModel", "none of diffusers"),
        ("scheduler/scheduler_config.json", "prediction_type", "flow", '"flow"; ldviz reads'),
    ],
)
def test_unknown_classes_are_named(folder: Path, config, field, value, words: str) -> None:
    edit_json(folder / "stable" / config, **{field: value})
    refused(folder / "stable", words)


@pytest.mark.parametrize(
    ("gone", "words"),
    [
        ("vae/config.json", r"vae/config\.json is missing"),
        ("unet/diffusion_pytorch_model.safetensors", "has no weights"),
        ("text_encoder/model.safetensors", "has no weights"),
        ("scheduler/scheduler_config.json", r"scheduler_config\.json is missing"),
    ],
)
def test_a_missing_file_is_named(folder: Path, gone: str, words: str) -> None:
    (folder / "stable" / gone).unlink()
    refused(folder / "stable", words)


def test_weights_that_do_not_fit_their_config_are_refused(folder: Path) -> None:
    edit_json(folder / "ldm" / "unet" / "config.json", layers_per_block=2)
    refused(folder / "ldm", "do not fit its config|cannot be read")


def test_truncated_weights_are_refused(folder: Path) -> None:
    weights = folder / "ldm" / "vqvae" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:500])
    refused(folder / "ldm", "cannot be read")


def test_a_damaged_config_is_refused(folder: Path) -> None:
    (folder / "ldm" / "unet" / "config.json").write_text("{ not json")
    refused(folder / "ldm", "cannot be read")
    (folder / "ldm" / "unet" / "config.json").write_text("[1, 2]")
    refused(folder / "ldm", "expected a JSON object")


def test_a_third_text_encoder_is_refused(folder: Path) -> None:
    edit_json(
        folder / "stable" / "model_index.json", text_encoder_3=["transformers", "T5EncoderModel"]
    )
    refused(folder / "stable", "three text encoders.*autoencoder alone can be analysed")
    assert load_model(folder / "stable" / "vae", device="cpu").latent_shape == (4, 4, 4)


def test_a_pixel_diffusion_model_is_refused(folder: Path) -> None:
    edit_json(folder / "ldm" / "model_index.json", vqvae=[None, None])
    refused(folder / "ldm", "without an autoencoder")


def test_a_denoiser_alone_is_refused(tmp_path: Path) -> None:
    unconditional_unet().save_pretrained(tmp_path / "unet")
    refused(tmp_path / "unet", "holds a denoiser .* and no autoencoder")
    refused(tmp_path / "unet", "no autoencoder", denoiser=str(tmp_path / "unet"))


def test_a_text_denoiser_without_its_text_encoder_is_refused(tmp_path: Path) -> None:
    save_parts(tmp_path, vae=autoencoder_kl(), unet=text_unet(), scheduler=scheduler())
    refused(tmp_path, "conditioned on text, and there is no text encoder and no tokenizer")


def test_parts_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    save_parts(tmp_path, vae=autoencoder_kl(), unet=unconditional_unet(9), scheduler=scheduler())
    refused(tmp_path, "takes 9 channels and the autoencoder's latents have 4")


def test_no_such_place(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere", "no such folder or file")
    (tmp_path / "model.ckpt").write_bytes(b"anything")
    refused(tmp_path / "model.ckpt", "is not a model that ldviz reads")
    (tmp_path / "denoiserless").mkdir()
    (tmp_path / "denoiserless" / "readme.md").write_text("hello")
    refused(tmp_path / "denoiserless", "it holds readme.md")


def test_a_hub_id_that_cannot_be_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    refused("nobody/has-this-model", "as a hub id it cannot be fetched")


def test_an_object_that_is_no_model_is_refused() -> None:
    with pytest.raises(ModelError, match=r"a dict is no model|lacks latent_shape"):
        load_model({"vae": 1})


def test_only_what_is_read_is_fetched() -> None:
    names = [
        "README.md",
        "model_index.json",
        "v1-4.ckpt",
        "vae/config.json",
        "vae/diffusion_pytorch_model.bin",
        "vae/diffusion_pytorch_model.safetensors",
        "vae/diffusion_pytorch_model.fp16.safetensors",
        "unet/config.json",
        "unet/diffusion_pytorch_model.safetensors.index.json",
        "unet/diffusion_pytorch_model-00001-of-00002.safetensors",
        "unet/diffusion_pytorch_model-00002-of-00002.safetensors",
        "text_encoder/model.fp16.safetensors",
        "text_encoder/pytorch_model.bin",
        "tokenizer/merges.txt",
        "safety_checker/pytorch_model.bin",
        "pipeline.py",
    ]
    assert files_to_fetch(names) == [
        "model_index.json",
        "pipeline.py",
        "text_encoder/model.fp16.safetensors",
        "tokenizer/merges.txt",
        "unet/config.json",
        "unet/diffusion_pytorch_model-00001-of-00002.safetensors",
        "unet/diffusion_pytorch_model-00002-of-00002.safetensors",
        "unet/diffusion_pytorch_model.safetensors.index.json",
        "vae/config.json",
        "vae/diffusion_pytorch_model.safetensors",
    ]
    assert "vae/diffusion_pytorch_model.fp16.safetensors" in files_to_fetch(names, "fp16")


def test_recognising_reads_no_weights(folder: Path) -> None:
    for weights in folder.rglob("*.safetensors"):
        weights.write_bytes(b"")
    assert recognise(folder / "stable").kind == "StableDiffusionPipeline"
    assert json.loads((folder / "ldm" / "model_index.json").read_text())["_class_name"] == (
        recognise(folder / "ldm").kind
    )
