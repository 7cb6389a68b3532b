"""An autoencoder, a denoiser and a noise schedule as one latent diffusion model."""

from __future__ import annotations

from typing import Any

import torch

from ldviz.errors import ModelError
from ldviz.models.autoencoders import Autoencoder, frozen
from ldviz.models.card import ModelCard
from ldviz.models.conditioning import Conditioning, class_conditioning
from ldviz.models.prediction import check_prediction_type, to_noise


class LatentDiffusionModel:
    """Parts of diffusers' (or the paper's) classes behind the LatentModel protocol.

    Weights are frozen and in evaluation mode.  Latents are s * (mean - shift), or by channel
    s * (mean - latents_mean) / latents_std, with what the autoencoder's config says.  What is
    computed in half precision is returned in single.

    Args:
        autoencoder: see :mod:`ldviz.models.autoencoders`.
        denoiser: ``UNet2DModel``, ``UNet2DConditionModel``, ``DiTTransformer2DModel`` or
            ``PaperDenoiser``; None where only geometry is wanted.
        scheduler: diffusers scheduler with ``alphas_cumprod``, or None likewise.
        image_shape: (c, H, W); None takes the autoencoder's ``sample_size``.
        conditioning: of the denoiser; None takes what its config says of classes.
        device: where to compute.
        dtype: what to compute in.
        autoencoder_dtype: the same for the autoencoder, where that is another.
        kind, stored_precision, conditioning_used: for the model's card.

    Raises:
        ModelError: if the parts do not fit each other or the images.
    """

    def __init__(
        self,
        autoencoder: Any,
        denoiser: Any,
        scheduler: Any,
        *,
        image_shape: tuple[int, int, int] | None = None,
        conditioning: Conditioning | None = None,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        autoencoder_dtype: torch.dtype | None = None,
        kind: str = "parts",
        stored_precision: str | None = None,
        conditioning_used: str = "own",
    ) -> None:
        self.device = torch.device(device)
        self._codec = Autoencoder(autoencoder, dtype=autoencoder_dtype or dtype, device=self.device)
        self.autoencoder = self._codec.module
        self.denoiser = None if denoiser is None else frozen(denoiser, self.device, dtype)
        self.scheduler = scheduler
        self.image_shape = tuple(image_shape or _own_image_shape(self._codec))
        self.latent_shape = self._codec.latent_shape(self.image_shape)
        self.scaling = self._codec.scaling
        self._conditioning = conditioning
        if scheduler is None or denoiser is None:
            self.alphas_cumprod = torch.ones(0, dtype=torch.float64)
        else:
            self.alphas_cumprod = _alphas_cumprod(scheduler)
            check_prediction_type(scheduler.config.prediction_type)
            if conditioning is None:
                self._conditioning = class_conditioning(denoiser, self.device)
            _check_fit(denoiser, self.latent_shape, self._conditioning)
        self.num_train_timesteps = len(self.alphas_cumprod)
        self.card = self._describe(
            kind, stored_precision, conditioning_used, dtype, autoencoder_dtype
        )

    @property
    def conditioning(self) -> str | None:
        """What the denoiser is conditioned on: "text", "class" or None."""
        return self._conditioning.kind if self._conditioning is not None else None

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        """(n, c, H, W) images in [-1, 1] to (n, C, h, w) scaled latents (the encoder's mean)."""
        return self.scaling.to_latents(self._codec.means(images))

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """(n, C, h, w) scaled latents to (n, c, H, W) images; differentiable, not clipped."""
        return self._codec.images(self.scaling.to_means(latents))

    def prepare_conditioning(self, values: Any) -> Any:
        """Captions or classes of n samples as ``predict_noise`` uses them, computed once.

        Args:
            values: n captions, or n class numbers; None stands for the empty one.

        Raises:
            ModelError: if the denoiser is conditioned on something else, or on nothing.
        """
        if values is None:
            return None
        if self._conditioning is None:
            raise ModelError("This denoiser is not conditioned; leave captions and classes out.")
        return self._conditioning.prepare(values)

    def predict_noise(
        self,
        noisy_latents: torch.Tensor,
        timesteps: torch.Tensor | int,
        conditioning: Any = None,
    ) -> torch.Tensor:
        """Noise prediction for (n, C, h, w) noisy latents at one timestep or (n,) of them.

        Args:
            noisy_latents, timesteps: where.
            conditioning: n captions or classes in the order of the latents, or what
                ``prepare_conditioning`` made of them; None stands for the empty one.

        Raises:
            ModelError: if there is no denoiser, a timestep is out of range, or the
                conditioning does not fit.
        """
        output, timesteps = self._denoise(noisy_latents, timesteps, conditioning)
        alphas = self.alphas_cumprod[timesteps]
        return to_noise(output, noisy_latents, alphas, self.scheduler.config.prediction_type)

    def _denoise(
        self, noisy_latents: torch.Tensor, timesteps: torch.Tensor | int, conditioning: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The denoiser's own output, its first C channels, and the timesteps on the CPU."""
        if self.denoiser is None:
            raise ModelError(
                "This model has no denoiser, so nothing can be attacked; its geometry can be seen."
            )
        timesteps = torch.as_tensor(timesteps, dtype=torch.long).cpu()
        if int(timesteps.min()) < 0 or int(timesteps.max()) >= self.num_train_timesteps:
            raise ModelError(
                f"Timesteps must be in 0 ... {self.num_train_timesteps - 1}, "
                f"got {int(timesteps.min())} ... {int(timesteps.max())}."
            )
        dtype = next(self.denoiser.parameters()).dtype
        expanded = timesteps.to(self.device).expand(len(noisy_latents))
        given = self._arguments(conditioning, len(noisy_latents), dtype)
        output = self.denoiser(noisy_latents.to(dtype), expanded, **given)
        output = output if torch.is_tensor(output) else output[0]
        # Denoisers that also predict a variance put it into channels of its own, after the noise.
        return output[:, : self.latent_shape[0]].to(noisy_latents.dtype), timesteps

    def _arguments(self, conditioning: Any, count: int, dtype: torch.dtype) -> dict[str, Any]:
        options = {} if type(self.denoiser).__name__ == "PaperDenoiser" else {"return_dict": False}
        if self._conditioning is None:
            self.prepare_conditioning(conditioning)
            return options
        if conditioning is None:
            prepared = self._conditioning.empty(count)
        else:
            prepared = self._conditioning.prepare(conditioning)
        if len(prepared) != count:
            raise ModelError(
                f"{count} latents but {len(prepared)} captions or classes; give one per latent."
            )
        return options | self._conditioning.arguments(
            prepared, dtype=dtype, image_size=self.image_shape[1:]
        )

    @torch.no_grad()
    def sample(
        self, count: int, *, seed: int, num_inference_steps: int = 100, conditioning: Any = None
    ) -> torch.Tensor:
        """Draw images by deterministic DDIM.

        Args:
            count: how many images.
            seed: of the starting noise, drawn on the CPU.
            num_inference_steps: denoiser evaluations per image.
            conditioning: as for ``predict_noise``; there is no guidance.

        Returns:
            (count, c, H, W), roughly in [-1, 1].

        Source: Song, Meng and Ermon 2021 (arXiv:2010.02502), by diffusers' DDIMScheduler.
        """
        from diffusers import DDIMScheduler

        clips = bool(self.scheduler.config.get("clip_sample", False))
        scheduler = DDIMScheduler.from_config(self.scheduler.config, clip_sample=clips)
        scheduler.set_timesteps(num_inference_steps)
        generator = torch.Generator().manual_seed(seed)
        latents = torch.randn((count, *self.latent_shape), generator=generator).to(self.device)
        for timestep in scheduler.timesteps:
            output, _ = self._denoise(latents, timestep, conditioning)
            latents = scheduler.step(output, timestep, latents).prev_sample
        return self.decode(latents)

    def _describe(
        self,
        kind: str,
        stored: str | None,
        conditioning_used: str,
        dtype: torch.dtype,
        autoencoder_dtype: torch.dtype | None,
    ) -> ModelCard:
        denoises = self.num_train_timesteps > 0
        other = autoencoder_dtype not in (None, dtype)
        return ModelCard(
            kind=kind,
            autoencoder=self._codec.class_name,
            denoiser=type(self.denoiser).__name__ if denoises else None,
            scheduler=type(self.scheduler).__name__ if denoises else None,
            scaling_factor=self.scaling.factor,
            shift_factor=self.scaling.shift,
            latents_mean=self.scaling.latents_mean,
            latents_std=self.scaling.latents_std,
            prediction_type=self.scheduler.config.prediction_type if denoises else None,
            num_train_timesteps=self.num_train_timesteps,
            zero_terminal_snr=denoises and bool(self.scheduler.config.get(_ZERO_SNR, False)),
            conditioning=self.conditioning,
            conditioning_used=conditioning_used if self.conditioning else None,
            num_text_encoders=getattr(self._conditioning, "num_text_encoders", 0),
            empty_is_zero=getattr(self._conditioning, "empty_is_zero", False),
            autoencoder_parameters=_parameter_count(self.autoencoder),
            denoiser_parameters=_parameter_count(self.denoiser) if denoises else 0,
            stored_precision=stored,
            precision=str(dtype).removeprefix("torch."),
            autoencoder_precision=str(autoencoder_dtype).removeprefix("torch.") if other else None,
        )


_ZERO_SNR = "rescale_betas_zero_snr"


def _parameter_count(module: Any) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _own_image_shape(codec: Autoencoder) -> tuple[int, int, int]:
    """(c, H, W) from the autoencoder's config; raises ModelError if it does not say."""
    size = getattr(codec.module.config, "sample_size", None)
    if not isinstance(size, int):
        raise ModelError(
            "The autoencoder's config does not say what size its images have. "
            "Give `image_shape` (c, H, W)."
        )
    return codec.image_channels, size, size


def _alphas_cumprod(scheduler: Any) -> torch.Tensor:
    """(T,) float64 on the CPU; raises ModelError for schedules of another kind."""
    alphas = getattr(scheduler, "alphas_cumprod", None)
    if not torch.is_tensor(alphas):
        raise ModelError(
            f"The scheduler is a {type(scheduler).__name__}, which has no cumulative product of "
            "alphas: it belongs to a flow, or to a diffusion that is told of its noise's size in "
            "place of a timestep. ldviz attacks diffusion models with timesteps; the geometry "
            "can be seen without the denoiser."
        )
    return alphas.detach().to("cpu", torch.float64)


def _check_fit(
    denoiser: Any, latent_shape: tuple[int, int, int], conditioning: Conditioning | None
) -> None:
    """Raise ModelError where the denoiser cannot take these latents or this conditioning."""
    config, name = denoiser.config, type(denoiser).__name__
    channels, height, width = latent_shape
    if config.in_channels != channels:
        raise ModelError(
            f"The denoiser takes {config.in_channels} channels and the autoencoder's latents have "
            f"{channels}: they do not belong together, or it is an inpainting model, which also "
            "sees a mask. Give a denoiser that was trained on these latents."
        )
    if config.out_channels not in (channels, 2 * channels):
        raise ModelError(
            f"The denoiser returns {config.out_channels} channels for latents of {channels}; "
            f"expected {channels}, or {2 * channels} with a predicted variance."
        )
    if name == "UNet2DConditionModel" and (conditioning is None or conditioning.kind != "text"):
        raise ModelError(
            "The denoiser is conditioned on text, and no text encoder was found: expected "
            "text_encoder/ and tokenizer/ beside it. Give the whole pipeline as the source."
        )
    size = getattr(config, "sample_size", None)
    if name.endswith("Transformer2DModel") and (height, width) != (size, size):
        raise ModelError(
            f"The denoiser takes latents of {size} x {size}, these are {height} x {width}. "
            f"Resize the images accordingly."
        )
    if name not in ("UNet2DModel", "PaperDenoiser"):
        return
    downscale = getattr(config, "downscale", None) or 2 ** (len(config.block_out_channels) - 1)
    if height % downscale or width % downscale:
        raise ModelError(
            f"The denoiser halves latents down to 1/{downscale} of their side, which "
            f"{height} x {width} are not a multiple of. Resize the images accordingly."
        )
