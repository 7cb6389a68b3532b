"""The paper's numbers: quoted, not computed."""

from __future__ import annotations

import subprocess
import sys

from ldviz.metrics import paper


def test_numbers_are_marked_as_the_papers():
    for masks in paper.SIMA_TABLE.values():
        assert tuple(masks) == ("random", "none", "influence")
        for metrics in masks.values():
            for key, measured in metrics.items():
                assert measured.source == "paper"
                assert measured.ci95 is None
                assert measured.value is None or 0.0 < measured.value < 1.0
                if key == "tpr_at_1pct_fpr" and measured.value is not None:
                    assert "held-out images are the positives" in measured.note


def test_spot_checks_against_the_tables():
    cifar = paper.SIMA_TABLE["CIFAR-10"]
    assert cifar["influence"]["auc"].value == 0.9126
    assert cifar["random"]["tpr_at_1pct_fpr"].value == 0.1592
    assert cifar["none"]["asr"].n_member == 25_000
    assert paper.SIMA_TABLE["CelebA 64²"]["random"]["auc"].value is None
    assert paper.FREQUENCY_TABLE["CelebA", "low"].value == -0.8713


def test_importing_the_room_is_light():
    """Pages import it at start: neither SciPy nor scikit-learn nor torch may come along."""
    code = (
        "import sys, importlib, pkgutil, ldviz.metrics as room\n"
        "for module in pkgutil.iter_modules(room.__path__):\n"
        "    importlib.import_module(f'ldviz.metrics.{module.name}')\n"
        "heavy = {'scipy', 'sklearn', 'torch', 'streamlit'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
