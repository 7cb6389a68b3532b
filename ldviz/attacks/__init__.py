"""Membership inference attacks: one paper, one file; a registry; masks.

In reading order: ``registry`` (what an attack is), ``sima`` and its fellows
(one attack each), ``masks`` (which latent dimensions count), ``statistic``
(attack vectors and masks to one number per sample).  Nothing here imports
torch until attack vectors are computed.
"""

from ldviz.attacks import sima
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
    "register_attack",
    "sima",
]
