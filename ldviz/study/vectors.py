"""One way to an attack's vectors: stored with the study, else cached, else computed."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

import numpy as np
from pydantic import BaseModel

from ldviz.attacks import Attack, get_attack
from ldviz.progress import Progress, no_progress
from ldviz.study.cache import cache_key, read_cached, write_cached
from ldviz.study.sampled import SampledStudy
from ldviz.study.store import Study

_RECENT_LIMIT = 32
_recent: OrderedDict[str, np.ndarray] = OrderedDict()
_lock = Lock()


def attack_vectors(
    study: Study,
    attack_name: str,
    timestep: int | None,
    *,
    parameters: BaseModel | None = None,
    seed: int = 0,
    compute: bool = True,
    device: str | None = None,
    progress: Progress = no_progress,
) -> np.ndarray | None:
    """S(z) of every sample of a study.

    Args:
        study: an open study.
        attack_name: a registered attack.
        timestep: in 0..T-1, or None where the attack has no timestep axis.
        parameters: the attack's; None for its defaults.
        seed: of the attack's noise.
        compute: whether to run the model where nothing is stored or cached.
        device: for the model; None picks the best there is.
        progress: told after every batch of a computation; may cancel.

    Returns:
        (n, d) float16; None only where ``compute`` is False and nothing is at hand.

    Raises:
        InputError: for an unknown attack, timestep or parameters.
        StudyError, ModelError: if the study or its model cannot be read.
    """
    attack = get_attack(attack_name)
    parameters = attack.parameters() if parameters is None else parameters
    timestep = attack.checked_timestep(timestep, study.manifest.model.num_train_timesteps)
    if is_stored(study, attack, timestep, parameters, seed):
        return study.stored_vectors(attack.name, timestep)
    if isinstance(study, SampledStudy):
        # Computed and kept for all samples: one computation serves every sample of them.
        found = attack_vectors(
            study.whole,
            attack_name,
            timestep,
            parameters=parameters,
            seed=seed,
            compute=compute,
            device=device,
            progress=progress,
        )
        return None if found is None else found[study.rows]
    key = vectors_key(study, attack, timestep, parameters, seed)
    with _lock:
        if key in _recent:
            _recent.move_to_end(key)
            return _recent[key]
    shape = (study.num_samples, study.latent_dim)
    vectors = read_cached(key, rows=shape[0], shape=shape[1:])
    if vectors is None:
        if not compute:
            return None
        vectors = _compute(study, attack, timestep, parameters, seed, device, progress)
        write_cached(key, vectors)
    with _lock:
        _recent[key] = vectors
        while len(_recent) > _RECENT_LIMIT:
            _recent.popitem(last=False)
    return vectors


def is_stored(
    study: Study, attack: Attack, timestep: int | None, parameters: BaseModel, seed: int
) -> bool:
    """Whether the study itself holds these vectors, by the same version of the attack."""
    entry = study.manifest.attacks.get(attack.name)
    return (
        entry is not None
        and timestep in entry.timesteps
        and entry.version == attack.version
        and entry.seed == seed
        and attack.vector_parameters(attack.parse_parameters(entry.parameters))
        == attack.vector_parameters(parameters)
    )


def vectors_key(
    study: Study, attack: Attack, timestep: int | None, parameters: BaseModel, seed: int
) -> str:
    """Cache key: weights, latents, conditioning, attack and version, parameters, seed, dtype."""
    arrays = study.manifest.arrays
    latents = arrays["latents"]
    model = study.manifest.model
    given = {"text": "captions", "class": "labels"}.get(model.conditioning or "")
    told = {}
    if given is not None and model.conditioning_used != "empty":
        told = {"conditioning": [block.sha256 for block in arrays[given].blocks]}
    elif given is not None:
        told = {"conditioning": "empty"}
    return cache_key(
        model=model.sha256,
        latents=[block.sha256 for block in latents.blocks],
        sample_ids=[block.sha256 for block in study.manifest.arrays["sample_ids"].blocks],
        attack=attack.name,
        version=attack.version,
        parameters=attack.vector_parameters(parameters),
        timestep=timestep,
        seed=seed,
        dtype="float16",
        **told,
    )


def _compute(
    study: Study,
    attack: Attack,
    timestep: int | None,
    parameters: BaseModel,
    seed: int,
    device: str | None,
    progress: Progress,
) -> np.ndarray:
    """Run the real model over the stored latents."""
    import torch

    from ldviz.study.build.vectors import compute_vectors
    from ldviz.study.conditioning import study_conditioning
    from ldviz.study.model import load_study_model

    model = load_study_model(study, device=device)
    vectors = compute_vectors(
        model,
        torch.from_numpy(study.array("latents").copy()).to(model.device),
        study.sample_ids,
        attack,
        timestep,
        parameters=parameters,
        seed=seed,
        conditioning=study_conditioning(study),
        progress=progress,
    )
    return vectors.reshape(len(vectors), -1)
