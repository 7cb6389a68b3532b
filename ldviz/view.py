"""What is being looked at: one value for the session, the link, undo and the export."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, field_validator

from ldviz.attacks.masks import MaskSpec
from ldviz.errors import InputError

Axes = Literal["linear", "log"]
Positive = Literal["member", "held_out"]

_HISTORY_LIMIT = 200
_SELECTION_LIMIT = 5000
MOST_SAVED = 12
MOST_COMPARED = 4
_LONGEST_NAME = 24


class NamedMask(BaseModel):
    """A mask saved under a name.

    Raises:
        InputError: for a name that is empty, too long, or that a link could not carry.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    mask: MaskSpec

    @field_validator("name")
    @classmethod
    def _plain(cls, value: str) -> str:
        if not re.fullmatch(rf"[\w %+,.()-]{{1,{_LONGEST_NAME}}}", value) or value != value.strip():
            raise InputError(
                f"A mask's name has 1 to {_LONGEST_NAME} letters, digits, spaces or any of "
                f'% + , . ( ) - _; got "{value[:40]}".'
            )
        if value.lower() == "no mask":
            raise InputError('"No mask" is what every mask is compared with; choose another name.')
        return value


class View(BaseModel):
    """The state that every page reads and that a link restores.

    Attributes:
        study: name of the study; None until one is chosen.
        other: name of the study that stands beside it on every page; None for none.
        samples: "all" for every sample of a large study, which pages then take their time for;
            None for a seeded sample of it.
        attack: name of a registered attack; None for the study's default.
        timestep: of the attack; None for the study's default.
        mask: which latent dimensions count.
        axes: of ROC curves.
        positive: the class that counts as detected; "held_out" is the paper code's convention.
        image: sample id of the current image; None for the study's first choice.
        selection: sample ids chosen in some figure; empty = all.
        saved: masks kept under a name, at most ``MOST_SAVED``.
        compared: names of those that stand side by side, at most ``MOST_COMPARED``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    study: str | None = None
    other: str | None = None
    samples: Literal["all"] | None = None
    attack: str | None = None
    timestep: int | None = None
    mask: MaskSpec = MaskSpec()
    axes: Axes = "linear"
    positive: Positive = "member"
    image: int | None = None
    selection: tuple[int, ...] = ()
    saved: tuple[NamedMask, ...] = ()
    compared: tuple[str, ...] = ()

    def changed(self, **changes: Any) -> View:
        """This view with some fields replaced."""
        return self.model_copy(update=changes)

    def to_query(self) -> dict[str, str]:
        """The parts that differ from the default, as the query of a link."""
        query: dict[str, str] = {}
        for name in ("study", "other", "samples", "attack", "timestep", "image"):
            value = getattr(self, name)
            if value is not None:
                query[name] = str(value)
        if self.mask != MaskSpec():
            query["mask"] = self.mask.to_text()
        if self.axes != "linear":
            query["axes"] = self.axes
        if self.positive != "member":
            query["positive"] = self.positive
        if self.selection:
            query["selection"] = ids_to_text(self.selection)
        if self.saved:
            query["saved"] = saved_to_text(self.saved)
        if self.compared:
            query["compared"] = ";".join(self.compared)
        return query

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> tuple[View, list[str]]:
        """The view that a link describes, and one message for each part that it cannot use.

        A part that cannot be used keeps its default and is reported, never guessed.
        Keys that are not the view's are left alone: Streamlit has its own.
        """
        values: dict[str, Any] = {}
        problems: list[str] = []
        for name, parse in _PARSERS.items():
            if name not in query:
                continue
            try:
                values[name] = parse(query[name])
            except (InputError, ValueError) as error:
                shown = str(query[name])[:60]
                problems.append(f'The link\'s `{name}` ("{shown}") cannot be used: {error}')
        known = [entry.name for entry in values.get("saved", ())]
        strangers = [name for name in values.get("compared", ()) if name not in known]
        if strangers:
            values["compared"] = tuple(n for n in values["compared"] if n in known)
            problems.append(f'The link compares "{strangers[0]}", a mask that it does not hold.')
        if values.get("other") is not None and values["other"] == values.get("study"):
            del values["other"]
            problems.append(
                f'The link compares the study "{values["study"]}" with itself: '
                "its `other` must name another one."
            )
        return cls(**values), problems


class History:
    """Undo and redo over views; immutable values, so a step back is exact."""

    def __init__(self) -> None:
        self._past: list[View] = []
        self._future: list[View] = []

    @property
    def can_undo(self) -> bool:
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        return bool(self._future)

    @property
    def past(self) -> tuple[View, ...]:
        """Views that undo leads back to, nearest last."""
        return tuple(self._past)

    @property
    def future(self) -> tuple[View, ...]:
        """Views that redo leads to, nearest last."""
        return tuple(self._future)

    def record(self, before: View) -> None:
        """Remember the view that a change replaces."""
        self._past.append(before)
        del self._past[:-_HISTORY_LIMIT]
        self._future.clear()

    def undo(self, now: View) -> View:
        """The view before the last change; ``now`` if there is none."""
        if not self._past:
            return now
        self._future.append(now)
        return self._past.pop()

    def redo(self, now: View) -> View:
        """The view that the last undo left; ``now`` if there is none."""
        if not self._future:
            return now
        self._past.append(now)
        return self._future.pop()


def ids_to_text(ids: tuple[int, ...]) -> str:
    """Sample ids as runs: (1, 2, 3, 7) -> "1-3.7"."""
    runs: list[list[int]] = []
    for value in sorted(set(ids)):
        if runs and value == runs[-1][1] + 1:
            runs[-1][1] = value
        else:
            runs.append([value, value])
    return ".".join(f"{low}-{high}" if low != high else f"{low}" for low, high in runs)


def ids_from_text(text: str) -> tuple[int, ...]:
    """The inverse of ``ids_to_text``.

    Raises:
        InputError: if the text is not of that form, or names too many samples.
    """
    ids: list[int] = []
    for run in text.split("."):
        low, _, high = run.partition("-")
        if not low.isdecimal() or (high and not high.isdecimal()):
            raise InputError('sample ids are written as runs, such as "1-3.7".')
        first, last = int(low), int(high or low)
        if last < first or len(ids) + last - first >= _SELECTION_LIMIT:
            raise InputError(f"a link holds at most {_SELECTION_LIMIT} samples, in rising runs.")
        ids.extend(range(first, last + 1))
    return tuple(ids)


def saved_to_text(saved: tuple[NamedMask, ...]) -> str:
    """Named masks in a link: "Paper:influence;Half:random~f0.5"."""
    return ";".join(f"{entry.name}:{entry.mask.to_text()}" for entry in saved)


def saved_from_text(text: str) -> tuple[NamedMask, ...]:
    """The inverse of ``saved_to_text``.

    Raises:
        InputError: if the text is not of that form, a name stands twice, or there are too many.
    """
    entries = []
    for part in text.split(";"):
        name, colon, mask = part.partition(":")
        if not colon:
            raise InputError('saved masks are written as "name:mask", joined by ";".')
        entries.append(NamedMask(name=name, mask=MaskSpec.from_text(mask)))
    names = [entry.name for entry in entries]
    if len(names) > MOST_SAVED or len(set(names)) < len(names):
        raise InputError(f"a link holds at most {MOST_SAVED} masks, each name once.")
    return tuple(entries)


def _names(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(text.split(";")))
    if len(names) > MOST_COMPARED:
        raise InputError(f"at most {MOST_COMPARED} masks are compared.")
    return names


def _one_of(*allowed: str):
    def parse(text: str) -> str:
        if text not in allowed:
            choices = " or ".join(f'"{one}"' for one in allowed)
            raise InputError(f"it must be {choices}.")
        return text

    return parse


def _whole_number(text: str) -> int:
    if not text.isdecimal() or len(text) > 18:
        raise InputError("a whole number, 0 or more, is expected.")
    return int(text)


_PARSERS = {
    "study": str,
    "other": str,
    "samples": _one_of("all"),
    "attack": str,
    "timestep": _whole_number,
    "mask": MaskSpec.from_text,
    "axes": _one_of("linear", "log"),
    "positive": _one_of("member", "held_out"),
    "image": _whole_number,
    "selection": ids_from_text,
    "saved": saved_from_text,
    "compared": _names,
}
