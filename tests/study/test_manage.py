"""Studies renamed, put away and brought back."""

from __future__ import annotations

from pathlib import Path

import pytest

from ldviz.errors import StudyError
from ldviz.study.manage import (
    own_studies_folder,
    remove_study,
    removed_studies,
    rename_study,
    restore_study,
    unfinished_studies,
)
from ldviz.study.places import BUNDLED
from ldviz.study.store import find_studies, open_study
from tests.pages.hand_made_study import write_hand_made_study


@pytest.fixture
def studies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "studies"
    monkeypatch.setenv("LDVIZ_STUDIES", str(folder))
    write_hand_made_study(folder / "noise")
    return folder


def test_a_title_changes_and_the_digest_does_not(studies: Path) -> None:
    before = open_study(studies / "noise")
    rename_study(studies / "noise", "  Noise of mine ")
    after = open_study(studies / "noise")
    assert (before.title, after.title) == ("Hand-made noise", "Noise of mine")
    assert after.digest == before.digest
    assert after.name == "noise"


@pytest.mark.parametrize("title", ["", "   ", "two\nlines", "x" * 81])
def test_a_title_is_one_line(studies: Path, title: str) -> None:
    with pytest.raises(StudyError, match="one line of 1 to 80 characters"):
        rename_study(studies / "noise", title)
    assert open_study(studies / "noise").title == "Hand-made noise"


def test_a_removed_study_comes_back_whole(studies: Path) -> None:
    digest = open_study(studies / "noise").digest
    removed = remove_study(studies / "noise")
    assert find_studies([studies]) == {}
    assert removed_studies() == [removed]
    assert restore_study(removed) == studies / "noise"
    assert open_study(studies / "noise").digest == digest
    assert removed_studies() == []


def test_the_same_name_can_be_removed_twice_and_overwrites_nothing(studies: Path) -> None:
    first = remove_study(studies / "noise")
    write_hand_made_study(studies / "noise", title="Another")
    with pytest.raises(StudyError, match='There is a study "noise" again'):
        restore_study(first)
    assert open_study(studies / "noise").title == "Another"
    second = remove_study(studies / "noise")
    assert first.path != second.path
    assert len(removed_studies()) == 2
    restore_study(first)
    assert open_study(studies / "noise").title == "Hand-made noise"


def test_what_comes_with_ldviz_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LDVIZ_STUDIES", str(BUNDLED))
    for change in (remove_study, lambda path: rename_study(path, "Mine")):
        with pytest.raises(StudyError, match="comes with ldviz and stays as it is"):
            change(BUNDLED / "digits")
    with pytest.raises(StudyError, match="New studies would go to"):
        own_studies_folder()


def test_unfinished_ones_are_those_with_settings_and_no_manifest(studies: Path) -> None:
    (studies / "begun").mkdir()
    (studies / "begun" / "settings.json").write_text("{}")
    (studies / "foreign").mkdir()
    assert unfinished_studies() == {"begun": studies / "begun"}
