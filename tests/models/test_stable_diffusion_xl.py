"""Two text encoders and the images' size, against diffusers' own pipeline, to 1e-5."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline
from transformers import CLIPTextModelWithProjection

from ldviz.errors import ModelError
from ldviz.models import load_model
from ldviz.models.digest import plan_digest
from ldviz.models.hub import files_to_fetch
from ldviz.models.plan import plan_model
from ldviz.models.settings import ModelSettings
from tests.models.tiny_models import (
    CAPTIONS,
    CLOSE,
    TIMESTEPS,
    autoencoder_kl,
    clip_config,
    edit_json,
    letter_tokenizer,
    save_parts,
    save_stable_diffusion,
    save_stable_diffusion_xl,
    scheduler,
    seeded_images,
    seeded_latents,
    text_and_size_unet,
    text_unet,
)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_stable_diffusion_xl(tmp_path_factory.mktemp("models") / "xl")


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(saved, tmp_path / "xl"))


def load(place: Path | str, **options: Any):
    return load_model(place, device="cpu", **options)


def pipeline_of(place: Path) -> StableDiffusionXLPipeline:
    pipeline = StableDiffusionXLPipeline.from_pretrained(place, add_watermarker=False)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def noise_of(pipeline, latents, timesteps, text, pooled, size=(16, 16)) -> torch.Tensor:
    """The denoiser's output with sizes as the pipeline writes them."""
    sizes = pipeline._get_add_time_ids(
        size, (0, 0), size, dtype=text.dtype, text_encoder_projection_dim=pooled.shape[-1]
    )
    added = {"text_embeds": pooled, "time_ids": sizes.repeat(len(latents), 1)}
    return pipeline.unet(
        latents, timesteps, encoder_hidden_states=text, added_cond_kwargs=added
    ).sample


@torch.no_grad()
def test_it_equals_its_pipeline_s_parts(saved: Path) -> None:
    pipeline, model, images = pipeline_of(saved), load(saved), seeded_images(6)
    latents = model.encode(images)
    expected = pipeline.vae.encode(images).latent_dist.mean * 0.13025
    torch.testing.assert_close(latents, expected, **CLOSE)
    decoded = pipeline.vae.decode(latents / 0.13025).sample
    torch.testing.assert_close(model.decode(latents), decoded, **CLOSE)
    text, nothing, pooled, no_pooled = pipeline.encode_prompt(list(CAPTIONS), device="cpu")
    noise = noise_of(pipeline, latents, TIMESTEPS, text, pooled)
    torch.testing.assert_close(model.predict_noise(latents, TIMESTEPS, CAPTIONS), noise, **CLOSE)
    assert nothing.abs().max() == no_pooled.abs().max() == 0
    empty = noise_of(pipeline, latents, TIMESTEPS, nothing, no_pooled)
    torch.testing.assert_close(model.predict_noise(latents, TIMESTEPS), empty, **CLOSE)
    # Nothing of it may be without effect, or the test would not notice if it were left out.
    for other in (
        noise_of(pipeline, latents, TIMESTEPS, text.roll(1, 0), pooled),
        noise_of(pipeline, latents, TIMESTEPS, text, pooled.roll(1, 0)),
        noise_of(pipeline, latents, TIMESTEPS, text, pooled, size=(16, 24)),
        empty,
    ):
        assert (other - noise).abs().max() > 1e-2
    assert model.alphas_cumprod.float().equal(pipeline.scheduler.alphas_cumprod)
    assert (model.card.kind, model.conditioning) == ("StableDiffusionXLPipeline", "text")
    assert (model.card.num_text_encoders, model.card.empty_is_zero) == (2, True)


@torch.no_grad()
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("zeros", [True, False])
def test_it_equals_what_the_pipeline_hands_to_its_denoiser(zeros: bool, tmp_path: Path) -> None:
    """The pipeline runs as it is, guided, not on squares; its denoiser is watched."""
    schedule = EulerDiscreteScheduler(beta_schedule="scaled_linear", timestep_spacing="leading")
    place = save_stable_diffusion_xl(
        tmp_path / "xl", scheduler=schedule, force_zeros_for_empty_prompt=zeros
    )
    pipeline, model = pipeline_of(place), load(place, image_shape=(3, 16, 24))
    calls = []
    pipeline.unet.register_forward_hook(
        lambda module, given, output: calls.append((*given, output[0]))
    )
    captions = ["two cats", "a house by the sea"]
    pipeline(
        captions,
        height=16,
        width=24,
        num_inference_steps=2,
        guidance_scale=3.0,
        generator=torch.Generator().manual_seed(0),
        output_type="latent",
    )
    assert [int(timestep) for _, timestep, _ in calls] == [500, 0]
    for latents, timestep, output in calls:
        unconditional, conditional = output.chunk(2)
        halves = latents.chunk(2)
        torch.testing.assert_close(
            model.predict_noise(halves[1], int(timestep), captions), conditional, **CLOSE
        )
        torch.testing.assert_close(
            model.predict_noise(halves[0], int(timestep)), unconditional, **CLOSE
        )
    assert model.card.empty_is_zero is zeros


