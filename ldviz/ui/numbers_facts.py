"""What is in a study, as a card of short facts."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

import streamlit as st

from ldviz.attacks import get_attack
from ldviz.data.report import ImageReport
from ldviz.data.settings import place_title
from ldviz.study.schema import GeometryEntry, Manifest, ModelEntry
from ldviz.study.store import Study

Fact = tuple[str, str]
Section = tuple[str, Sequence[Fact]]


def study_facts(study: Study) -> list[Section]:
    """Sections of (name, value): images, how own ones were read, model, analysis."""
    manifest = study.manifest
    report = manifest.data.report
    return [
        ("Images", _image_facts(study)),
        *([] if report is None else [("Reading the images", _reading_facts(report))]),
        ("Model", _model_facts(manifest)),
        ("Analysis", _analysis_facts(study)),
    ]


def show_facts(sections: Sequence[Section]) -> None:
    """Draw the card; its columns wrap on narrow screens."""
    parts = []
    for title, facts in sections:
        rows = "".join(
            f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts
        )
        parts.append(f"<section><h4>{escape(title)}</h4><dl>{rows}</dl></section>")
    st.html(f'<div class="ldviz-facts">{_STYLE}{"".join(parts)}</div>')


def duration_text(seconds: float | None) -> str:
    """ "41 s", "22 min", "1 h 5 min", "not recorded"."""
    if seconds is None:
        return "not recorded"
    minutes = round(seconds / 60)
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def count_text(count: int) -> str:
    """A parameter count: "842", "230 k", "0.70 M", "860 M"."""
    if count < 1_000:
        return str(count)
    if count < 500_000:
        return f"{count / 1e3:.0f} k"
    return f"{count / 1e6:.2f} M" if count < 10_000_000 else f"{count / 1e6:,.0f} M"


def _shape(shape: Sequence[int]) -> str:
    return " × ".join(str(length) for length in shape)


def _image_facts(study: Study) -> list[Fact]:
    manifest = study.manifest
    facts = [
        ("Source", _source(manifest)),
        ("Count", f"{manifest.num_samples:,}"),
        ("Members", f"{manifest.n_member:,}"),
        ("Held-out", f"{manifest.n_held_out:,}"),
        ("Size", f"{_shape(manifest.image_shape)} pixels"),
    ]
    if study.labels is not None:
        facts.append(("Classes", str(len(set(study.labels.tolist())))))
    settings, report = manifest.data.settings, manifest.data.report
    if report is not None and report.split == "place":
        facts.append(("Split", "as the source has it"))
    elif report is not None and report.split == "file":
        facts.append(("Split", Path(settings["split_file"]).name))
    elif "seed" in settings:
        facts.append(("Split's seed", str(settings["seed"])))
    return facts


def _source(manifest: Manifest) -> str:
    """ "digits", or "holiday (zip archive)" for images of one's own."""
    place, report = manifest.data.settings.get("place"), manifest.data.report
    if place is None or report is None:
        return manifest.data.source
    return f"{place_title(place)} ({report.place})"


def _reading_facts(report: ImageReport) -> list[Fact]:
    """What was done to how many images, and which were not read."""
    facts = [("Read", f"{report.kept:,} of {report.chosen:,}")]
    facts += [(_capital(what), f"{count:,}") for what, count in report.converted.items()]
    for why, count in report.skipped.items():
        facts.append((f"Skipped, {why}", f"{count:,}, first {report.first_skipped[why]}"))
    return facts + [(f"Left alone, {why}", f"{count:,}") for why, count in report.ignored.items()]


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _model_facts(manifest: Manifest) -> list[Fact]:
    model = manifest.model
    facts = [] if model.kind == "parts" else [("Model", _KINDS.get(model.kind, model.kind))]
    facts += [
        ("Latents", f"{_shape(manifest.latent_shape)}, d = {_product(manifest.latent_shape):,}"),
        ("Autoencoder", _part_text(model.autoencoder, model.autoencoder_parameters)),
    ]
    if model.num_train_timesteps:
        facts += _denoiser_facts(model)
    else:
        facts.append(("Denoiser", "none: geometry without attacks"))
    facts.append(("Scaling factor", f"{model.scaling_factor:.4g}"))
    if model.shift_factor:
        facts.append(("Shift factor", f"{model.shift_factor:.4g}"))
    facts += _channel_facts(model)
    if model.stored_precision is not None or model.autoencoder_precision is not None:
        stored = "" if model.stored_precision is None else f"stored in {model.stored_precision}, "
        computed = f"{stored}computed in {model.precision}"
        if model.autoencoder_precision is not None:
            computed += f", the autoencoder in {model.autoencoder_precision}"
        facts.append(("Precision", computed))
    if model.origin == "folder":
        facts.append(("Trained in", duration_text(manifest.made_by.train_seconds)))
    elif model.settings is not None:
        facts.append(("From", place_title(model.settings.source)))
    return [*facts, ("Weights", f"SHA-256 {model.sha256[:12]}…")]


