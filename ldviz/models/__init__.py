"""Autoencoder, denoiser and noise schedule: load, encode, decode, predict noise.

The sole owner of the scaling factor: every latent outside this room is scaled.  In
reading order:

====================  =======================================================
``protocol``          what attacks and geometry need of a model
``settings``          which model, from where, and how it is run (no torch)
``recognise``         what a folder or a hub id holds, before it is loaded (no torch)
``load``              one door to all of them
``latent_diffusion``  autoencoder, denoiser and schedule as one model
``autoencoders``      what the autoencoders have in common
``scaling``           latents from the encoder's means, and back (no torch to read)
``conditioning``      captions and classes for the denoiser
``text_pair``         captions through two text encoders
``text_parts``        which text encoders a denoiser needs (no torch)
``prediction``        what a denoiser predicts, as noise
``paper``             the small models of arXiv:2511.20592
``card``              what a study says about its model (no torch)
``digest``            a model's identity (no torch)
====================  =======================================================

Names are loaded on first use: importing ``ldviz.models`` imports no torch.
"""

from __future__ import annotations

from importlib import import_module

_HOMES = {
    "LatentDiffusionModel": "latent_diffusion",
    "LatentModel": "protocol",
    "ModelSettings": "settings",
    "load_model": "load",
    "pick_device": "device",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str):
    """The public name ``name``, from the module that holds it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
