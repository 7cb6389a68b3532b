"""One picture through a study's model: what the study holds of each image, for any image.

Torch is imported when a picture is measured, not before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ldviz.attacks import get_attack
from ldviz.data.decode import PictureError, decode_picture
from ldviz.data.images import to_model_range, to_pixels
from ldviz.data.settings import DataSettings
from ldviz.errors import DataError
from ldviz.geometry.distortion import influence_from_diagonal, local_distortion
from ldviz.progress import Progress, no_progress
from ldviz.study.store import Study

if TYPE_CHECKING:
    import torch

    from ldviz.models import LatentModel

FOREIGN_ID = -1
"""Sample id of a picture that is none of the study's: the key of its random draws."""

_FRAMING = ("centre_crop", "fit", "resample")
_GEOMETRY_SHARE = 0.9


@dataclass(frozen=True)
class MeasuredPicture:
    """What a study's model makes of one picture.

    Attributes:
        pixels: (H, W, c) uint8, as the model sees it.
        decoded: (H, W, c) uint8, its latent decoded.
        latent: (C, h, w) float32, in the study's stored precision.
        error: root mean square difference of the two, as a share of the pixels' range.
        singular_values: (k,) descending; None where the study has no geometry.
        influence: (C, h, w) nats; None likewise.
        distortion: local distortion in nats, at the study's rank; None likewise.
        score: membership score by the study's default attack and timestep, unmasked; None
            where the study has no attack.
    """

    pixels: np.ndarray
    decoded: np.ndarray
    latent: np.ndarray
    error: float
    singular_values: np.ndarray | None
    influence: np.ndarray | None
    distortion: float | None
    score: float | None


def prepare_picture(study: Study, name: str, content: bytes) -> tuple[np.ndarray, tuple[str, ...]]:
    """A file's bytes as the study's images were prepared: (H, W, c) uint8, and what was done.

    Raises:
        DataError: if it is no picture, is damaged, is too large, or holds values without an
            agreed range.
    """
    channels, height, width = study.image_shape
    known = study.manifest.data.settings
    framing = {key: known[key] for key in _FRAMING if known.get(key) is not None}
    settings = DataSettings(image_size=height, colour="grey" if channels == 1 else "rgb", **framing)
    try:
        picture = decode_picture(content, settings)
    except PictureError as error:
        raise DataError(f'"{name}" cannot be inspected: {error}') from error
    if picture.pixels.shape != (height, width, channels):
        raise DataError(
            f'Study "{study.name}" has images of {height} x {width} pixels; pictures are brought '
            "to squares alone. Inspect one of the study's own."
        )
    return picture.pixels, picture.notes


def measure_picture(
    study: Study,
    model: LatentModel,
    pixels: np.ndarray,
    *,
    sample_id: int = FOREIGN_ID,
    told: str | int | None = None,
    progress: Progress = no_progress,
) -> MeasuredPicture:
    """Encode, decode, differentiate and attack one picture, as ``analyze`` does its images.

    Args:
        study: whose settings are followed.
        model: the study's, loaded.
        pixels: (H, W, c) uint8.
        sample_id: of an image of the study, whose stored numbers are then met to rounding.
        told: caption or class for the denoiser; None for the empty one.
        progress: told of every pass; may cancel by raising.

    Raises:
        ModelError: if the model's output is not finite, or ``told`` does not fit.

    Cost: that of one image in ``analyze``.
    """
    import torch

    progress(0, 100, "encoding and decoding")
    with torch.no_grad():
        images = torch.from_numpy(to_model_range(pixels[None])).to(model.device)
        stored = getattr(torch, study.manifest.arrays["latents"].dtype)
        latent = model.encode(images).to(stored).float()
        decoded = to_pixels(model.decode(latent).float().cpu().numpy())[0]
    difference = (pixels.astype(np.float64) - decoded) / 255.0
    ids = np.array([sample_id], dtype=np.int64)

    def report(share: float) -> None:
        progress(round(100 * _GEOMETRY_SHARE * share), 100, "differentiating the decoder")

    singular_values = influence = distortion = score = None
    if study.manifest.geometry is not None:
        singular_values, influence = _geometry(study, model, latent, ids, report)
        distortion = float(local_distortion(singular_values, study.manifest.geometry.rank))
    if study.default_attack is not None and model.num_train_timesteps:
        progress(round(100 * _GEOMETRY_SHARE), 100, "asking the denoiser")
        score = _score(study, model, latent, ids, told)
    progress(100, 100, "done")
    return MeasuredPicture(
        pixels=pixels,
        decoded=decoded,
        latent=latent[0].cpu().numpy(),
        error=float(np.sqrt((difference**2).mean())),
        singular_values=singular_values,
        influence=influence,
        distortion=distortion,
        score=score,
    )


def _geometry(
    study: Study,
    model: LatentModel,
    latent: torch.Tensor,
    ids: np.ndarray,
    report: Callable[[float], None],
) -> tuple[np.ndarray, np.ndarray]:
    """Singular values and influence by the method of the study."""
    from ldviz.geometry import exact_geometry
    from ldviz.study.build.tasks import leading_geometry

    entry = study.manifest.geometry
    if entry.method == "exact":
        geometry = exact_geometry(
            model.decode, latent, progress=lambda done, total: report(done / total)
        )
        return geometry.singular_values[0], influence_from_diagonal(geometry.diagonal[0])
    return leading_geometry(model, latent, ids, entry, report)


def _score(
    study: Study, model: LatentModel, latent: torch.Tensor, ids: np.ndarray, told: str | int | None
) -> float:
    """The unmasked score by the study's default attack and timestep."""
    import torch

    from ldviz.attacks.statistic import masked_statistic
    from ldviz.study.build.vectors import compute_vectors
    from ldviz.study.scores import score_values

    with torch.no_grad():
        vectors = compute_vectors(
            model,
            latent,
            ids,
            get_attack(study.default_attack),
            study.default_timestep,
            conditioning=None if told is None else np.array([told]),
        )
    values = score_values(vectors.reshape(1, -1), study.default_attack)
    return float(-masked_statistic(values)[0])
