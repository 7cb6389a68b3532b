"""What an attack is, and the list of those known; imports no torch.

An attack maps latents to attack vectors S(z), one entry per latent dimension;
masks and statistics come after the fact.  Its card (name, citation, cost,
assumptions) is read by pages that never load torch, so the function that
computes is named by ``entry`` and imported on first use.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from ldviz.errors import InputError, LdvizError, ModelError

if TYPE_CHECKING:
    import numpy as np
    import torch

ENTRY_POINT_GROUP = "ldviz.attacks"


class NoParameters(BaseModel):
    """The parameters of an attack that has none."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, kw_only=True)
class Attack:
    """One attack: what its card shows, and where its vectors are computed.

    Args:
        name: identifier in links, reports and cache keys: ``[a-z][a-z0-9_]*``.
        title: how the literature writes it.
        citation, url: the paper, and where to read it.
        summary, assumptions: one or two plain sentences each.
        power: p of Σ mask·|S|^p; None for the signed sum Σ mask·S.  Small means
            member in either case.
        has_timesteps: whether there is one vector per timestep.
        default_timesteps: the timesteps that the paper's code probes; empty
            where there is no timestep axis.
        parameters: a frozen pydantic model, every field with a default.
        queries: (timestep, parameters) -> denoiser evaluations per sample.
        entry: ``"module:function"`` of the function that computes, called as
            ``f(model, latents, sample_ids, timestep, *, parameters, seed,
            conditioning)`` and returning S, shaped as the latents.
        version: part of cache keys; raise it whenever S changes.
        check_timestep: (timestep, num_train_timesteps) -> None, raises
            :class:`InputError`; None where any timestep of the model will do.
        statistic_parameters: fields of ``parameters`` that change the statistic
            but not S.  Here ``"power"`` overrides ``power``.

    Raises:
        InputError: for a card that pages or caches could not use.
    """

    name: str
    title: str
    citation: str
    url: str
    summary: str
    assumptions: str
    power: float | None
    has_timesteps: bool
    default_timesteps: tuple[int, ...]
    parameters: type[BaseModel]
    queries: Callable[[int | None, Any], int]
    entry: str
    version: int
    check_timestep: Callable[[int, int], None] | None = None
    statistic_parameters: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_card(self)

    def power_for(self, parameters: BaseModel | None = None) -> float | None:
        """p of the statistic under ``parameters``; None for a signed sum."""
        if parameters is not None and "power" in self.statistic_parameters:
            return float(parameters.power)
        return self.power

    def vector_parameters(self, parameters: BaseModel) -> dict[str, Any]:
        """The parameters that S depends on, as JSON values: what a cache key holds."""
        return parameters.model_dump(mode="json", exclude=set(self.statistic_parameters))

    def parse_parameters(self, values: Mapping[str, Any]) -> BaseModel:
        """``values`` as this attack's parameters; raises InputError if they are not."""
        try:
            return self.parameters(**values)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"]) or "parameters"
            known = ", ".join(self.parameters.model_fields) or "none"
            raise InputError(
                f"{self.title}: `{field}`: {first['msg']}, got {first['input']!r}. "
                f"Its parameters are: {known}."
            ) from None

    def checked_timestep(self, timestep: int | None, num_train_timesteps: int) -> int | None:
        """``timestep`` if the attack is defined there; raises InputError if not."""
        if not self.has_timesteps:
            if timestep is not None:
                raise InputError(f"{self.title} has no timestep axis, got timestep {timestep}.")
            return None
        if timestep is None:
            raise InputError(
                f"{self.title} needs a timestep in 0..{num_train_timesteps - 1}, got none."
            )
        check_timestep_in_range(timestep, num_train_timesteps)
        if self.check_timestep is not None:
            self.check_timestep(timestep, num_train_timesteps)
        return int(timestep)

    def attack_vector(
        self,
        model: Any,
        latents: torch.Tensor,
        sample_ids: np.ndarray,
        timestep: int | None = None,
        *,
        parameters: BaseModel | None = None,
        seed: int = 0,
        conditioning: Any = None,
    ) -> torch.Tensor:
        """The attack vectors S(z) of a batch, checked on the way in and out.

        Args:
            model: a :class:`ldviz.models.protocol.LatentModel`.
            latents: (n, C, h, w), scaled, in the model's dtype.
            sample_ids: (n,) integers; they key the noise.
            timestep: in 0..T-1; None where there is no timestep axis.
            parameters: an instance of ``self.parameters``; None for its defaults.
            seed: of the noise.
            conditioning: handed to the denoiser as it is, one entry per sample.

        Returns:
            (n, C, h, w) on the model's device, without gradient.

        Raises:
            InputError: for a timestep, parameters or ids that do not fit.
            ModelError: where S has the wrong shape or is not finite.
        """
        timestep = self.checked_timestep(timestep, model.num_train_timesteps)
        parameters = self.parameters() if parameters is None else parameters
        if not isinstance(parameters, self.parameters):
            raise InputError(
                f"{self.title} takes {self.parameters.__name__}, got {type(parameters).__name__}."
            )
        if len(sample_ids) != len(latents):
            raise InputError(
                f"{len(latents)} latents but {len(sample_ids)} sample ids; give one id per latent."
            )
        vectors = _entry_function(self.entry)(
            model,
            latents,
            sample_ids,
            timestep,
            parameters=parameters,
            seed=seed,
            conditioning=conditioning,
        )
        if tuple(vectors.shape) != tuple(latents.shape):
            raise ModelError(
                f"{self.title} returned vectors of shape {tuple(vectors.shape)} for latents of "
                f"shape {tuple(latents.shape)}. The denoiser must keep its input's shape."
            )
        finite = vectors.isfinite().flatten(1).all(dim=1)
        if not finite.all():
            bad = (~finite).nonzero().flatten()
            raise ModelError(
                f"{self.title} gave non-finite values for {len(bad)} of {len(latents)} latents "
                f"(first: sample {sample_ids[int(bad[0])]}). Usual causes: a float16 denoiser, "
                "or latents of another model."
            )
        return vectors


