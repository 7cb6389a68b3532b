"""The geometry of a decoder: how it stretches latent space, in numbers.

A decoder is any callable taking latents ``(n, *latent)`` to images
``(n, *image)``; J is its Jacobian, G = JᵀJ the pullback metric.  In reading
order:

===============  ============================================================
``distortion``   local distortion, numerical rank, influence (no torch)
``indicatrix``   Tissot's indicatrices of G restricted to a plane (no torch)
``results``      what the computations return (no torch)
``control``      progress, time left and cancellation (no torch)
``steps``        derivatives of single operations, many tangents at once
``tape``         one recorded decoder pass, replayed as its derivative
``products``     J v and Jᵀ u for many v and u at once, and which route ran
``exact``        the whole spectrum and the exact diagonal of G
``spectrum``     leading singular values by random projection
``probing``      probes fitted to a decoder: fewer for the same accuracy
``hutchinson``   the diagonal of G by random probes, with standard error
``directions``   singular directions, planes, and where in the image they act
===============  ============================================================

Names are loaded on first use: importing ``ldviz.geometry`` imports no torch.
"""

from __future__ import annotations

from importlib import import_module

_HOMES = {
    "influence_from_diagonal": "distortion",
    "local_distortion": "distortion",
    "numerical_rank": "distortion",
    "Indicatrices": "indicatrix",
    "data_ellipses": "indicatrix",
    "indicatrices": "indicatrix",
    "latent_ellipses": "indicatrix",
    "DiagonalEstimate": "results",
    "ExactGeometry": "results",
    "LeftBasis": "results",
    "ProbeDesign": "results",
    "SingularDirections": "results",
    "Spectrum": "results",
    "TimeLeft": "control",
    "exact_geometry": "exact",
    "randomized_spectrum": "spectrum",
    "hutchinson_diagonal": "hutchinson",
    "probe_design": "probing",
    "pixel_maps": "directions",
    "plane_products": "directions",
    "singular_directions": "directions",
    "linearize": "products",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str):
    """The public name ``name``, from the module that holds it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
