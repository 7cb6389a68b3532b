"""Masks as short text for links: ``influence~f0.4~c1.3~s0-7``.

Parts are joined by ``~`` and every character is one that links carry as it
is.  The first part is the kind; each further part is a letter and its value,
left out where it is the default.
"""

from __future__ import annotations

from typing import Any

from ldviz.errors import InputError

_LETTERS = {
    "f": "drop_fraction",
    "b": "band",
    "g": "ranking",
    "c": "channels_off",
    "s": "cells_off",
    "d": "dims_off",
    "r": "seed",
    "n": "draw",
}
_MAX_INDEX = 2**24
"""Above any latent size; keeps a link from asking for a list that fills memory."""


def encoded(fields: dict[str, Any]) -> str:
    """The text of the given fields of a mask; ``kind`` is required."""
    parts = [fields["kind"]]
    for letter, name in _LETTERS.items():
        if name not in fields:
            continue
        value = fields[name]
        if name == "band":
            parts.append(f"{letter}{float(value[0])!r}_{float(value[1])!r}")
        elif name == "ranking":
            parts.append(letter)
        elif isinstance(value, tuple):
            parts.append(letter + _runs(value))
        else:
            parts.append(f"{letter}{value!r}")
    return "~".join(parts)


def decoded(text: str) -> dict[str, Any]:
    """The fields that ``text`` names; raises InputError where it is not such a text."""
    kind, *parts = text.split("~")
    fields: dict[str, Any] = {"kind": kind}
    for part in parts:
        name = _LETTERS.get(part[:1])
        if name is None or name in fields:
            raise _garbled(text, part)
        try:
            fields[name] = _value(name, part[1:])
        except ValueError:
            raise _garbled(text, part) from None
    return fields


def _value(name: str, text: str) -> Any:
    """One part's value; ValueError where it cannot be read."""
    if name == "drop_fraction":
        return float(text)
    if name == "band":
        low, high = text.split("_")
        return (float(low), float(high))
    if name == "ranking":
        if text:
            raise ValueError(text)
        return "global"
    if name in ("seed", "draw"):
        return int(text)
    indices: list[int] = []
    for run in text.split("."):
        first, _, last = run.partition("-")
        low, high = int(first), int(last or first)
        if not 0 <= low <= high < _MAX_INDEX or len(indices) + high - low >= _MAX_INDEX:
            raise ValueError(run)
        indices.extend(range(low, high + 1))
    return tuple(indices)


def _runs(indices: tuple[int, ...]) -> str:
    """Sorted indices as runs: 0.3-7.9."""
    runs: list[list[int]] = []
    for index in indices:
        if runs and index == runs[-1][1] + 1:
            runs[-1][1] = index
        else:
            runs.append([index, index])
    return ".".join(str(low) if low == high else f"{low}-{high}" for low, high in runs)


def _garbled(text: str, part: str) -> InputError:
    """The error for a text that is not a mask's."""
    shown = text if len(text) <= 80 else text[:77] + "..."
    return InputError(
        f'The mask "{shown}" cannot be read at "{part[:40]}". A mask reads like '
        '"influence~f0.4" or "random~f0.4~c1.3"; choose it anew on the Attack page.'
    )