@torch.no_grad()
def test_captions_go_with_their_images(saved: Path) -> None:
    model, latents = load(saved), seeded_latents(1, (4, 4, 4)).expand(6, -1, -1, -1)
    noise = model.predict_noise(latents, 100, np.array(CAPTIONS, dtype=object))
    alone = torch.cat([model.predict_noise(latents[:1], 100, [one]) for one in CAPTIONS])
    torch.testing.assert_close(noise, alone, **CLOSE)
    assert (noise[0] - noise[1]).abs().max() > 1e-3
    prepared = model.prepare_conditioning(CAPTIONS)
    torch.testing.assert_close(model.predict_noise(latents, 100, prepared), noise, **CLOSE)
    with pytest.raises(ModelError, match="6 latents but 2 captions"):
        model.predict_noise(latents, 100, CAPTIONS[:2])
    with pytest.raises(ModelError, match="conditioned on text, got"):
        model.predict_noise(latents, 100, np.arange(6))


@torch.no_grad()
def test_an_empty_caption_of_one_s_own_goes_through_the_encoders(tmp_path: Path) -> None:
    place = save_stable_diffusion_xl(tmp_path / "xl", force_zeros_for_empty_prompt=False)
    model, latents = load(place), seeded_latents(1, (4, 4, 4))
    encoded = model.predict_noise(latents, 100, [""])
    torch.testing.assert_close(model.predict_noise(latents, 100), encoded, **CLOSE)
    edit_json(place / "model_index.json", force_zeros_for_empty_prompt=True)
    zeros = load(place)
    torch.testing.assert_close(zeros.predict_noise(latents, 100, [""]), encoded, **CLOSE)
    assert (zeros.predict_noise(latents, 100) - encoded).abs().max() > 1e-3


def test_what_stands_for_the_empty_caption_is_part_of_the_model(folder: Path) -> None:
    settings = ModelSettings(source=str(folder))
    before = plan_digest(plan_model(settings))
    edit_json(folder / "model_index.json", force_zeros_for_empty_prompt=False)
    assert plan_digest(plan_model(settings)) != before


def test_the_second_encoder_is_part_of_the_model(folder: Path) -> None:
    settings = ModelSettings(source=str(folder))
    before = plan_digest(plan_model(settings))
    (folder / "index").mkdir()
    (folder / "model_index.json").rename(folder / "index" / "model_index.json")
    assert plan_digest(plan_model(settings)) == before, "without an index: as diffusers has it"
    assert plan_model(settings).kind == "parts"
    edit_json(folder / "text_encoder_2" / "config.json", layer_norm_eps=1e-4)
    changed = plan_digest(plan_model(settings))
    edit_json(folder / "tokenizer_2" / "tokenizer_config.json", pad_token="b</w>")
    assert len({before, changed, plan_digest(plan_model(settings))}) == 3


@torch.no_grad()
def test_the_denoiser_may_come_from_elsewhere(saved: Path, tmp_path: Path) -> None:
    """A fine-tuned denoiser takes its text encoders and what they do from the source."""
    tuned = text_and_size_unet()
    tuned.conv_in.weight.data.mul_(1.5)
    save_parts(tmp_path / "tuned", unet=tuned, scheduler=scheduler())
    model = load(saved, denoiser=str(tmp_path / "tuned"))
    pipeline, latents = pipeline_of(saved), seeded_latents(2, (4, 4, 4))
    pipeline.unet = tuned
    text, _, pooled, _ = pipeline.encode_prompt(list(CAPTIONS[:2]), device="cpu")
    expected = noise_of(pipeline, latents, torch.tensor([7, 7]), text, pooled)
    torch.testing.assert_close(model.predict_noise(latents, 7, CAPTIONS[:2]), expected, **CLOSE)
    alone = load(autoencoder_folder(tmp_path), denoiser=str(saved / "unet"))
    given = model.predict_noise(latents, 7, CAPTIONS[:2])
    assert alone.predict_noise(latents, 7, CAPTIONS[:2]).shape == given.shape
    assert alone.card.num_text_encoders == 2


def autoencoder_folder(folder: Path) -> str:
    autoencoder_kl().save_pretrained(folder / "vae")
    return str(folder / "vae")


def test_a_second_encoder_that_is_not_asked_for_is_left_alone(saved: Path, tmp_path: Path) -> None:
    place = save_stable_diffusion(tmp_path / "stable")
    for name in ("text_encoder_2", "tokenizer_2"):
        shutil.copytree(saved / name, place / name)
    plan = plan_model(ModelSettings(source=str(place)))
    assert "text_encoder_2" not in plan.parts
    assert not plan.empty_is_zero
    assert load(place).card.num_text_encoders == 1


