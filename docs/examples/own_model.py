"""A model by the protocol: principal components as autoencoder, a Gaussian as denoiser.

The noise that is best for Gaussian latents of unit spread is known in closed form, so this
"model" has learned nothing of single images, and an attack on it should find nothing.

    python -m docs.examples.own_model studies/components
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from ldviz.data.images import to_model_range
from ldviz.study.build.analyze import analyze_own
from ldviz.study.build.images import load_split
from ldviz.study.recipe import AnalysisSettings, DataSettings, Recipe


class Components:
    """Images to their first components, each divided by its spread.

    Args:
        images: (n, c, H, W) in [-1, 1] that the components are taken of.
        latent_shape: (C, h, w); C·h·w components are kept.
    """

    num_train_timesteps = 1000
    device = torch.device("cpu")

    def __init__(self, images: torch.Tensor, latent_shape: tuple[int, int, int]) -> None:
        self.image_shape = tuple(images.shape[1:])
        self.latent_shape = latent_shape
        self.alphas_cumprod = torch.cumprod(
            1 - torch.linspace(1e-4, 2e-2, self.num_train_timesteps, dtype=torch.float64), 0
        )
        flat = images.flatten(1)
        self.mean = flat.mean(0)
        count = torch.Size(latent_shape).numel()
        _, values, vectors = torch.linalg.svd(flat - self.mean, full_matrices=False)
        self.spread = values[:count] / len(flat) ** 0.5
        self.axes = vectors[:count]

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        """(n, c, H, W) to (n, C, h, w)."""
        along = (images.flatten(1) - self.mean) @ self.axes.T
        return (along / self.spread).reshape(-1, *self.latent_shape)

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """(n, C, h, w) to (n, c, H, W)."""
        flat = (latents.flatten(1) * self.spread) @ self.axes + self.mean
        return flat.reshape(-1, *self.image_shape)

    def predict_noise(self, noisy_latents, timesteps, conditioning=None) -> torch.Tensor:
        """The posterior mean of the noise for z ~ N(0, I): sqrt(1 - alpha) z_t."""
        alphas = self.alphas_cumprod[torch.as_tensor(timesteps)].reshape(-1, 1, 1, 1)
        return (1 - alphas).sqrt().to(noisy_latents.dtype) * noisy_latents


def main(folder: Path) -> None:
    """Analyse the digits with it, and say what the attack found."""
    recipe = Recipe(
        name=folder.name,
        title="Principal components",
        description="Digits by their principal components, and the noise of a Gaussian.",
        data=DataSettings(source="digits", image_size=16, num_images=400),
        analysis=AnalysisSettings(timesteps=(50, 200), num_probes=4),
    )
    split = load_split(recipe.data, folder)
    images = torch.from_numpy(to_model_range(split.images.pixels))
    model = Components(images[torch.from_numpy(split.is_member)], latent_shape=(1, 4, 4))
    study = analyze_own(recipe, folder, model=model, split=split)
    print(f"{study.num_samples} images, d = {study.latent_dim}: {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
