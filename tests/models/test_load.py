"""Every kind of model against diffusers' own components, to 1e-5."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import (
    AsymmetricAutoencoderKL,
    AutoencoderKL,
    AutoencoderTiny,
    DiTPipeline,
    DPMSolverMultistepScheduler,
    EDMEulerScheduler,
    FlowMatchEulerDiscreteScheduler,
    LDMPipeline,
    StableDiffusionPipeline,
    UNet2DModel,
    VQModel,
)

from ldviz.errors import ModelError
from ldviz.models import ModelSettings, load_model
from ldviz.models.prediction import to_noise
from tests.models.tiny_models import (
    CAPTIONS,
    CLOSE,
    NUM_CLASSES,
    TIMESTEPS,
    asymmetric_autoencoder,
    autoencoder_kl,
    autoencoder_tiny,
    save_dit,
    save_ldm,
    save_parts,
    save_stable_diffusion,
    scheduler,
    seeded_images,
    seeded_latents,
    unconditional_unet,
    vq_model,
)


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One folder of each kind."""
    folder = tmp_path_factory.mktemp("models")
    return {
        "stable": save_stable_diffusion(folder / "stable"),
        "ldm": save_ldm(folder / "ldm"),
        "dit": save_dit(folder / "dit"),
        "unet": save_parts(folder / "unet", unet=unconditional_unet(), scheduler=scheduler()),
    }


def load(place: Path | str, **options: Any):
    return load_model(place, device="cpu", **options)


@torch.no_grad()
def test_stable_diffusion_equals_its_pipeline(places) -> None:
    pipeline = StableDiffusionPipeline.from_pretrained(places["stable"])
    pipeline.set_progress_bar_config(disable=True)
    model, images = load(places["stable"]), seeded_images(6)
    factor = pipeline.vae.config.scaling_factor
    latents = model.encode(images)
    expected = pipeline.vae.encode(images).latent_dist.mean * factor
    torch.testing.assert_close(latents, expected, **CLOSE)
    decoded = pipeline.vae.decode(latents / factor).sample
    torch.testing.assert_close(model.decode(latents), decoded, **CLOSE)
    text, _ = pipeline.encode_prompt(list(CAPTIONS), "cpu", 1, False)
    noise = pipeline.unet(latents, TIMESTEPS, encoder_hidden_states=text).sample
    torch.testing.assert_close(model.predict_noise(latents, TIMESTEPS, CAPTIONS), noise, **CLOSE)
    assert model.alphas_cumprod.float().equal(pipeline.scheduler.alphas_cumprod)
    assert (model.card.kind, model.conditioning) == ("StableDiffusionPipeline", "text")


@torch.no_grad()
def test_captions_go_with_their_images(places) -> None:
    model, latents = load(places["stable"]), seeded_latents(1, (4, 4, 4)).expand(6, -1, -1, -1)
    noise = model.predict_noise(latents, 100, np.array(CAPTIONS))
    alone = torch.cat([model.predict_noise(latents[:1], 100, [one]) for one in CAPTIONS])
    torch.testing.assert_close(noise, alone, **CLOSE)
    assert (noise[0] - noise[1]).abs().max() > 1e-3
    prepared = model.prepare_conditioning(CAPTIONS)
    torch.testing.assert_close(model.predict_noise(latents, 100, prepared), noise, **CLOSE)
    unconditional = model.predict_noise(latents, 100)
    torch.testing.assert_close(unconditional[0], noise[CAPTIONS.index("")], **CLOSE)


@torch.no_grad()
def test_ldm_latents_are_not_quantised(places) -> None:
    pipeline = LDMPipeline.from_pretrained(places["ldm"])
    model, images = load(places["ldm"]), seeded_images(6)
    latents = model.encode(images)
    expected = pipeline.vqvae.encode(images).latents * 0.5
    torch.testing.assert_close(latents, expected, **CLOSE)
    decoded = pipeline.vqvae.decode(latents / 0.5, force_not_quantize=True).sample
    torch.testing.assert_close(model.decode(latents), decoded, **CLOSE)
    quantised = pipeline.vqvae.decode(latents / 0.5).sample
    assert (model.decode(latents) - quantised).abs().max() > 1e-3
    noise = pipeline.unet(latents, TIMESTEPS).sample
    torch.testing.assert_close(model.predict_noise(latents, TIMESTEPS), noise, **CLOSE)


