"""The paper's checkpoints against a re-computation from the tensors and functions alone."""

from __future__ import annotations

import math
from math import gcd
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from ldviz.errors import ModelError
from ldviz.models import load_model
from ldviz.models.paper.autoencoder import PaperAutoencoder
from ldviz.models.paper.denoiser import PaperDenoiser
from tests.models.tiny_models import seeded_images, seeded_latents

CLOSE = {"rtol": 0.0, "atol": 1e-5}
Weights = dict[str, torch.Tensor]


def random_weights(shapes: dict[str, tuple[int, ...]]) -> Weights:
    generator = torch.Generator().manual_seed(0)
    return {
        name: torch.randn(shape, generator=generator) / max(1, math.prod(shape[1:])) ** 0.5
        for name, shape in shapes.items()
    }


def autoencoder_weights(b: int, c: int, image_channels: int) -> Weights:
    """Names and shapes by hand, from the layout."""
    shapes: dict[str, tuple[int, ...]] = {}

    def convolution(name: str, inputs: int, outputs: int, size: int = 3) -> None:
        shapes[f"{name}.weight"] = (outputs, inputs, size, size)
        shapes[f"{name}.bias"] = (outputs,)

    def norm(name: str, channels: int) -> None:
        shapes[f"{name}.weight"] = shapes[f"{name}.bias"] = (channels,)

    def residual(name: str, channels: int) -> None:
        norm(f"{name}.block.0", channels)
        convolution(f"{name}.block.2", channels, channels)
        norm(f"{name}.block.4", channels)
        convolution(f"{name}.block.6", channels, channels)

    def upsampling(name: str, inputs: int, outputs: int) -> None:
        shapes[f"{name}.weight"] = (inputs, outputs, 4, 4)
        shapes[f"{name}.bias"] = (outputs,)

    convolution("enc.0", image_channels, b)
    residual("enc.1", b)
    convolution("enc.2", b, b)
    residual("enc.3", b)
    convolution("enc.4", b, 2 * b)
    residual("enc.5", 2 * b)
    convolution("to_mu", 2 * b, c, 1)
    convolution("to_logvar", 2 * b, c, 1)
    convolution("dec_in", c, 2 * b, 1)
    residual("dec.0", 2 * b)
    upsampling("dec.1", 2 * b, b)
    residual("dec.2", b)
    upsampling("dec.3", b, b)
    residual("dec.4", b)
    norm("dec.5", b)
    convolution("dec.7", b, image_channels)
    return random_weights(shapes)


def denoiser_weights(w: int, multipliers: tuple[int, ...], c: int) -> Weights:
    shapes: dict[str, tuple[int, ...]] = {}

    def linear(name: str, inputs: int, outputs: int) -> None:
        shapes[f"{name}.weight"], shapes[f"{name}.bias"] = (outputs, inputs), (outputs,)

    def convolution(name: str, inputs: int, outputs: int, size: int = 3) -> None:
        shapes[f"{name}.weight"] = (outputs, inputs, size, size)
        shapes[f"{name}.bias"] = (outputs,)

    def norm(name: str, channels: int) -> None:
        shapes[f"{name}.weight"] = shapes[f"{name}.bias"] = (channels,)

    def residual(name: str, inputs: int, outputs: int) -> None:
        norm(f"{name}.in_layers.0", inputs)
        convolution(f"{name}.in_layers.2", inputs, outputs)
        linear(f"{name}.emb_layers.1", 4 * w, outputs)
        norm(f"{name}.out_layers.0", outputs)
        convolution(f"{name}.out_layers.3", outputs, outputs)
        if inputs != outputs:
            convolution(f"{name}.skip", inputs, outputs, 1)

    linear("time_embed.0", w, 4 * w)
    linear("time_embed.2", 4 * w, 4 * w)
    convolution("input_blocks.0.0", c, w)
    skips, present, block = [w], w, 1
    for level, factor in enumerate(multipliers):
        for _ in range(2):
            residual(f"input_blocks.{block}.0", present, factor * w)
            present = factor * w
            skips.append(present)
            block += 1
        if level + 1 < len(multipliers):
            convolution(f"input_blocks.{block}.0.op", present, present)
            skips.append(present)
            block += 1
    residual("middle_block.0", present, present)
    residual("middle_block.1", present, present)
    block = 0
    for level in range(len(multipliers) - 1, -1, -1):
        for number in range(3):
            residual(f"output_blocks.{block}.0", present + skips.pop(), multipliers[level] * w)
            present = multipliers[level] * w
            if level and number == 2:
                convolution(f"output_blocks.{block}.1.conv", present, present)
            block += 1
    norm("out.0", present)
    convolution("out.2", present, c)
    return random_weights(shapes)