_ATTACKS: dict[str, Attack] = {}


def register_attack(attack: Attack) -> Attack:
    """Add ``attack`` to the list that the app and the reports read.

    Returns:
        ``attack``, so that a module can write ``ATTACK = register_attack(...)``.

    Raises:
        InputError: if the name is taken.
    """
    if attack.name in _ATTACKS:
        raise InputError(
            f'An attack named "{attack.name}" is registered already '
            f"({_ATTACKS[attack.name].entry}). Give {attack.entry} another name."
        )
    _ATTACKS[attack.name] = attack
    return attack


def get_attack(name: str) -> Attack:
    """The attack registered as ``name``; raises InputError naming those there are."""
    try:
        return _ATTACKS[name]
    except KeyError:
        raise InputError(
            f'There is no attack "{name}". There are: {", ".join(_ATTACKS)}.'
        ) from None


def attack_names() -> tuple[str, ...]:
    """The names of all registered attacks, in the order of registration."""
    return tuple(_ATTACKS)


def check_timestep_in_range(timestep: int, num_train_timesteps: int) -> None:
    """Raise InputError unless ``timestep`` is one of the model's 0..T-1."""
    if not 0 <= timestep < num_train_timesteps or timestep != int(timestep):
        raise InputError(
            f"`timestep` must be a whole number in 0..{num_train_timesteps - 1}, got {timestep}."
        )


def load_plugins(modules: Sequence[str] = ()) -> tuple[str, ...]:
    """Import the attacks of others: installed entry points, then ``modules``.

    An entry point of the group ``ldviz.attacks`` names a module that calls
    :func:`register_attack`, or an :class:`Attack`.  Every plugin is tried before
    an error is raised, and one that fails leaves nothing registered; loading
    again is free.  ``modules`` are looked for in the current folder too, after
    everything that is installed.

    Returns:
        The names that this call added.

    Raises:
        InputError: naming each plugin that could not be loaded, and why.
    """
    before = set(_ATTACKS)
    failures = []
    for point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP):
        failures += _try_plugin(f'"{point.name}" ({point.value})', point.module, point.load)
    if modules and not {"", os.getcwd()} & set(sys.path):
        sys.path.append(os.getcwd())
    for module in modules:
        load = partial(importlib.import_module, module)
        failures += _try_plugin(f'"{module}"', module, load)
    if failures:
        raise InputError("Could not load the attack plugin " + "; nor ".join(failures))
    return tuple(name for name in _ATTACKS if name not in before)


def _try_plugin(label: str, module: str, load: Callable[[], Any]) -> list[str]:
    """Load one plugin; the reason in a list if it fails, with nothing left registered."""
    before = dict(_ATTACKS)
    was_imported = module in sys.modules
    try:
        loaded = load()
        if isinstance(loaded, Attack):
            if _ATTACKS.get(loaded.name) is not loaded:
                register_attack(loaded)
        elif not isinstance(loaded, ModuleType):
            raise InputError(f"it is a {type(loaded).__name__}, not a module or an Attack.")
        elif not was_imported and len(_ATTACKS) == len(before):
            raise InputError("it registers no attack; call register_attack in it.")
    except Exception as error:
        _ATTACKS.clear()
        _ATTACKS.update(before)
        if not was_imported:
            sys.modules.pop(module, None)
        reason = str(error) if isinstance(error, LdvizError) else f"{type(error).__name__}: {error}"
        return [f"{label}: {reason}"]
    return []


def _entry_function(entry: str) -> Callable[..., torch.Tensor]:
    """The function that ``entry`` names, imported now."""
    module, function = entry.split(":")
    return getattr(importlib.import_module(module), function)


def _check_card(attack: Attack) -> None:
    """Raise InputError for a card that pages, links or caches could not use."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", attack.name):
        raise InputError(
            "An attack's `name` must be lower-case letters, digits and underscores, starting with "
            f"a letter, at most 40 long; got {attack.name!r}."
        )
    for field in ("title", "citation", "url", "summary", "assumptions"):
        if not str(getattr(attack, field)).strip():
            raise InputError(f'Attack "{attack.name}": `{field}` is empty; the card shows it.')
    if attack.power is not None and not attack.power > 0:
        raise InputError(
            f'Attack "{attack.name}": `power` must be positive, or None for a signed sum; '
            f"got {attack.power}."
        )
    if not re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", attack.entry):
        raise InputError(
            f'Attack "{attack.name}": `entry` must read "module:function", got {attack.entry!r}.'
        )
    if attack.has_timesteps != bool(attack.default_timesteps):
        raise InputError(
            f'Attack "{attack.name}": `default_timesteps` must be given exactly where '
            f"`has_timesteps` is true; got {attack.has_timesteps} and {attack.default_timesteps}."
        )
    fields = attack.parameters.model_fields
    required = [name for name, field in fields.items() if field.is_required()]
    if required or not attack.parameters.model_config.get("frozen"):
        raise InputError(
            f'Attack "{attack.name}": `parameters` must be a frozen pydantic model with a default '
            f"for every field; {attack.parameters.__name__} is not."
        )
    unknown = sorted(set(attack.statistic_parameters) - set(fields))
    if unknown:
        raise InputError(
            f'Attack "{attack.name}": `statistic_parameters` names {unknown}, which '
            f"{attack.parameters.__name__} does not have."
        )
