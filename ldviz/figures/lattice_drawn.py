"""A lattice in principal components, as the figures draw it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class DrawnLattice:
    """One lattice in principal components, ready to draw.

    Attributes:
        name: in the legend and on hover.
        colour: of its lines.
        rows, columns: (r, q, k) grid lines, k = 2 or 3.
        substeps: points per edge; every substeps-th point is a node.
        row_edges, column_edges: (r, r - 1) true pixel distances of the edges.
        offsets: (r,) coordinates of the grid lines, in latent units.
    """

    name: str
    colour: str
    rows: np.ndarray
    columns: np.ndarray
    substeps: int
    row_edges: np.ndarray
    column_edges: np.ndarray
    offsets: np.ndarray

    @property
    def lines(self) -> list[np.ndarray]:
        """Every grid line, (q, k)."""
        return [*self.rows, *self.columns]

    @property
    def center(self) -> np.ndarray:
        """(k,) where the image itself lies."""
        middle = self.rows.shape[0] // 2
        return self.rows[middle, middle * self.substeps]

    @property
    def edge_paths(self) -> np.ndarray:
        """(number of edges, substeps + 1, k): rows' edges, then columns'."""
        step = self.substeps
        num_edges = self.rows.shape[0] - 1
        paths = [
            lines[:, index * step : (index + 1) * step + 1]
            for lines in (self.rows, self.columns)
            for index in range(num_edges)
        ]
        halves = (np.stack(paths[:num_edges], axis=1), np.stack(paths[num_edges:], axis=1))
        return np.concatenate([half.reshape(-1, step + 1, self.rows.shape[-1]) for half in halves])

    @property
    def edge_distances(self) -> np.ndarray:
        """(number of edges,) true pixel distances, in the order of ``edge_paths``."""
        return np.concatenate([self.row_edges.ravel(), self.column_edges.ravel()])


def common_limits(lattices: Sequence[DrawnLattice], margin: float = 0.06) -> list[tuple]:
    """(low, high) per component that holds every lattice, with a margin."""
    points = np.concatenate([line for lattice in lattices for line in lattice.lines])
    low, high = points.min(axis=0), points.max(axis=0)
    room = margin * max(float((high - low).max()), 1e-9)
    return [(float(start - room), float(end + room)) for start, end in zip(low, high, strict=True)]


def edge_middles(lattice: DrawnLattice) -> np.ndarray:
    """(number of edges, k) a point of each edge near its middle."""
    paths = lattice.edge_paths
    if lattice.substeps % 2:
        lower = lattice.substeps // 2
        return (paths[:, lower] + paths[:, lower + 1]) / 2
    return paths[:, lattice.substeps // 2]


def broken_path(lines: Sequence[np.ndarray]) -> np.ndarray:
    """Several (q, k) lines as one (N, k) path, a row of nan between them."""
    gap = np.full((1, lines[0].shape[-1]), np.nan)
    return np.concatenate([part for line in lines for part in (line, gap)])[:-1]