def test_the_jacobian_of_a_vq_decoder_is_not_zero(places) -> None:
    model = load(places["ldm"])
    latent = seeded_latents(1, model.latent_shape)
    jacobian = torch.autograd.functional.jacobian(model.decode, latent)
    assert jacobian.abs().max() > 1e-3


@torch.no_grad()
def test_dit_noise_is_the_first_half_of_its_channels(places) -> None:
    pipeline = DiTPipeline.from_pretrained(places["dit"])
    model, latents = load(places["dit"]), seeded_latents(6, (4, 4, 4))
    labels = torch.tensor([0, 5, 2, 3, 1, 0])
    output = pipeline.transformer(latents, timestep=TIMESTEPS, class_labels=labels).sample
    assert output.shape[1] == 8
    noise = model.predict_noise(latents, TIMESTEPS, labels.numpy())
    torch.testing.assert_close(noise, output[:, :4], **CLOSE)
    assert (noise - model.predict_noise(latents, TIMESTEPS)).abs().max() > 1e-3
    nobody = torch.full((6,), NUM_CLASSES)
    empty = pipeline.transformer(latents, timestep=TIMESTEPS, class_labels=nobody).sample[:, :4]
    torch.testing.assert_close(model.predict_noise(latents, TIMESTEPS), empty, **CLOSE)


@pytest.mark.parametrize("labels", [[6 + 1], [-1]])
def test_a_class_that_the_denoiser_does_not_know_is_refused(places, labels) -> None:
    model = load(places["dit"])
    with pytest.raises(ModelError, match=r"knows the classes 0 \.\.\. 5"):
        model.predict_noise(seeded_latents(1, (4, 4, 4)), 1, labels)


@torch.no_grad()
@pytest.mark.parametrize(
    ("build", "kind"),
    [
        (autoencoder_kl, AutoencoderKL),
        (autoencoder_tiny, AutoencoderTiny),
        (vq_model, VQModel),
        (asymmetric_autoencoder, AsymmetricAutoencoderKL),
    ],
)
def test_an_autoencoder_alone_gives_geometry(build, kind, tmp_path: Path) -> None:
    build().save_pretrained(tmp_path / "alone")
    reference = kind.from_pretrained(tmp_path / "alone").eval()
    model = load(tmp_path / "alone", image_shape=(3, 16, 16))
    images = seeded_images(3)
    scale = reference.config.scaling_factor
    shift = getattr(reference.config, "shift_factor", None) or 0.0
    encoded = reference.encode(images)
    raw = encoded.latents if hasattr(encoded, "latents") else encoded.latent_dist.mean
    latents = model.encode(images)
    torch.testing.assert_close(latents, (raw - shift) * scale, **CLOSE)
    options = {"force_not_quantize": True} if kind is VQModel else {}
    torch.testing.assert_close(
        model.decode(latents), reference.decode(raw, **options).sample, **CLOSE
    )
    assert tuple(latents.shape[1:]) == model.latent_shape
    assert model.num_train_timesteps == 0
    with pytest.raises(ModelError, match="no denoiser"):
        model.predict_noise(latents, 1)


@torch.no_grad()
def test_autoencoder_and_denoiser_from_separate_places(places, tmp_path: Path) -> None:
    autoencoder_kl(scaling_factor=0.3, shift_factor=0.2).save_pretrained(tmp_path / "own")
    latents = seeded_latents(2, (4, 4, 4))
    reference = UNet2DModel.from_pretrained(places["unet"] / "unet").eval()
    for denoiser in (places["unet"], places["unet"] / "unet"):
        model = load(tmp_path / "own", denoiser=str(denoiser))
        expected = reference(latents, torch.tensor([7, 7])).sample
        torch.testing.assert_close(model.predict_noise(latents, 7), expected, **CLOSE)
    assert (model.card.scaling_factor, model.card.shift_factor) == (0.3, 0.2)


