"""The model of a study, loaded again and checked to be the one that was analysed."""

from __future__ import annotations

from ldviz.errors import StudyError
from ldviz.models import LatentModel
from ldviz.study.store import Study


def load_study_model(study: Study, *, device: str | None = None) -> LatentModel:
    """The model that a study was analysed with.

    Args:
        study: an open study.
        device: "cpu", "cuda" ...; None picks the best there is.

    Raises:
        StudyError: if the weights are not those that were analysed, or lived in Python only.
        ModelError: if they cannot be found or read.
    """
    entry = study.manifest.model
    if entry.origin == "object":
        raise StudyError(
            f'Study "{study.name}" was analysed from a Python object, which cannot be loaded '
            "here. What is stored can be seen; for more, run the analysis again from Python."
        )
    from ldviz.models.digest import model_digest, plan_digest
    from ldviz.models.load import load_model, load_plan
    from ldviz.models.plan import plan_model

    if entry.settings is None:
        plan, digest, place = None, model_digest(study.path), str(study.path)
    else:
        plan = plan_model(entry.settings)
        digest, place = plan_digest(plan), entry.settings.source
    if digest != entry.sha256:
        raise StudyError(
            f'The weights in "{place}" are not the ones that study "{study.name}" was analysed '
            "with. Restore them, or run analyze again."
        )
    if plan is None:
        return load_model(study.path, image_shape=study.image_shape, device=device)
    return load_plan(plan, image_shape=study.image_shape, device=device)
