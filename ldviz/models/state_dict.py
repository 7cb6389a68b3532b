"""Plain state dicts from files, without running anything that is in them."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path

import torch

from ldviz.errors import ModelError


def load_state_dict(path: Path) -> dict[str, torch.Tensor]:
    """Name to tensor from a ``.pt``, ``.pth``, ``.bin`` or ``.safetensors`` file, on the CPU.

    Raises:
        ModelError: if the file cannot be read, holds anything but tensors, or holds code;
            code is never run.
    """
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            content = load_file(path)
        else:
            with warnings.catch_warnings():
                # torch warns of what it then refuses; the refusal is told below.
                warnings.simplefilter("ignore")
                content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # torch and safetensors raise many kinds of errors for damaged files.
        if asks_for_code(error):
            raise ModelError(
                f'"{path.name}" holds more than tensors: a pickle that asks for code to be run, '
                "or no pickle at all. Nothing in it was executed. Save the plain state_dict, "
                "best as safetensors."
            ) from error
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(f'The weights "{path}" cannot be read: {reason}') from error
    if (
        not isinstance(content, dict)
        or not content
        or not all(
            isinstance(name, str) and torch.is_tensor(tensor) for name, tensor in content.items()
        )
    ):
        raise ModelError(
            f'"{path.name}" is not a plain state dict (names to tensors). '
            "Save model.state_dict() alone."
        )
    return content


def asks_for_code(error: BaseException | None) -> bool:
    """Whether an error, or one that led to it, is a refusal to unpickle."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, pickle.UnpicklingError):
            return True
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return False
