"""Models of diffusers' own classes with random weights, small enough to save in a moment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AsymmetricAutoencoderKL,
    AutoencoderKL,
    AutoencoderTiny,
    DDIMScheduler,
    DiTPipeline,
    DiTTransformer2DModel,
    EulerDiscreteScheduler,
    LDMPipeline,
    PNDMScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
    UNet2DModel,
    VQModel,
)
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
)

WIDTHS = (8, 16, 16)
CLOSE = {"rtol": 0.0, "atol": 1e-5}
TIMESTEPS = torch.tensor([0, 10, 250, 500, 900, 999])
CAPTIONS = ("a small dog", "two cats", "", "a house by the sea", "dog", "the end")
NUM_CLASSES = 6


def seeded_images(count: int, channels: int = 3, size: int = 16) -> torch.Tensor:
    """(count, channels, size, size) uniform in [-1, 1]."""
    generator = torch.Generator().manual_seed(1)
    return torch.rand(count, channels, size, size, generator=generator) * 2 - 1


def seeded_latents(count: int, shape: tuple[int, ...]) -> torch.Tensor:
    """(count, *shape) standard normal."""
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(2))


def autoencoder_kl(**changes: Any) -> AutoencoderKL:
    """Downscales 4-fold; 4 latent channels."""
    torch.manual_seed(0)
    settings = {
        "block_out_channels": WIDTHS,
        "down_block_types": ("DownEncoderBlock2D",) * 3,
        "up_block_types": ("UpDecoderBlock2D",) * 3,
        "norm_num_groups": 4,
        "latent_channels": 4,
        "sample_size": 16,
    }
    return AutoencoderKL(**settings | changes).eval()


def autoencoder_tiny() -> AutoencoderTiny:
    """Downscales 4-fold; 4 latent channels."""
    torch.manual_seed(0)
    return AutoencoderTiny(
        encoder_block_out_channels=(8, 8, 8),
        decoder_block_out_channels=(8, 8, 8),
        num_encoder_blocks=(1, 1, 1),
        num_decoder_blocks=(1, 1, 1),
        scaling_factor=0.7,
        shift_factor=0.1,
    ).eval()


def vq_model() -> VQModel:
    """Downscales 4-fold; 3 latent channels, 16 codes."""
    torch.manual_seed(0)
    return VQModel(
        block_out_channels=WIDTHS,
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        norm_num_groups=4,
        latent_channels=3,
        num_vq_embeddings=16,
        sample_size=16,
        scaling_factor=0.5,
    ).eval()


def asymmetric_autoencoder() -> AsymmetricAutoencoderKL:
    """A decoder wider than the encoder; downscales 4-fold."""
    torch.manual_seed(0)
    return AsymmetricAutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 3,
        down_block_out_channels=WIDTHS,
        up_block_types=("UpDecoderBlock2D",) * 3,
        up_block_out_channels=(16, 16, 32),
        norm_num_groups=4,
        sample_size=16,
    ).eval()


def unconditional_unet(channels: int = 4, **changes: Any) -> UNet2DModel:
    """Two levels without attention."""
    torch.manual_seed(1)
    settings = {
        "sample_size": 4,
        "in_channels": channels,
        "out_channels": channels,
        "block_out_channels": (8, 16),
        "layers_per_block": 1,
        "norm_num_groups": 4,
        "down_block_types": ("DownBlock2D",) * 2,
        "up_block_types": ("UpBlock2D",) * 2,
    }
    return UNet2DModel(**settings | changes).eval()


def text_unet(**changes: Any) -> UNet2DConditionModel:
    """Two levels, one of them with attention to 16-wide text embeddings."""
    torch.manual_seed(1)
    settings = {
        "sample_size": 4,
        "block_out_channels": (8, 16),
        "layers_per_block": 1,
        "norm_num_groups": 4,
        "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
        "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
        "cross_attention_dim": 16,
        "attention_head_dim": 2,
    }
    return UNet2DConditionModel(**settings | changes).eval()


def text_and_size_unet(**changes: Any) -> UNet2DConditionModel:
    """The same for 16 + 24 wide embeddings, told of 12 pooled numbers and six sizes as well."""
    settings = {
        "cross_attention_dim": 40,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 8,
        "projection_class_embeddings_input_dim": 12 + 6 * 8,
        "use_linear_projection": True,
    }
    return text_unet(**settings | changes)


def scheduler(**changes: Any) -> DDIMScheduler:
    """Linear, 1,000 steps."""
    return DDIMScheduler(**{"clip_sample": False} | changes)


def letter_tokenizer(**changes: Any) -> CLIPTokenizer:
    """Of single letters; captions of at most 16 tokens."""
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    words = [*letters, *(f"{letter}</w>" for letter in letters)]
    vocabulary = {
        word: row for row, word in enumerate([*words, "<|startoftext|>", "<|endoftext|>"])
    }
    return CLIPTokenizer(**{"vocab": vocabulary, "merges": [], "model_max_length": 16} | changes)


def clip_config(tokenizer: CLIPTokenizer, **changes: Any) -> CLIPTextConfig:
    """Two layers of width 16."""
    settings = {
        "vocab_size": len(tokenizer),
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "max_position_embeddings": 16,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    return CLIPTextConfig(**settings | changes)


def save_stable_diffusion(folder: Path) -> Path:
    """A StableDiffusionPipeline with a CLIP text encoder and a tokenizer of single letters."""
    tokenizer = letter_tokenizer()
    torch.manual_seed(2)
    text_encoder = CLIPTextModel(clip_config(tokenizer)).eval()
    StableDiffusionPipeline(
        vae=autoencoder_kl(),
        text_encoder=text_encoder,
        tokenizer=tokenizer,
        unet=text_unet(),
        scheduler=PNDMScheduler(steps_offset=1, skip_prk_steps=True, beta_schedule="scaled_linear"),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder)
    return folder


def save_stable_diffusion_xl(folder: Path, **changes: Any) -> Path:
    """A StableDiffusionXLPipeline whose second tokenizer pads otherwise, as the real one does.

    Args:
        folder: made if missing.
        changes: parts or settings of the pipeline in place of these.
    """
    first, second = letter_tokenizer(), letter_tokenizer(pad_token="a</w>")
    torch.manual_seed(2)
    parts = {
        "vae": autoencoder_kl(scaling_factor=0.13025),
        "text_encoder": CLIPTextModel(clip_config(first)).eval(),
        "tokenizer": first,
        "text_encoder_2": CLIPTextModelWithProjection(
            clip_config(second, hidden_size=24, num_hidden_layers=3, projection_dim=12)
        ).eval(),
        "tokenizer_2": second,
        "unet": text_and_size_unet(),
        "scheduler": EulerDiscreteScheduler(beta_schedule="scaled_linear", steps_offset=1),
        "add_watermarker": False,
    }
    StableDiffusionXLPipeline(**parts | changes).save_pretrained(folder)
    return folder


def save_ldm(folder: Path) -> Path:
    """An LDMPipeline with a VQModel."""
    LDMPipeline(
        vqvae=vq_model(), unet=unconditional_unet(3), scheduler=scheduler()
    ).save_pretrained(folder)
    return folder


def save_dit(folder: Path, num_classes: int = NUM_CLASSES) -> Path:
    """A class-conditional DiTPipeline whose transformer predicts a variance too."""
    torch.manual_seed(1)
    transformer = DiTTransformer2DModel(
        num_attention_heads=2,
        attention_head_dim=8,
        in_channels=4,
        out_channels=8,
        num_layers=2,
        sample_size=4,
        patch_size=2,
        num_embeds_ada_norm=num_classes,
    ).eval()
    with torch.no_grad():
        # Its last layer starts at zero, which would make every prediction equal.
        for weights in transformer.parameters():
            weights.copy_(torch.randn_like(weights) * 0.2)
    DiTPipeline(
        transformer=transformer, vae=autoencoder_kl(), scheduler=scheduler()
    ).save_pretrained(folder)
    return folder


def save_parts(folder: Path, **parts: Any) -> Path:
    """Parts under their names, without a pipeline's index."""
    for name, part in parts.items():
        part.save_pretrained(folder / name)
    return folder


def edit_json(path: Path, **changes: Any) -> None:
    """Set fields of a JSON file."""
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | changes))