def _channel_facts(model: ModelEntry) -> list[Fact]:
    """The means and standard deviations of the latents' channels; one alone is not used."""
    given = [
        (name, ", ".join(f"{value:.4g}" for value in values))
        for name, values in (
            ("Latents' mean", model.latents_mean),
            ("Latents' standard deviation", model.latents_std),
        )
        if values is not None
    ]
    if len(given) == 1:
        return [(name, f"{values}; not used, since the other is missing") for name, values in given]
    return given


def _denoiser_facts(model: ModelEntry) -> list[Fact]:
    schedule = f"{model.num_train_timesteps:,} timesteps"
    if model.scheduler is not None:
        schedule += f", {model.scheduler}"
    if model.zero_terminal_snr:
        schedule += ", zero terminal SNR"
    facts = [
        ("Denoiser", _part_text(model.denoiser, model.denoiser_parameters)),
        ("Noise schedule", schedule),
        ("Predicts", _PREDICTIONS.get(model.prediction_type or "epsilon", "noise")),
    ]
    if model.conditioning is not None:
        told = {"text": "captions, through CLIP", "class": "classes"}[model.conditioning]
        if model.num_text_encoders > 1:
            told = "captions, through two CLIP text encoders, and the images' size"
        stands_for_it = ", which is zeros" if model.empty_is_zero else ""
        empty = f"{told}; here the empty one for all{stands_for_it}"
        facts.append(("Conditioning", empty if model.conditioning_used == "empty" else told))
    return facts


def _part_text(class_name: str | None, parameters: int) -> str:
    """ "AutoencoderKL, 0.70 M parameters", or whichever of the two is known."""
    known = [class_name] if class_name else []
    return ", ".join([*known, *([f"{count_text(parameters)} parameters"] if parameters else [])])


def _analysis_facts(study: Study) -> list[Fact]:
    manifest = study.manifest
    facts: list[Fact] = []
    if manifest.geometry is not None:
        facts += [
            ("Local distortion", f"rank {manifest.geometry.rank}, {manifest.geometry.route}"),
            ("Influence", _influence_text(manifest.geometry)),
        ]
    for name, entry in manifest.attacks.items():
        steps = [timestep for timestep in entry.timesteps if timestep is not None]
        stored = f"{len(steps)} timesteps, {min(steps)} to {max(steps)}" if steps else "stored"
        facts.append((get_attack(name).title, stored))
    made_by = manifest.made_by
    stored_bytes = sum(block.bytes for entry in manifest.arrays.values() for block in entry.blocks)
    facts += [
        ("Arrays", f"{stored_bytes / 1e6:.1f} MB"),
        ("Analysed in", f"{duration_text(made_by.analyze_seconds)} on {made_by.device}"),
        ("Finished", made_by.finished[:10]),
        ("Digest", f"{study.digest[:12]}…"),
    ]
    return facts


def _influence_text(geometry: GeometryEntry) -> str:
    probes = f"from {geometry.num_probes} probes"
    if geometry.method == "randomized":
        return f"estimated, {probes}"
    return f"exact, and {probes}" if geometry.num_probes else "exact"


def _product(shape: Sequence[int]) -> int:
    total = 1
    for length in shape:
        total *= length
    return total


_KINDS = {"paper": "checkpoints in the paper's layout"}
_PREDICTIONS = {
    "epsilon": "noise",
    "v_prediction": "velocity (v), converted to noise",
    "sample": "the clean latent, converted to noise",
}

_STYLE = """<style>
.ldviz-facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(250px, 1fr));
  gap: 20px 36px; padding: 18px 20px; font-size: 14px; line-height: 1.4;
  font-variant-numeric: tabular-nums; border-radius: 8px;
  border: 1px solid color-mix(in srgb, currentColor 18%, transparent); }
.ldviz-facts h4 { margin: 0 0 6px; padding: 0; font-size: 15px; font-weight: 600; }
.ldviz-facts dl { margin: 0; padding: 0; }
.ldviz-facts div { display: flex; justify-content: space-between; gap: 14px; padding: 3px 0;
  border-top: 1px solid color-mix(in srgb, currentColor 10%, transparent); }
.ldviz-facts dt { flex: none; margin: 0; padding: 0; font-weight: 400;
  color: color-mix(in srgb, currentColor 72%, transparent); }
.ldviz-facts dd { margin: 0; padding: 0; text-align: right; overflow-wrap: anywhere; }
</style>"""