class Recomputed:
    """The same numbers from tensors and functions alone."""

    def __init__(self, weights: Weights) -> None:
        self.of = weights

    def conv(self, name: str, x, stride: int = 1):
        weight = self.of[f"{name}.weight"]
        padding = weight.shape[-1] // 2
        return F.conv2d(x, weight, self.of[f"{name}.bias"], stride=stride, padding=padding)

    def norm_silu(self, name: str, x):
        weight = self.of[f"{name}.weight"]
        groups = gcd(len(weight), 32)
        return F.silu(F.group_norm(x, groups, weight, self.of[f"{name}.bias"]))

    def linear(self, name: str, x):
        return F.linear(x, self.of[f"{name}.weight"], self.of[f"{name}.bias"])

    def residual(self, name: str, x):
        hidden = self.conv(f"{name}.block.2", self.norm_silu(f"{name}.block.0", x))
        return x + self.conv(f"{name}.block.6", self.norm_silu(f"{name}.block.4", hidden))

    def encode(self, x):
        x = self.residual("enc.1", self.conv("enc.0", x))
        x = self.residual("enc.3", self.conv("enc.2", x, 2))
        return self.conv("to_mu", self.residual("enc.5", self.conv("enc.4", x, 2)))

    def decode(self, z):
        x = self.residual("dec.0", self.conv("dec_in", z))
        for up, after in (("dec.1", "dec.2"), ("dec.3", "dec.4")):
            weight, bias = self.of[f"{up}.weight"], self.of[f"{up}.bias"]
            x = self.residual(after, F.conv_transpose2d(x, weight, bias, stride=2, padding=1))
        return self.conv("dec.7", self.norm_silu("dec.5", x))

    def timed(self, name: str, x, time):
        hidden = self.conv(f"{name}.in_layers.2", self.norm_silu(f"{name}.in_layers.0", x))
        hidden = hidden + self.linear(f"{name}.emb_layers.1", F.silu(time))[..., None, None]
        hidden = self.conv(f"{name}.out_layers.3", self.norm_silu(f"{name}.out_layers.0", hidden))
        return hidden + (self.conv(f"{name}.skip", x) if f"{name}.skip.weight" in self.of else x)

    def noise(self, z, timesteps: list[int], levels: int):
        half = self.of["time_embed.0.weight"].shape[1] // 2
        rows = [
            [
                turn(t * math.exp(-math.log(10_000) * k / half))
                for turn in (math.cos, math.sin)
                for k in range(half)
            ]
            for t in timesteps
        ]
        time = self.linear("time_embed.2", F.silu(self.linear("time_embed.0", torch.tensor(rows))))
        x = self.conv("input_blocks.0.0", z)
        kept, block = [x], 1
        for level in range(levels):
            for _ in range(2):
                x = self.timed(f"input_blocks.{block}.0", x, time)
                kept.append(x)
                block += 1
            if level + 1 < levels:
                x = self.conv(f"input_blocks.{block}.0.op", x, 2)
                kept.append(x)
                block += 1
        x = self.timed("middle_block.1", self.timed("middle_block.0", x, time), time)
        block = 0
        for level in reversed(range(levels)):
            for number in range(3):
                x = self.timed(f"output_blocks.{block}.0", torch.cat([x, kept.pop()], 1), time)
                if level and number == 2:
                    x = x.repeat_interleave(2, -1).repeat_interleave(2, -2)
                    x = self.conv(f"output_blocks.{block}.1.conv", x)
                block += 1
        return self.conv("out.2", self.norm_silu("out.0", x))


