"""How well do attacks tell members from held-out images, and which dimensions carry it?"""

import streamlit as st

from ldviz.ui.attack_controls import show_attack_card, show_attack_controls
from ldviz.ui.attack_exports import show_attack_exports
from ldviz.ui.attack_lab import LabSource, show_attack_lab
from ldviz.ui.attack_pair import show_attack_pair
from ldviz.ui.compare import compared
from ldviz.ui.failures import shown_failures
from ldviz.ui.frame import ensure_frame
from ldviz.ui.live import wait_for_vectors
from ldviz.ui.named_masks import show_named_masks
from ldviz.ui.state import current_attack, current_study

ensure_frame()
st.title("Attack")
with shown_failures():
    study = current_study()
    st.markdown(
        "A denoiser that has **memorized** an image finds almost no noise in it. "
        "An attack turns that into a score for every image: higher = more likely a *member* of "
        "the training set. In the paper, attacks grow stronger when the latent dimensions that the "
        "decoder stretches least are dropped. **Drop them and see what happens here.**"
    )
    show_attack_controls(study)
    attack, timestep = current_attack(study)
    vectors = wait_for_vectors(study, attack, timestep)
    if vectors is not None:
        source = LabSource(study, attack, timestep, vectors)
        now = show_attack_lab(source)
        if (pair := compared(study)) is not None:
            show_attack_pair(pair, source)
        named = show_named_masks(study, attack, timestep, vectors)
    show_attack_card(attack, timestep)
    if vectors is not None:
        show_attack_exports(source, now, named)
