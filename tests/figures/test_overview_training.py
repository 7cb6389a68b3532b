"""The Overview's figures: losses, and the epoch that was kept."""

from __future__ import annotations

from ldviz.figures.overview_training import autoencoder_losses, denoiser_loss, selection_curve

EVALUATIONS = [
    {"epoch": 20, "timesteps": [0, 50], "auc": [0.5, 0.6], "best_auc": 0.6, "kept": False},
    {"epoch": 40, "timesteps": [0, 50], "auc": [0.6, 0.8], "best_auc": 0.8, "kept": True},
]


def test_the_selection_curve_marks_the_kept_epoch_and_the_target():
    figure = selection_curve(EVALUATIONS, 0.85)
    each, best, kept = figure.data
    assert each.x == (20, 40, None, 20, 40, None)
    assert each.y == (0.5, 0.6, None, 0.6, 0.8, None)
    assert (best.x, best.y) == ((20, 40), (0.6, 0.8))
    assert (kept.x, kept.y) == ((40,), (0.8,))
    assert [shape.y0 for shape in figure.layout.shapes] == [0.85, 0.5]
    assert figure.layout.yaxis.title.text == "SimA AUC"


def test_losses_stand_over_their_epochs():
    log = [{"epoch": 1.0, "reconstruction": 0.3, "kl": 0.5, "seconds": 1.0}]
    reconstruction, kl = autoencoder_losses(log).data
    assert (reconstruction.x, reconstruction.y) == ((1.0,), (0.3,))
    assert (kl.y, kl.yaxis) == ((0.5,), "y2")
    figure = denoiser_loss([{"epoch": 1.0, "loss": 0.9}, {"epoch": 2.0, "loss": 0.4}])
    assert figure.data[0].y == (0.9, 0.4)
    assert figure.layout.yaxis.type == "log"
    assert figure.layout.yaxis.title.text == "Mean squared error of the noise"
