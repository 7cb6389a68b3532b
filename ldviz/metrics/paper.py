"""The paper's reference numbers, to stand beside ours and never among them.

Source: Rao, Qu and Moyer, *Latent Diffusion Inversion Requires Understanding the Latent
Space*, arXiv:2511.20592v3: SimA with the lowest-influence 40 % dropped (Tables 1 and 2),
Pearson correlations of local distortion (Table 3).  The paper prints per cent; these are
shares.  It gives no intervals.
"""

from __future__ import annotations

from ldviz.metrics.measured import Measured

#: What is said wherever these numbers appear beside ours.
CONVENTION = (
    "The paper's code counts held-out images as positives, which leaves AUC and ASR alone "
    "and changes TPR at 1 % FPR."
)

_TPR_NOTE = "Paper code's convention: held-out images are the positives."

#: Rows of the paper's main tables, (data, n_member, n_held_out), where it says so.
_DATA = {
    "CIFAR-10": (25_000, 25_000),
    "CelebA 64²": (None, None),
    "ImageNet 256² (100k subset)": (None, None),
    "Pokémon, SD 1.4 fine-tuned": (416, 417),
    "MS-COCO, SD 1.4": (2_500, 2_500),
    "Flickr, SD 1.4": (10_000, 10_000),
}

#: Per cent: data -> metric -> (random dropped, nothing dropped, lowest influence dropped).
_PERCENT: dict[str, dict[str, tuple[float | None, float, float]]] = {
    "CIFAR-10": {
        "auc": (86.44, 89.10, 91.26),
        "asr": (78.80, 81.63, 83.58),
        "tpr_at_1pct_fpr": (15.92, 19.88, 24.56),
    },
    "CelebA 64²": {
        "auc": (None, 84.66, 88.18),
        "asr": (None, 77.04, 80.25),
        "tpr_at_1pct_fpr": (None, 11.09, 17.03),
    },
    "ImageNet 256² (100k subset)": {
        "auc": (None, 69.62, 72.55),
        "asr": (None, 64.92, 67.01),
        "tpr_at_1pct_fpr": (None, 3.87, 7.77),
    },
    "Pokémon, SD 1.4 fine-tuned": {
        "auc": (None, 93.50, 94.83),
        "asr": (None, 87.87, 89.68),
        "tpr_at_1pct_fpr": (None, 20.38, 52.04),
    },
    "MS-COCO, SD 1.4": {
        "auc": (None, 93.71, 96.86),
        "asr": (None, 87.34, 92.10),
        "tpr_at_1pct_fpr": (None, 29.80, 49.44),
    },
    "Flickr, SD 1.4": {
        "auc": (None, 70.04, 73.61),
        "asr": (None, 65.96, 68.45),
        "tpr_at_1pct_fpr": (None, 2.59, 3.49),
    },
}


def _share(data: str, metric: str, percent: float | None) -> Measured:
    n_member, n_held_out = _DATA[data]
    note = _TPR_NOTE if metric.startswith("tpr") else ""
    if percent is None:
        note = "The paper does not give this number."
    return Measured(
        value=None if percent is None else round(percent / 100.0, 6),
        n_member=n_member,
        n_held_out=n_held_out,
        source="paper",
        note=note,
    )


#: data -> mask ("random", "none", "influence") -> metric key -> Measured; SimA, drop 40 %.
SIMA_TABLE: dict[str, dict[str, dict[str, Measured]]] = {
    data: {
        mask: {
            metric: _share(data, metric, percents[column]) for metric, percents in metrics.items()
        }
        for column, mask in enumerate(("random", "none", "influence"))
    }
    for data, metrics in _PERCENT.items()
}

#: (data, band) -> Pearson r between local distortion and log magnitude in that band.
FREQUENCY_TABLE: dict[tuple[str, str], Measured] = {
    ("CIFAR-10", "high"): Measured(value=0.7156, source="paper"),
    ("CIFAR-10", "low"): Measured(value=0.0814, source="paper"),
    ("CelebA", "low"): Measured(value=-0.8713, source="paper"),
}

#: Metric key -> smallest and largest average gain of the influence mask over no mask, over
#: the four attacks SimA, SecMI, PIA and Loss.
MEAN_GAIN: dict[str, tuple[float, float]] = {
    "auc": (0.011, 0.032),
    "asr": (0.012, 0.038),
    "tpr_at_1pct_fpr": (0.008, 0.148),
}