def test_a_scheduler_may_come_from_elsewhere(places, tmp_path: Path) -> None:
    autoencoder_kl().save_pretrained(tmp_path / "own")
    unconditional_unet().save_pretrained(tmp_path / "denoiser")
    with pytest.raises(ModelError, match="no noise schedule"):
        load(tmp_path / "own", denoiser=str(tmp_path / "denoiser"))
    scheduler(num_train_timesteps=50).save_pretrained(tmp_path / "schedule")
    model = load(
        tmp_path / "own",
        denoiser=str(tmp_path / "denoiser"),
        scheduler=str(tmp_path / "schedule"),
    )
    assert model.num_train_timesteps == 50


@torch.no_grad()
@pytest.mark.parametrize("kind", ["v_prediction", "sample"])
def test_other_predictions_become_noise(kind: str, tmp_path: Path) -> None:
    save_parts(
        tmp_path,
        vae=autoencoder_kl(),
        unet=unconditional_unet(),
        scheduler=scheduler(prediction_type=kind),
    )
    model, latents = load(tmp_path), seeded_latents(3, (4, 4, 4))
    timesteps = torch.tensor([1, 500, 999])
    output = UNet2DModel.from_pretrained(tmp_path / "unet").eval()(latents, timesteps).sample
    alphas = scheduler().alphas_cumprod[timesteps].double()
    expected = to_noise(output.double(), latents.double(), alphas, kind)
    torch.testing.assert_close(
        model.predict_noise(latents, timesteps), expected.float(), rtol=1e-5, atol=1e-5
    )
    assert model.card.prediction_type == kind


@torch.no_grad()
def test_a_schedule_that_ends_without_signal(tmp_path: Path) -> None:
    save_parts(
        tmp_path,
        vae=autoencoder_kl(),
        unet=unconditional_unet(),
        scheduler=scheduler(prediction_type="v_prediction", rescale_betas_zero_snr=True),
    )
    model, latents = load(tmp_path), seeded_latents(2, (4, 4, 4))
    assert float(model.alphas_cumprod[-1]) == 0.0
    assert model.card.zero_terminal_snr
    # Nothing of the image is left at the last timestep: the noise is the latent itself.
    torch.testing.assert_close(model.predict_noise(latents, 999), latents, **CLOSE)


def test_other_solvers_share_the_schedule(tmp_path: Path) -> None:
    save_parts(
        tmp_path,
        vae=autoencoder_kl(),
        unet=unconditional_unet(),
        scheduler=DPMSolverMultistepScheduler(beta_schedule="scaled_linear"),
    )
    model = load(tmp_path)
    expected = scheduler(beta_schedule="scaled_linear").alphas_cumprod.double()
    torch.testing.assert_close(model.alphas_cumprod, expected)
    assert model.card.scheduler == "DPMSolverMultistepScheduler"


@pytest.mark.parametrize("kind", [FlowMatchEulerDiscreteScheduler, EDMEulerScheduler])
def test_a_schedule_without_timesteps_is_refused(kind, tmp_path: Path) -> None:
    save_parts(tmp_path, vae=autoencoder_kl(), unet=unconditional_unet(), scheduler=kind())
    with pytest.raises(ModelError, match="belongs to a flow, or to a diffusion that is told of"):
        load(tmp_path)


@torch.no_grad()
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_weights_are_computed_in_single(dtype: torch.dtype, tmp_path: Path) -> None:
    parts = {"vae": autoencoder_kl().to(dtype), "unet": unconditional_unet().to(dtype)}
    save_parts(tmp_path, **parts, scheduler=scheduler())
    model, images = load(tmp_path), seeded_images(2)
    reference = AutoencoderKL.from_pretrained(tmp_path / "vae", torch_dtype=torch.float32).eval()
    latents = model.encode(images)
    expected = reference.encode(images).latent_dist.mean * reference.config.scaling_factor
    torch.testing.assert_close(latents, expected, **CLOSE)
    name = str(dtype).removeprefix("torch.")
    assert (model.card.stored_precision, model.card.precision) == (name, "float32")
    # In half precision the numbers differ by what it can hold, and come back in single.
    half = load(tmp_path, precision=name)
    rough = half.predict_noise(latents, 10)
    assert rough.dtype == half.decode(latents).dtype == torch.float32
    torch.testing.assert_close(rough, model.predict_noise(latents, 10), rtol=0.1, atol=0.1)
    assert not rough.equal(model.predict_noise(latents, 10))
    assert half.card.precision == name


