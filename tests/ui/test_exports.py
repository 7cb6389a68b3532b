"""What leaves the page: files that hold what was shown, and say where it came from."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import plotly.graph_objects as go

from ldviz.metrics.measured import Measured
from ldviz.study.store import open_study
from ldviz.ui.exports import (
    ExportTable,
    PageExport,
    as_json,
    chart_config,
    figure_rows,
    file_stem,
    measured_row,
    page_json,
    rows_csv,
)
from ldviz.view import View
from tests.pages.hand_made_study import write_hand_made_study


def test_rows_with_different_columns_share_one_header():
    text = rows_csv([{"a": 1, "b": "x, y"}, {"a": 2, "c": None}])
    assert list(csv.DictReader(io.StringIO(text))) == [
        {"a": "1", "b": "x, y", "c": ""},
        {"a": "2", "b": "", "c": ""},
    ]


def test_a_figures_data_are_the_points_that_it_draws():
    figure = go.Figure(
        [
            go.Scatter(
                name="line",
                x=np.array([0, 10]),
                y=np.array([0.5, np.nan]),
                customdata=[[7], [8]],
                error_y={"array": [0.1, 0.2], "arrayminus": [0.3, 0.4]},
            ),
            go.Heatmap(name="square", x=["a", "b"], y=["c"], z=[[1.0, 2.0]]),
        ]
    )
    assert figure_rows(figure) == [
        {"trace": "line", "x": 0, "y": 0.5, "error_above": 0.1, "error_below": 0.3, "id": 7},
        {"trace": "line", "x": 10, "y": None, "error_above": 0.2, "error_below": 0.4, "id": 8},
        {"trace": "square", "x": "a", "y": "c", "z": 1.0},
        {"trace": "square", "x": "b", "y": "c", "z": 2.0},
    ]


def test_numbers_keep_their_interval_counts_and_seed():
    number = Measured(value=0.7, ci95=(0.6, 0.8), n_member=3, n_held_out=4, seed=5)
    row = measured_row(number)
    assert (row["ci95_low"], row["ci95_high"], row["n_member"], row["seed"]) == (0.6, 0.8, 3, 5)
    assert measured_row(Measured(value=None))["ci95_low"] is None
    assert as_json({("a", "b"): number})["a_minus_b"]["ci95"] == [0.6, 0.8]


def test_pictures_are_saved_under_the_studys_name(tmp_path: Path):
    study = open_study(write_hand_made_study(tmp_path / "noise"))
    assert file_stem(study, "Timesteps", "TPR@1%FPR") == "noise-timesteps-tpr-1-fpr"
    options = chart_config(study, "samples", "scatter", select=True)
    assert options["toImageButtonOptions"]["filename"] == "noise-samples-scatter"
    assert options["toImageButtonOptions"]["format"] in ("png", "svg")
    assert "lasso2d" not in options["modeBarButtonsToRemove"]


def test_the_view_as_json_says_what_was_shown_and_of_what(tmp_path: Path):
    study = open_study(write_hand_made_study(tmp_path / "noise"))
    rows = [{"metric": "auc", "value": np.float64(0.75), "ci95_low": float("nan")}]
    export = PageExport(
        page="timesteps", tables=[ExportTable("Numbers", lambda: rows)], settings={"seed": 0}
    )
    content = json.loads(json.dumps(page_json(study, View(attack="sima", timestep=50), export)))
    assert content["tables"]["Numbers"] == [{"metric": "auc", "value": 0.75, "ci95_low": None}]
    assert content["link"] == {"study": "noise", "attack": "sima", "timestep": "50"}
    assert (content["study"]["n_member"], content["study"]["n_held_out"]) == (40, 40)
    assert content["study"]["digest"] == study.digest
    assert content["versions"]["here"]["ldviz"]
    assert content["settings"] == {"seed": 0}
