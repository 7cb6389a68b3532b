"""The Python side of the mask lab: what is sent, and what is believed of what comes back."""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from ldviz.attacks.masks import MaskSpec, dropped_range
from ldviz.attacks.ranked import drop_ranks
from ldviz.attacks.statistic import masked_statistics
from ldviz.errors import InputError
from ldviz.metrics.intervals import metric_intervals
from ldviz.metrics.roc import detection_counts, roc_auc
from ldviz.ui.mask_lab import LabImage, MaskLabPayload, MaskLabState, new_actions
from ldviz.ui.mask_sweep import build_sweep, slider_fractions
from tests.e2e.apps.mask_lab_study import SHAPE, made_up_study

STATE = MaskLabState(drop_fraction=0.4)
DEMO = Path(__file__).parents[1] / "e2e" / "apps" / "mask_lab_demo.py"


def payload_of(num_member: int, num_held_out: int, fractions, **changes) -> MaskLabPayload:
    study = made_up_study(num_member, num_held_out)
    on = np.ones(study.values.shape[1], dtype=bool)
    fields = {
        "state": STATE,
        "initial": STATE,
        "context": "test",
        "latent_shape": SHAPE,
        "influence": study.influence,
        "sweep": build_sweep(study.values, study.orders, on, study.is_member, fractions),
        "num_member": num_member,
        "num_held_out": num_held_out,
        "seed": 0,
    }
    return MaskLabPayload(**(fields | changes))


def test_the_whole_sweep_of_1797_samples_is_small_strict_json():
    message = payload_of(899, 898, slider_fractions(0.4)).to_json(3)
    text = json.dumps(message, allow_nan=False)
    assert len(text) < 400_000
    assert message["seq"] == 3
    assert set(message["names"]) >= set(message["curves"]["kinds"])
    assert set(message["colors"]) >= set(message["curves"]["kinds"])


def test_what_is_not_available_is_null():
    message = payload_of(30, 3, [0.4]).to_json(0)
    assert message["curves"]["kinds"]["influence"]["tpr"] == [None]
    assert 0 <= message["curves"]["kinds"]["influence"]["auc"][0] <= 1


def test_the_axes_name_the_positive_class():
    member = payload_of(30, 20, [0.4]).to_json(0)["positive"]
    held_out = payload_of(30, 20, [0.4], positive="held_out").to_json(0)["positive"]
    assert "members found" in member["y_title"]
    assert "held-out accused" in member["x_title"]
    assert "held-out found" in held_out["y_title"]
    assert "paper code" in held_out["note"]
    assert (member["num_positive"], held_out["num_positive"]) == (30, 20)


def test_intervals_are_sent_with_their_differences_to_no_mask():
    is_member = np.arange(240) < 120
    generator = np.random.default_rng(0)
    scores = {name: generator.random(240) + is_member for name in ("none", "influence", "random")}
    table = metric_intervals(
        is_member,
        scores,
        pairs=[("influence", "none"), ("influence", "random")],
        num_resamples=100,
    )
    sent = payload_of(30, 20, [0.4], intervals=table).to_json(0)["intervals"]
    assert set(sent["metrics"]) == set(scores)
    assert list(sent["differences"]) == ["influence"], "only differences to no mask are shown"
    measured = table.differences["influence", "none"]["tpr_at_1pct_fpr"]
    assert sent["differences"]["influence"]["tpr"]["ci95"] == measured.ci95
    assert sent["drop_fraction"] == STATE.drop_fraction


def test_the_history_sent_is_bounded_and_keeps_the_nearest():
    past = tuple(MaskLabState(drop_fraction=step / 100) for step in range(60))
    sent = payload_of(30, 20, [0.4], past=past).to_json(0)["past"]
    assert len(sent) == 20
    assert sent[-1]["drop_fraction"] == 0.59


def test_a_mask_survives_the_way_to_the_lab_and_back():
    mask = MaskSpec(
        drop_fraction=0.25,
        channels_off=(2, 0),
        cells_off=(5,),
        dims_off=(9,),
        ranking="global",
        band=(0.2, 0.5),
        seed=4,
    )
    state = MaskLabState.of(mask, "log")
    assert state.channels_off == (0, 2)
    assert state.applied_to(MaskSpec(seed=4)) == mask


