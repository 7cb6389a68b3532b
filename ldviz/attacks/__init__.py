"""Membership inference attacks: one paper, one file; a registry; masks.

In reading order: ``registry`` (what an attack is), ``forward_process`` (noise
that attacks add), ``sima``, ``loss``, ``pia``, ``pian``, ``secmi``, ``pfami`` (one
attack each, registered in this order), ``masks`` (which latent dimensions
count), ``statistic`` (attack vectors and masks to one number per sample).
Nothing here imports torch until attack vectors are computed.
"""

from ldviz.attacks import sima, loss, pia, pian, secmi, pfami  # isort: skip
from ldviz.attacks.registry import (
    Attack,
    NoParameters,
    attack_names,
    get_attack,
    load_plugins,
    register_attack,
)

__all__ = [
    "Attack",
    "NoParameters",
    "attack_names",
    "get_attack",
    "load_plugins",
    "loss",
    "pfami",
    "pia",
    "pian",
    "register_attack",
    "secmi",
    "sima",
]
