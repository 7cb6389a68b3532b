"""Findings in plain sentences, the same on the page and on the command line."""

from __future__ import annotations

from collections.abc import Sequence

from ldviz.metrics.measured import Measured
from ldviz.study.findings import AttackFindings, StudyFindings
from ldviz.study.findings_set import BetaRow

NOT_AVAILABLE = "not available"


def number_text(number: Measured, *, signed: bool = False) -> str:
    """Value and interval: "0.853 [0.836, 0.870]"; more digits where it is narrow."""
    if number.value is None:
        return NOT_AVAILABLE
    digits = number.decimals()
    value = digits_text(number.value, signed=signed, digits=digits)
    if number.ci95 is None:
        return value
    low, high = (digits_text(end, signed=signed, digits=digits) for end in number.ci95)
    return f"{value} [{low}, {high}]"


def digits_text(value: float, *, signed: bool = False, digits: int = 3) -> str:
    """That many digits after the point, zero without a sign, a true minus."""
    text = f"{value:+.{digits}f}" if signed else f"{value:.{digits}f}"
    if not float(text):
        text = text.lstrip("+-")
    return text.replace("-", "−")


def timestep_text(timestep: int | None) -> str:
    """ "t = 120"; "no timestep" for an attack without that axis."""
    return "no timestep" if timestep is None else f"t = {timestep}"


def quartile_sentence(attack: AttackFindings) -> str:
    """Do higher-distortion quarters leak more?  At the attack's best timestep."""
    at = attack.best
    step = attack.quartile_step[at]
    low, high = attack.quartiles[0][at], attack.quartiles[3][at]
    where = f"{attack.title}, {timestep_text(attack.timesteps[at])}"
    if step.value is None:
        return f"Not available: a quarter holds too few images of a class ({where})."
    numbers = (
        f"{where}: AUC {number_text(high)} in the highest quarter of local distortion, "
        f"{number_text(low)} in the lowest; difference {number_text(step, signed=True)}."
    )
    if not step.excludes_zero:
        return f"Not shown: the interval of the difference includes zero. {numbers}"
    if step.value < 0:
        return f"No, the other way round: the lowest quarter leaks more. {numbers}"
    values = [quarter[at].value for quarter in attack.quartiles]
    order = (
        "The four quarters are in order."
        if values == sorted(values)
        else "The two in between are not in order."
    )
    return f"Yes. {numbers} {order}"


def mask_sentence(attack: AttackFindings) -> str:
    """What does dropping the least-influential 40 % do?  At the best timestep and over all."""
    at = attack.best
    where = f"{attack.title}, {timestep_text(attack.timesteps[at])}"
    gain = attack.differences["influence_minus_none"]["auc"]
    beats = attack.differences["influence_minus_random"]["auc"][at]
    reverse = attack.differences["highest_minus_none"]["auc"][at]
    change = number_text(gain[at], signed=True)
    if not gain[at].excludes_zero:
        first = f"Against no mask it changes nothing that shows: {change} AUC ({where})."
    elif gain[at].value > 0:
        first = f"It helps the attack: {change} AUC against no mask ({where})."
    else:
        first = f"It costs the attack {change} AUC against no mask ({where})."
    return " ".join(
        [
            first,
            _against_random(beats),
            f"Dropping the highest 40 % instead: {number_text(reverse, signed=True)}.",
            _over_timesteps(attack, gain),
        ]
    ).strip()


def _against_random(beats: Measured) -> str:
    change = number_text(beats, signed=True)
    if not beats.excludes_zero:
        return f"Against as many dropped at random no difference shows ({change})."
    word = "better" if beats.value > 0 else "worse"
    return f"It is {word} than dropping as many at random ({change})."


def _over_timesteps(attack: AttackFindings, gain: Sequence[Measured]) -> str:
    """At how many timesteps the mask helps or harms; empty for a single one."""
    if len(gain) < 2:
        return ""
    helps = [
        step
        for step, number in zip(attack.timesteps, gain, strict=True)
        if number.excludes_zero and number.value > 0
    ]
    harms = [
        step
        for step, number in zip(attack.timesteps, gain, strict=True)
        if number.excludes_zero and number.value < 0
    ]
    parts = [
        f"{word} at t = {', '.join(map(str, steps))}"
        for word, steps in (("helps", helps), ("costs", harms))
        if steps
    ]
    if not parts:
        return f"At none of the {len(gain)} timesteps does its interval exclude zero."
    return f"Over {len(gain)} timesteps it {' and '.join(parts)} (intervals that exclude zero)."


def reasons(one: StudyFindings, attack: AttackFindings) -> list[str]:
    """What is known of why an effect does not show; empty where all show."""
    at = attack.best
    known = []
    step = attack.quartile_step[at]
    if step.value is None or not (step.excludes_zero and step.value > 0):
        low, quarter, _, third, high = one.distortion_quantiles
        known.append(
            f"Quarters can differ only where distortion does: here its middle half spans "
            f"{digits_text(third - quarter)} of {digits_text(high - low)} nats. The paper's "
            "CelebA, whose distortion is nearly uniform, shows equal quarters as well."
        )
    gain = attack.differences["influence_minus_none"]["auc"][at]
    if gain.value is None or not (gain.excludes_zero and gain.value > 0):
        known.append(
            f"{_dropped_text(one)} The paper gains 1 to 4 points of AUC on models of thousands of "
            "epochs; in trials with 2,000 photographs the gain showed only at low timesteps of a "
            "more overfitted model."
        )
    return known


def _dropped_text(one: StudyFindings) -> str:
    """What the mask takes away of the statistic, as far as the study says."""
    share = one.dropped_share
    if share is None:
        return "How much of the statistic the mask drops is not known here."
    at = f"of the statistic of half of the images (at t = {one.default_timestep})"
    if share < 0.001:
        return f"What the mask drops makes up less than 0.1 % {at}, so it can change little."
    percent = f"What the mask drops makes up at most {100 * share:.1f} % {at}"
    if share < 0.05:
        return f"{percent}, so it can change little."
    return f"{percent}: as much of the signal as of the noise goes with it."


def complexity_sentence(name: str, number: Measured) -> str:
    """How local distortion follows one known complexity."""
    title = name.replace("_", " ")
    value = number_text(number, signed=True)
    if number.value is None or not number.excludes_zero:
        return f"Local distortion does not follow the {title} measurably: r = {value}."
    word = "rises" if number.value > 0 else "falls"
    return f"Local distortion {word} with the {title}: r = {value}."


def beta_sentence(rows: Sequence[BetaRow]) -> str:
    """How the leak changes from the weakest to the strongest regularisation."""
    first, last = rows[0], rows[-1]
    parts = [
        f"From beta = {first.kl_weight:g} to {last.kl_weight:g} the attack's AUC goes from "
        f"{number_text(first.masks['none']['auc'])} to {number_text(last.masks['none']['auc'])}",
        "the highest quarter's lead over the lowest from "
        f"{number_text(first.quartile_step, signed=True)} to "
        f"{number_text(last.quartile_step, signed=True)}",
        "the change by the influence mask from "
        f"{number_text(first.differences['influence_minus_none']['auc'], signed=True)} to "
        f"{number_text(last.differences['influence_minus_none']['auc'], signed=True)}",
    ]
    return "; ".join(parts) + ". Each at its own best timestep."
