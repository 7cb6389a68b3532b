"""Where to compute."""

from __future__ import annotations

import torch

from ldviz.errors import ModelError


def pick_device(name: str | None = None) -> torch.device:
    """The device to compute on: the named one, else CUDA, else MPS, else the CPU.

    Raises:
        ModelError: if the named device does not exist here.
    """
    if name is None:
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ModelError(f'There is no device "{name}" here. Try "cpu".') from error
    return device
