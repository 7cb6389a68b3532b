"""Which attack, at which timestep, seen from which side; and the attack's card."""

from __future__ import annotations

import streamlit as st

from ldviz.attacks import attack_names, get_attack
from ldviz.errors import InputError
from ldviz.study.store import Study
from ldviz.ui.state import change_view, current_attack, current_view

_ATTACK, _TIMESTEP, _POSITIVE = "attack-picker", "timestep-slider", "positive-switch"
_POSITIVE_TITLES = {
    "member": "members (the field's)",
    "held_out": "held-out (the paper code's)",
}


def show_attack_controls(study: Study) -> None:
    """Attack, timestep and positive class; each change is one undoable step of the view."""
    name, timestep = current_attack(study)
    columns = st.columns([2, 4, 2], vertical_alignment="bottom", gap="medium")
    with columns[0]:
        _show_attack_picker(name)
    with columns[1]:
        if timestep is not None:
            _show_timestep_slider(study, name, timestep)
    with columns[2]:
        _show_positive_switch()


def _show_attack_picker(name: str) -> None:
    # Widgets follow the view, which a link or an undo may have changed.
    st.session_state[_ATTACK] = name
    st.selectbox(
        "Attack",
        attack_names(),
        key=_ATTACK,
        format_func=lambda key: get_attack(key).title,
        on_change=lambda: change_view(attack=st.session_state[_ATTACK]),
    )


def _show_timestep_slider(study: Study, name: str, timestep: int) -> None:
    stored = set(study.stored_timesteps(name))
    options = sorted(
        {*_usable(get_attack(name).default_timesteps, study, name), *stored, timestep} - {None}
    )
    st.session_state[_TIMESTEP] = timestep
    st.select_slider(
        f"Timestep ({len(stored)} stored with the study, others computed when chosen)"
        if stored
        else "Timestep (computed when chosen, then kept)",
        options,
        key=_TIMESTEP,
        format_func=lambda value: f"t = {value}" + ("" if value in stored else " · live"),
        on_change=lambda: change_view(timestep=st.session_state[_TIMESTEP]),
    )


def _usable(timesteps: tuple[int, ...], study: Study, name: str) -> list[int]:
    """The timesteps at which the attack is defined for this model."""
    usable = []
    for timestep in timesteps:
        try:
            get_attack(name).checked_timestep(timestep, study.manifest.model.num_train_timesteps)
        except InputError:
            continue
        usable.append(timestep)
    return usable


def _show_positive_switch() -> None:
    st.session_state[_POSITIVE] = current_view().positive
    st.selectbox(
        "Positive class",
        list(_POSITIVE_TITLES),
        key=_POSITIVE,
        format_func=_POSITIVE_TITLES.__getitem__,
        on_change=lambda: change_view(positive=st.session_state[_POSITIVE]),
        help="With members positive, TPR@1%FPR is the share of members found while 1% of "
        "held-out images are falsely accused. The paper's code counts held-out images as "
        "positive: AUC and ASR stay the same, TPR@1%FPR does not.",
    )


def show_attack_card(name: str, timestep: int | None) -> None:
    """What the attack computes, what it assumes, and what it costs."""
    attack = get_attack(name)
    queries = attack.queries(timestep, attack.parameters())
    evaluations = "1 denoiser evaluation" if queries == 1 else f"{queries} denoiser evaluations"
    norm = "signed sum" if attack.power is None else f"sum of |S|^{attack.power:g}"
    with st.expander(f"About {attack.title}", icon=":material/info:"):
        st.markdown(
            f"{attack.summary}\n\n"
            f"**Statistic:** {norm} over the dimensions kept; small means member.  \n"
            f"**Queries:** {evaluations} per image.  \n"
            f"**Assumes:** {attack.assumptions}  \n"
            f"**Source:** [{attack.citation}]({attack.url})"
        )
