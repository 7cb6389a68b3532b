"""The live model of a study, shared by all sessions: loaded once, one computation at a time."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import streamlit as st

from ldviz.study.store import Study

if TYPE_CHECKING:
    from torch import Tensor

    from ldviz.models import LatentModel

T = TypeVar("T")

MAX_LIVE_MODELS = 2


class LiveModel:
    """A loaded model that sessions may only use in turn.

    torch runs one computation on all cores; two at once would only slow each other down, and
    a decoder that is recorded or differentiated must not be entered twice.
    """

    def __init__(self, model: LatentModel) -> None:
        self._model = model
        self._lock = Lock()

    def at(self, latents: np.ndarray, compute: Callable[[Callable, Tensor], T]) -> T:
        """``compute(decoder, latents)`` with (n, d) latents as a tensor, while nobody else does.

        For what needs the decoder's derivative; ``ldviz.geometry`` takes exactly these two.
        """
        import torch

        with self._lock:
            array = np.array(latents, dtype=np.float32)
            tensor = torch.from_numpy(array).reshape(-1, *self._model.latent_shape)
            return compute(self._model.decode, tensor.to(self._model.device))

    def use(self, compute: Callable[[LatentModel], T]) -> T:
        """``compute(model)`` while nobody else computes; for what needs more than the decoder."""
        with self._lock:
            return compute(self._model)

    def decode(self, latents: np.ndarray) -> np.ndarray:
        """(n, d) scaled latents to (n, m) float32 images, roughly in [-1, 1].

        Raises:
            ModelError: if the decoder's output is not finite.
        """
        with self._lock:
            return self._decode(latents)

    @cached_property
    def _decode(self) -> Callable[[np.ndarray], np.ndarray]:
        from ldviz.geometry.lattice import decoder_of_arrays

        return decoder_of_arrays(
            self._model.decode, self._model.latent_shape, device=self._model.device
        )


def live_model(study: Study) -> LiveModel:
    """The study's model, ready to decode; shows what it waits for while it loads.

    Raises:
        StudyError: if the weights are not those that the study was analysed with.
        ModelError: if they cannot be read.
    """
    return _live_model(study, str(study.path), study.manifest.model.sha256)


@st.cache_resource(
    max_entries=MAX_LIVE_MODELS,
    show_spinner="Loading the decoder. The first time, PyTorch takes some seconds to start.",
)
def _live_model(_study: Study, folder: str, digest: str) -> LiveModel:
    from ldviz.study.model import load_study_model

    return LiveModel(load_study_model(_study))
