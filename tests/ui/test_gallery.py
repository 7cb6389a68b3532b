"""What the gallery sends: small pictures, words for every one, the class without colour."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from ldviz.study.store import open_study
from ldviz.ui.gallery import (
    GalleryGroup,
    ImageFacts,
    gallery_payload,
    image_facts,
    score_note,
    score_text,
)
from ldviz.ui.thumbnails import enlarged_uri, spaced_sheet_uri, sprite_sheet, thumbnail_uri
from ldviz.ui.thumbnails_hover import hover_payload
from tests.pages.hand_made_study import write_hand_made_study


def decoded(uri: str) -> np.ndarray:
    content = base64.b64decode(uri.partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(content)))


@pytest.mark.parametrize("channels", [1, 3])
def test_small_thumbnails_keep_every_pixel(channels):
    pixels = np.random.default_rng(0).integers(0, 256, (32, 24, channels), dtype=np.uint8)
    picture = decoded(thumbnail_uri(pixels))
    assert np.array_equal(picture, np.broadcast_to(pixels, (32, 24, 3)))


def test_large_images_are_shrunk():
    pixels = np.random.default_rng(0).integers(0, 256, (512, 256, 3), dtype=np.uint8)
    uri = thumbnail_uri(pixels)
    assert decoded(uri).shape == (96, 48, 3)
    assert len(uri) < 20_000


def test_enlarging_repeats_pixels_and_never_smooths():
    pixels = np.array([[[0], [255]], [[255], [0]]], dtype=np.uint8)
    picture = decoded(enlarged_uri(pixels, side=6))[..., 0]
    assert np.array_equal(picture, np.kron(pixels[..., 0], np.ones((3, 3), dtype=np.uint8)))


def test_a_sheet_holds_images_row_after_row():
    images = np.zeros((5, 32, 32, 1), dtype=np.uint8)
    images[4] = 255
    sheet = sprite_sheet(images)
    assert (sheet.columns, sheet.side, sheet.count) == (3, 32, 5)
    picture = decoded(sheet.uri)[..., 0]
    assert picture.shape == (64, 96)
    assert picture[34:62, 34:62].min() > 240
    assert picture[:30, :].max() < 15


def test_a_sheet_too_large_for_its_limit_uses_smaller_images_or_none():
    images = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3), dtype=np.uint8)
    whole = sprite_sheet(images)
    small = sprite_sheet(images, limit_bytes=len(whole.uri) - 1)
    assert small.side < whole.side == 32
    assert sprite_sheet(images, limit_bytes=100) is None


def test_a_stored_sheet_gets_room_between_its_images(tmp_path):
    sheet = np.arange(4 * 4, dtype=np.uint8).reshape(4, 4) * 10
    Image.fromarray(sheet).save(tmp_path / "sheet.png")
    picture = decoded(spaced_sheet_uri(tmp_path / "sheet.png", (1, 2), lines_together=2, gap=3))
    # Two columns with a gap of 3; lines in pairs a pixel apart, pairs a gap apart.
    assert picture.shape == (1 + 1 + 1 + 3 + 1 + 1 + 1, 2 + 3 + 2, 4)
    assert picture[0, [0, 1, 5, 6], 0].tolist() == [0, 10, 20, 30]
    assert picture[2, [0, 1, 5, 6], 0].tolist() == [40, 50, 60, 70]
    assert picture[6, [0, 1, 5, 6], 0].tolist() == [80, 90, 100, 110]
    assert picture[1].max() == 0


def test_a_sheet_that_is_missing_or_of_another_size_is_not_shown(tmp_path):
    assert spaced_sheet_uri(tmp_path / "none.png", (8, 8)) is None
    Image.fromarray(np.zeros((9, 8), dtype=np.uint8)).save(tmp_path / "odd.png")
    assert spaced_sheet_uri(tmp_path / "odd.png", (8, 8)) is None
    (tmp_path / "text.png").write_text("no picture")
    assert spaced_sheet_uri(tmp_path / "text.png", (8, 8)) is None


def test_every_picture_has_words_and_the_class_is_told_without_colour(tmp_path):
    study = open_study(write_hand_made_study(tmp_path / "noise"))
    facts = image_facts(study)
    groups = [GalleryGroup("Lowest", "of all", [0, 1]), GalleryGroup("None", "", [])]
    payload = gallery_payload(study, facts, groups, current=101)
    json.dumps(payload, allow_nan=False)
    member, held_out = payload["groups"][0]["items"]
    assert payload["current"] == 101
    assert (member["id"], member["kind"], member["filled"]) == (100, "member", True)
    assert (held_out["id"], held_out["kind"], held_out["filled"]) == (101, "held-out", False)
    assert member["alt"].startswith(
        "Image 100, member, class 0, local distortion −0.60 nats, score"
    )
    assert member["value"] == "−0.60 nats"
    assert member["lines"][0].startswith("score −")
    assert payload["groups"][1]["items"] == []


def test_without_geometry_or_scores_an_image_is_named_by_its_id(tmp_path):
    study = open_study(write_hand_made_study(tmp_path / "noise", with_labels=False))
    payload = gallery_payload(study, ImageFacts(None, None), [GalleryGroup("", "", [3])], None)
    (item,) = payload["groups"][0]["items"]
    assert (item["value"], item["lines"], item["alt"]) == ("103", [], "Image 103, held-out")


@pytest.mark.parametrize(
    ("score", "text"),
    [
        (-13.0, "−13.0"),
        (-302.4, "−302"),
        (-1234.5, "−1,234"),
        (0.0312, "0.0312"),
        (2e9, "2.00e+09"),
    ],
)
def test_scores_keep_three_digits(score, text):
    assert score_text(score) == text


def test_the_score_is_named_after_its_attack_and_timestep(tmp_path):
    study = open_study(write_hand_made_study(tmp_path / "noise"))
    assert score_note(study).startswith("Score: SimA at timestep 50, without a mask")
    bare = open_study(write_hand_made_study(tmp_path / "bare", with_attack=False))
    assert "not available" in score_note(bare)


def test_hover_cards_know_each_image_by_its_id(tmp_path):
    study = open_study(write_hand_made_study(tmp_path / "noise"))
    facts = image_facts(study)
    sheet = sprite_sheet(study.images(np.arange(80)))
    payload = hover_payload(study, facts, sheet, "map")
    json.dumps(payload, allow_nan=False)
    assert payload["ids"][3] == 103
    titles = {line["title"]: line["values"][3] for line in payload["lines"]}
    assert titles["Image"] == 103
    assert titles["class"] == 1
    assert titles["distortion"] == f"{study.local_distortion()[3]:.2f}"
    assert payload["sprite"]["columns"] == 9
    assert hover_payload(study, facts, None, "map")["sprite"] is None