@torch.no_grad()
@pytest.mark.parametrize(("upcast", "expected"), [(True, "float32"), (False, None)])
def test_an_autoencoder_that_asks_for_single_precision_gets_it(
    upcast: bool, expected: str | None, tmp_path: Path
) -> None:
    vae = autoencoder_kl(scaling_factor=0.13025, force_upcast=upcast)
    place = save_stable_diffusion_xl(tmp_path / "xl", vae=vae)
    half, single = load(place, precision="float16"), load(place)
    assert (half.card.precision, half.card.autoencoder_precision) == ("float16", expected)
    assert single.card.autoencoder_precision is None
    latents = seeded_latents(2, (4, 4, 4))
    assert torch.equal(half.decode(latents), single.decode(latents)) is upcast
    noise = single.predict_noise(latents, 10, CAPTIONS[:2])
    rough = half.predict_noise(latents, 10, CAPTIONS[:2])
    assert rough.dtype == torch.float32
    torch.testing.assert_close(rough, noise, rtol=0.1, atol=0.1)
    assert not rough.equal(noise)


def test_all_of_it_is_fetched_from_a_hub() -> None:
    names = [
        "text_encoder_2/config.json",
        "text_encoder_2/model.safetensors",
        "text_encoder_2/model.onnx",
        "tokenizer_2/merges.txt",
        "tokenizer_2/vocab.json",
    ]
    assert set(names) - set(files_to_fetch(names)) == {"text_encoder_2/model.onnx"}


def refused(place: Path | str, words: str, **options: str) -> None:
    with pytest.raises(ModelError, match=words):
        load(place, **options)


def test_a_model_that_refines_is_refused(folder: Path) -> None:
    index = folder / "model_index.json"
    edit_json(index, requires_aesthetics_score=True)
    refused(folder, "refines images: it is told an aesthetics score.*autoencoder alone can be")
    assert load(folder / "vae").latent_shape == (4, 4, 4)
    edit_json(index, requires_aesthetics_score=False)
    assert load(folder).conditioning == "text"
    edit_json(index, text_encoder=[None, None], tokenizer=[None, None])
    for name in ("text_encoder", "tokenizer"):
        shutil.rmtree(folder / name)
    refused(folder, "no text encoder and no tokenizer with it")


def test_a_denoiser_that_refines_is_refused(saved: Path, tmp_path: Path) -> None:
    refiner = text_and_size_unet(projection_class_embeddings_input_dim=12 + 5 * 8)
    refiner.save_pretrained(tmp_path / "unet")
    scheduler().save_pretrained(tmp_path / "scheduler")
    refused(saved, "is one that refines images: it is told an aes", denoiser=str(tmp_path / "unet"))


@pytest.mark.parametrize("gone", ["text_encoder_2", "tokenizer_2"])
def test_a_missing_part_is_named(gone: str, folder: Path) -> None:
    shutil.rmtree(folder / gone)
    refused(folder, rf"names a CLIP\w+ in {gone}/, but {gone}/\w+\.json is missing")
    (folder / "model_index.json").unlink()
    title = {"text_encoder_2": "second text encoder", "tokenizer_2": "second tokenizer"}[gone]
    refused(folder, f"conditioned on text, and there is no {title} with it")


@pytest.mark.parametrize(
    ("config", "changes", "words"),
    [
        ("text_encoder_2", {"architectures": ["T5EncoderModel"]}, "second text encoder.*is a T5"),
        ("text_encoder_2", {"architectures": ["CLIPTextModel"]}, "is a CLIPTextModel; ldviz reads"),
        ("text_encoder_2", {"auto_map": {"AutoModel": "m.M"}}, "remote code: an auto_map"),
        ("text_encoder_2", {"hidden_size": 32}, r"width 40, and 16 \+ 32 come from"),
        ("text_encoder_2", {"projection_dim": 16}, r"takes 60 numbers.*6 sizes of 8 make 64"),
        ("unet", {"addition_embed_type": "image"}, 'conditioned by "image" besides text'),
        ("unet", {"class_embed_type": "projection"}, 'conditioned by "projection" besides text'),
        ("unet", {"num_class_embeds": 7}, "on text and on classes at once"),
    ],
)
def test_parts_that_do_not_belong_together_are_refused(folder, config, changes, words) -> None:
    edit_json(folder / config / "config.json", **changes)
    for weights in folder.rglob("*.safetensors"):
        weights.write_bytes(b"")
    refused(folder, words)


def test_tokenizers_of_different_lengths_are_refused(tmp_path: Path) -> None:
    longer = letter_tokenizer(model_max_length=20)
    encoder = CLIPTextModelWithProjection(
        clip_config(longer, hidden_size=24, projection_dim=12, max_position_embeddings=20)
    )
    place = save_stable_diffusion_xl(tmp_path / "xl", tokenizer_2=longer, text_encoder_2=encoder)
    refused(place, "cut captions at 16 and 20 tokens")


def test_a_denoiser_of_one_encoder_does_not_take_two(folder: Path) -> None:
    text_unet().save_pretrained(folder / "unet")
    plan = plan_model(ModelSettings(source=str(folder)))
    assert [role for role in plan.parts if role.startswith("text_encoder")] == ["text_encoder"]
