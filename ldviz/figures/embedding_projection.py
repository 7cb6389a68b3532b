"""Latents in two dimensions: principal components at once, t-SNE when asked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ldviz.errors import InputError

_TSNE_INPUT_DIM = 50


@dataclass(frozen=True)
class Projection:
    """Points in the plane and how they came there.

    Attributes:
        points: (n, 2) float64.
        axis_titles: of both axes.
        method: a sentence's worth of settings, for the caption.
    """

    points: np.ndarray
    axis_titles: tuple[str, str]
    method: str


def principal_components(
    latents: np.ndarray, num_components: int = 2
) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates along the directions of greatest variance.

    The eigenvectors of the smaller Gram matrix give what a singular value decomposition of
    the centred latents would, at a fraction of its cost.  Each component's sign is chosen so
    that its coordinate of greatest size is positive, which makes the map reproducible.

    Args:
        latents: (n, ...), n >= 2; flattened per sample.
        num_components: at most min(n, d).

    Returns:
        (n, num_components) float64 coordinates, and (num_components,) shares of the
        total variance, descending.

    Raises:
        InputError: fewer than two samples, or too many components.

    Cost: min(n, d)² · max(n, d) multiplications; 40 ms at 1,797 x 256.
    """
    flat = np.asarray(latents, dtype=np.float64).reshape(len(latents), -1)
    limit = min(flat.shape)
    if len(flat) < 2 or not 1 <= num_components <= limit:
        raise InputError(
            f"A map needs at least two samples and at most {limit} components, got "
            f"{len(flat)} samples and {num_components} components."
        )
    centred = flat - flat.mean(axis=0)
    wide = centred.shape[1] > centred.shape[0]
    gram = centred @ centred.T if wide else centred.T @ centred
    eigenvalues, eigenvectors = np.linalg.eigh(gram)
    eigenvalues = np.clip(eigenvalues[::-1], 0.0, None)
    leading = eigenvectors[:, ::-1][:, :num_components]
    points = leading * np.sqrt(eigenvalues[:num_components]) if wide else centred @ leading
    largest = points[np.abs(points).argmax(axis=0), np.arange(num_components)]
    points = points * np.where(largest < 0, -1.0, 1.0)
    total = eigenvalues.sum()
    shares = eigenvalues[:num_components] / total if total > 0 else np.zeros(num_components)
    return points, shares


def pca_projection(latents: np.ndarray) -> Projection:
    """The plane of greatest variance."""
    points, shares = principal_components(latents)
    first, second = (
        f"Principal component {index} ({share:.1%} of variance)".replace("%", " %")
        for index, share in enumerate(shares, 1)
    )
    share = f"{shares.sum():.0%}".replace("%", " %")
    return Projection(
        points,
        (first, second),
        f"The plane in which the latents vary most, with {share} of their variance.",
    )


def tsne_projection(latents: np.ndarray, *, perplexity: float = 30.0, seed: int = 0) -> Projection:
    """t-SNE of the leading principal components, started from the first two.

    Args:
        latents: (n, ...), n > 3 · perplexity.
        perplexity: about how many neighbours each point has.
        seed: of what remains random.

    Raises:
        InputError: ``perplexity`` is too large for n samples.

    Cost: tens of seconds for 2,000 samples on one core.

    Source: van der Maaten and Hinton, JMLR 9 (2008), by scikit-learn's Barnes-Hut code;
    start as in Kobak and Berens, Nature Communications 10 (2019).
    """
    count = len(latents)
    if not 1 < perplexity < count / 3:
        raise InputError(
            f"`perplexity` must lie between 1 and a third of the {count} samples, got {perplexity}."
        )
    from sklearn.manifold import TSNE

    dims = min(_TSNE_INPUT_DIM, count, int(np.prod(np.shape(latents)[1:])))
    inputs, _ = principal_components(latents, dims)
    start = inputs[:, :2] / inputs[:, 0].std() * 1e-4
    points = TSNE(
        perplexity=perplexity, init=start.astype(np.float32), random_state=seed
    ).fit_transform(inputs.astype(np.float32))
    return Projection(
        points.astype(np.float64),
        ("t-SNE 1 (no unit)", "t-SNE 2 (no unit)"),
        f"t-SNE of the leading {dims} principal components, perplexity {perplexity:g}, "
        f"seed {seed}. Neighbourhoods mean something in it; distances and sizes do not.",
    )