@torch.no_grad()
@pytest.mark.parametrize(("w", "multipliers"), [(16, (1, 2, 2, 2)), (12, (1, 2, 3, 4))])
def test_checkpoints_equal_a_recomputation(w: int, multipliers, tmp_path: Path) -> None:
    autoencoder = autoencoder_weights(24, 4, 3)
    denoiser = denoiser_weights(w, multipliers, 4)
    torch.save(autoencoder, tmp_path / "vae_last.pt")
    torch.save(denoiser, tmp_path / "unet_last.pt")
    model = load_model(tmp_path, image_shape=(3, 32, 32), device="cpu")
    images = seeded_images(3, size=32)
    latents = model.encode(images)
    assert model.latent_shape == (4, 8, 8)
    torch.testing.assert_close(latents, Recomputed(autoencoder).encode(images), **CLOSE)
    decoded = Recomputed(autoencoder).decode(latents)
    torch.testing.assert_close(model.decode(latents), decoded, **CLOSE)
    noise = Recomputed(denoiser).noise(latents, [0, 290, 999], len(multipliers))
    timesteps = torch.tensor([0, 290, 999])
    torch.testing.assert_close(model.predict_noise(latents, timesteps), noise, **CLOSE)
    expected = torch.cumprod(1 - torch.linspace(1e-4, 2e-2, 1000, dtype=torch.float64), 0)
    torch.testing.assert_close(model.alphas_cumprod, expected, rtol=1e-5, atol=0)
    assert (model.card.kind, model.card.scaling_factor, model.card.prediction_type) == (
        "paper",
        1.0,
        "epsilon",
    )


def test_grey_images_and_other_widths(tmp_path: Path) -> None:
    torch.save(autoencoder_weights(10, 2, 1), tmp_path / "vae_last.pt")
    model = load_model(tmp_path / "vae_last.pt", image_shape=(1, 28, 28), device="cpu")
    assert model.latent_shape == (2, 7, 7)
    assert model.num_train_timesteps == 0


def test_the_papers_own_sizes() -> None:
    with torch.device("meta"):
        names = set(PaperAutoencoder(3, 4, 128).state_dict())
        wide = PaperDenoiser(4, 224, (1, 2, 3, 4)).state_dict()
    assert names == set(autoencoder_weights(2, 4, 3))
    expected = denoiser_weights(4, (1, 2, 3, 4), 4)
    assert set(wide) == set(expected)
    assert tuple(wide["input_blocks.11.0.out_layers.3.weight"].shape) == (896, 896, 3, 3)


def test_both_files_by_name(tmp_path: Path) -> None:
    torch.save(autoencoder_weights(8, 4, 3), tmp_path / "first.pt")
    torch.save(denoiser_weights(8, (1, 2), 4), tmp_path / "second.pt")
    model = load_model(
        tmp_path / "first.pt",
        denoiser=str(tmp_path / "second.pt"),
        image_shape=(3, 16, 16),
        device="cpu",
    )
    assert model.predict_noise(seeded_latents(1, (4, 4, 4)), 3).shape == (1, 4, 4, 4)


def test_other_checkpoints_are_refused(tmp_path: Path) -> None:
    weights = autoencoder_weights(8, 4, 3)
    torch.save({"state_dict": weights}, tmp_path / "vae_last.pt")
    with pytest.raises(ModelError, match="not a plain state dict"):
        load_model(tmp_path, image_shape=(3, 16, 16))
    del weights["dec.2.block.2.bias"]
    torch.save(weights, tmp_path / "vae_last.pt")
    with pytest.raises(ModelError, match=r"not a checkpoint of the paper's autoencoder.*dec\.2"):
        load_model(tmp_path, image_shape=(3, 16, 16))
    torch.save(denoiser_weights(8, (1, 2), 4), tmp_path / "vae_last.pt")
    with pytest.raises(ModelError, match=r"no tensor 'enc\.0\.weight'"):
        load_model(tmp_path, image_shape=(3, 16, 16))
    (tmp_path / "vae_last.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(ModelError, match=r"vae_last\.pt"):
        load_model(tmp_path, image_shape=(3, 16, 16))


def test_a_size_must_be_given(tmp_path: Path) -> None:
    torch.save(autoencoder_weights(8, 4, 3), tmp_path / "vae_last.pt")
    with pytest.raises(ModelError, match="does not say what size"):
        load_model(tmp_path)