def test_a_variant_is_found_or_chosen(tmp_path: Path) -> None:
    autoencoder_kl().half().save_pretrained(tmp_path / "one", variant="fp16")
    assert load(tmp_path / "one").card.stored_precision == "float16"
    autoencoder_kl().save_pretrained(tmp_path / "one", variant="full")
    with pytest.raises(ModelError, match=r"several variants \(fp16, full\)"):
        load(tmp_path / "one")
    assert load(tmp_path / "one", variant="full").card.stored_precision == "float32"
    with pytest.raises(ModelError, match='no weights of variant "int4"'):
        load(tmp_path / "one", variant="int4")


def test_sharded_weights_are_read(tmp_path: Path) -> None:
    autoencoder_kl().save_pretrained(tmp_path / "shards", max_shard_size="100KB")
    assert len(list((tmp_path / "shards").glob("*.safetensors"))) > 1
    images = seeded_images(2)
    expected = autoencoder_kl().encode(images).latent_dist.mean * 0.18215
    torch.testing.assert_close(load(tmp_path / "shards").encode(images), expected, **CLOSE)


def test_pickled_weights_are_read_as_tensors_alone(tmp_path: Path) -> None:
    autoencoder_kl().save_pretrained(tmp_path / "old", safe_serialization=False)
    assert (tmp_path / "old" / "diffusion_pytorch_model.bin").is_file()
    images = seeded_images(2)
    expected = autoencoder_kl().encode(images).latent_dist.mean * 0.18215
    torch.testing.assert_close(load(tmp_path / "old").encode(images), expected, **CLOSE)


def test_all_settings_at_once(places) -> None:
    model = load_model(ModelSettings(source=str(places["dit"]), conditioning="empty"), device="cpu")
    assert model.card.conditioning_used == "empty"


def test_the_size_is_taken_from_the_config(places) -> None:
    assert load(places["stable"]).image_shape == (3, 16, 16)


@pytest.mark.parametrize(
    ("shape", "words"),
    [((1, 16, 16), "takes colour images"), ((3, 18, 16), "multiple of 4")],
)
def test_images_that_do_not_fit_are_refused(places, shape, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        load(places["stable"], image_shape=shape)


def test_a_transformer_takes_one_size(places) -> None:
    with pytest.raises(ModelError, match="takes latents of 4 x 4, these are 8 x 8"):
        load(places["dit"], image_shape=(3, 32, 32))


@torch.no_grad()
def test_class_numbers_reach_an_unet(tmp_path: Path) -> None:
    unet = unconditional_unet(num_class_embeds=3)
    save_parts(tmp_path, vae=autoencoder_kl(), unet=unet, scheduler=scheduler())
    model, latents = load(tmp_path), seeded_latents(3, (4, 4, 4))
    labels = torch.tensor([2, 0, 1])
    expected = unet(latents, 5, class_labels=labels).sample
    torch.testing.assert_close(model.predict_noise(latents, 5, labels), expected, **CLOSE)
    with pytest.raises(ModelError, match="none that stands for no class"):
        model.predict_noise(latents, 5)
    with pytest.raises(ModelError, match="3 latents but 2"):
        model.predict_noise(latents, 5, labels[:2])


def test_conditioning_for_nothing_is_refused(places) -> None:
    model = load(places["ldm"])
    with pytest.raises(ModelError, match="not conditioned"):
        model.predict_noise(seeded_latents(1, model.latent_shape), 5, ["a dog"])
    with pytest.raises(ModelError, match="conditioned on text, got"):
        load(places["stable"]).predict_noise(seeded_latents(1, (4, 4, 4)), 5, np.array([3]))