def test_a_band_has_one_row_that_is_the_library_s():
    study = made_up_study(30, 20)
    on = np.arange(256) >= 64
    order = study.orders["influence"]
    sweep = build_sweep(
        study.values,
        study.orders,
        on,
        study.is_member,
        [0.2, 0.6],
        bands={"band": (drop_ranks(order), 38, 96)},
    )
    spec = MaskSpec(kind="band", band=(0.2, 0.5))
    assert dropped_range(spec, 192) == (38, 96)
    statistics = masked_statistics(study.values, order, on, 58, start=38)
    curve = sweep.curves["band"]
    np.testing.assert_array_equal(
        curve.counts[0], np.append(detection_counts(study.is_member, -statistics), 30)
    )
    assert curve.auc == [roc_auc(study.is_member, -statistics)]


def test_the_image_sent_holds_its_own_drop_orders():
    order = np.arange(256)[::-1]
    image = LabImage(title="image 3", uri="data:,", orders={"influence": order})
    sent = payload_of(30, 20, [0.4], image=image).to_json(0)["image"]
    unpacked = np.frombuffer(
        zlib.decompress(base64.b64decode(sent["orders"]["influence"]["data"])), dtype=np.uint8
    )
    np.testing.assert_array_equal(unpacked, order)
    assert (sent["title"], sent["uri"]) == ("image 3", "data:,")


def action(seq: int, kind: str = "set", **state) -> dict:
    return {"seq": seq, "type": kind} | ({"state": {"drop_fraction": 0.5} | state} if state else {})


def test_each_action_is_passed_on_once_and_in_order():
    queue = [action(4, "undo"), action(5, channels_off=[1]), action(6, "redo")]
    sent = {"seq": 6, "actions": queue}
    event = new_actions(sent, 4)
    assert [(a.seq, a.type) for a in event.actions] == [(5, "set"), (6, "redo")]
    assert event.actions[0].state.channels_off == (1,)
    assert event.seq == 6
    assert new_actions(sent, 6) is None
    assert new_actions(None, 0) is None


@pytest.mark.parametrize(
    "sent",
    [
        "text",
        {"seq": 1, "actions": [action(1, "explode")]},
        {"seq": 1, "actions": [action(1, drop_fraction=40.0)]},
        {"seq": 1, "actions": [action(1, channels_off=["a"])]},
        {"seq": 1, "actions": [action(1, axes="cubic")]},
        {"seq": 1, "actions": [action(1, band=[0.5, 0.2])]},
        {"seq": 1, "actions": [action(1, ranking="alphabetical")]},
    ],
)
def test_a_message_that_is_none_is_refused(sent):
    with pytest.raises(InputError, match="mask lab sent a message that cannot be read"):
        new_actions(sent, 0)


def stage_script() -> None:
    import streamlit as st

    from ldviz.ui.mask_lab import MaskLabState, wanted_stage
    from ldviz.ui.mask_lab import _Need as Need

    state = MaskLabState(drop_fraction=0.4, channels_off=(1,))
    stages = [wanted_stage("lab", "a", state)]
    st.session_state["lab/need"] = Need(
        context="a", state=state.model_copy(update={"axes": "log"}), stage=3
    )
    stages.append(wanted_stage("lab", "a", state))
    stages.append(wanted_stage("lab", "a", state.model_copy(update={"drop_fraction": 0.5})))
    stages.append(wanted_stage("lab", "a", state.model_copy(update={"channels_off": ()})))
    stages.append(wanted_stage("lab", "a", state.model_copy(update={"band": (0.1, 0.2)})))
    stages.append(wanted_stage("lab", "other", state))
    st.session_state["stages"] = stages


def test_a_stage_is_wanted_for_the_mask_that_was_asked_about_and_no_other():
    app = AppTest.from_function(stage_script).run()
    assert not app.exception
    # Not asked; asked; the sweep still holds at another fraction, the intervals do not; another
    # composition or context starts again.
    assert app.session_state["stages"] == [1, 3, 2, 1, 1, 1]


def test_the_demo_page_runs():
    app = AppTest.from_file(DEMO, default_timeout=20).run()
    assert not app.exception
    assert "stage 1" in app.caption[0].value


def test_a_page_with_one_class_shows_a_message_instead_of_raising():
    app = AppTest.from_file(DEMO, default_timeout=20)
    app.query_params["held_out"] = "0"
    app.run()
    assert not app.exception
