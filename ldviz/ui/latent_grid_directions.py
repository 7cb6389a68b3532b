"""What takes the decoder's whole Jacobian at an image: computed live and kept for a while."""

from __future__ import annotations

import numpy as np
import streamlit as st

from ldviz.errors import InputError
from ldviz.geometry.distortion import numerical_rank
from ldviz.geometry.results import SingularDirections
from ldviz.study.store import Study
from ldviz.ui.decoder import live_model

_KEPT_IMAGES = 8
_MOST_DIMENSIONS = 1024


def spectrum_parts(study: Study, row: int) -> dict[str, tuple[int, int]]:
    """Two neighbouring places, from 1, at the top, middle and bottom of an image's spectrum.

    The bottom is the last that stands above rounding noise: beyond it, directions mean nothing.
    """
    count = max(4, int(numerical_rank(study.array("singular_values")[row])))
    return {
        "Top": (1, 2),
        "Middle": (count // 2, count // 2 + 1),
        "Bottom": (count, count - 1),
    }


def image_directions(study: Study, row: int) -> tuple[np.ndarray, dict[int, np.ndarray]]:
    """The spectrum at an image's latent, and the directions of ``spectrum_parts``.

    Returns:
        (k,) singular values, descending, and place (from 1) -> (d,) unit direction.

    Raises:
        InputError: if the decoder is too large for a whole Jacobian.
    """
    model = live_model(study)
    places = sorted({place for pair in spectrum_parts(study, row).values() for place in pair})
    with st.spinner("Computing the decoder's singular directions at this image"):
        found = _directions(study.digest, row, places, _study=study, _model=model)
    vectors = found.right_vectors[0].reshape(len(places), -1)
    return found.singular_values[0], dict(zip(places, vectors, strict=True))


def image_maps(study: Study, row: int) -> np.ndarray:
    """(d, H, W) where in the picture each latent dimension acts, per latent unit.

    Raises:
        InputError: if there are too many dimensions to do while one waits.
    """
    if study.latent_dim > _MOST_DIMENSIONS:
        raise InputError(
            f"This decoder has {study.latent_dim:,} latent dimensions; maps are computed for up "
            f"to {_MOST_DIMENSIONS:,}. Use ldviz.geometry.pixel_maps for the ones you need."
        )
    model = live_model(study)
    with st.spinner("Computing where each latent cell acts"):
        return _maps(study.digest, row, _study=study, _model=model)


@st.cache_data(max_entries=_KEPT_IMAGES, show_spinner=False)
def _directions(digest: str, row: int, places: list[int], *, _study, _model) -> SingularDirections:
    from ldviz.geometry.directions import singular_directions

    ranks = [place - 1 for place in places]
    return _model.at(
        _study.array("latents")[row],
        lambda decoder, latent: singular_directions(decoder, latent, ranks=ranks),
    )


@st.cache_data(max_entries=_KEPT_IMAGES, show_spinner=False)
def _maps(digest: str, row: int, *, _study, _model) -> np.ndarray:
    from ldviz.geometry.directions import pixel_maps

    return _model.at(
        _study.array("latents")[row],
        lambda decoder, latent: pixel_maps(decoder, latent, range(_study.latent_dim)),
    )[0]
