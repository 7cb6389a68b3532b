"""The story of a study in one paragraph, worded by what its intervals allow.

A difference whose 95 % interval contains zero is called no difference that can be told from
zero, whichever way the paper's went.
"""

from __future__ import annotations

from ldviz.metrics.measured import Measured
from ldviz.ui.numbers import bracketed_text, value_text
from ldviz.ui.numbers_study import HEADLINE_FRACTION, Headline


def story(headline: Headline) -> str:
    """The paragraph, as Markdown; brackets hold 95 % intervals."""
    return " ".join([_attack(headline), _quartiles(headline), _masks(headline)])


def chosen_timestep_note(headline: Headline) -> str:
    """How the timestep came about, where that flatters the number; else empty."""
    if headline.timestep is None or headline.num_timesteps < 2:
        return ""
    honest = (
        ""
        if headline.honest_auc is None
        else f" Chosen on one half of the images and scored on the other, it is "
        f"{value_text(headline.honest_auc)}."
    )
    return (
        f"t = {headline.timestep} is the best of {headline.num_timesteps} stored timesteps, "
        "chosen without a mask on the same labels that it is scored on, so the AUC is "
        f"optimistic.{honest}"
    )


def _attack(headline: Headline) -> str:
    auc = headline.auc["none"]
    at = "" if headline.timestep is None else f" at timestep {headline.timestep}"
    leak = (
        "cannot be shown to tell them apart"
        if auc.ci95 is None or auc.ci95[0] <= 0.5
        else "tells them apart"
    )
    return (
        f"The model was trained on {auc.n_member:,} of these images and has never seen the other "
        f"{auc.n_held_out:,}. **{headline.attack}**{at} {leak}, with an AUC of "
        f"**{bracketed_text(auc)}**; guessing would give 0.5."
    )


def _quartiles(headline: Headline) -> str:
    lowest, highest = headline.quartile[0], headline.quartile[3]
    step = headline.quartile_step
    if step.value is None:
        return "Quartiles of local distortion are too small here to be attacked apart."
    numbers = (
        f"**{value_text(lowest.value)}** in the quarter of images with the lowest local "
        f"distortion and **{value_text(highest.value)}** in the quarter with the highest, "
        f"a difference of {bracketed_text(step, signed=True)}"
    )
    if not step.excludes_zero:
        return f"The AUC is {numbers}: no difference that can be told from zero."
    if step.value < 0:
        return f"The AUC is {numbers}: the reverse of what the paper found."
    values = [number.value for number in headline.quartile]
    rising = values == sorted(values)
    order = "rising from quarter to quarter" if rising else "though not rising at every step"
    return (
        f"Images whose surroundings the decoder stretches more are easier to find: the AUC is "
        f"{numbers}, {order}."
    )


def _masks(headline: Headline) -> str:
    share = f"{HEADLINE_FRACTION:.0%}".replace("%", " %")
    influence = headline.difference["influence", "none"]
    random = headline.difference["random", "none"]
    against = headline.difference["influence", "random"]
    return (
        f"Leaving out the {share} of latent dimensions ({headline.num_dropped} of "
        f"{headline.latent_dim}) that move the decoded image least {_effect(influence)}; leaving "
        f"out as many at random {_effect(random)}. {_verdict(influence, against)}"
    )


def _effect(difference: Measured) -> str:
    """What a mask does to the AUC."""
    number = f"**{bracketed_text(difference, signed=True)}**"
    if not difference.excludes_zero:
        return f"changes the AUC by {number}, not to be told from zero"
    verb = "raises" if difference.value > 0 else "lowers"
    return f"{verb} the AUC by {number}"


def _verdict(influence: Measured, against_random: Measured) -> str:
    """What the masks say together."""
    if influence.excludes_zero and influence.value > 0:
        return "So what those dimensions carry hid members rather than gave them away."
    if influence.excludes_zero:
        return "So those dimensions did carry some of the leak, unlike in the paper."
    if against_random.excludes_zero and against_random.value > 0:
        return (
            "So what gives members away sits in the dimensions that the decoder reacts to: "
            "the others can go at no cost, a random choice cannot."
        )
    return "So this study does not show where in the latent the leak sits."
