"""What became of every image that was found: kept, converted, skipped, and why."""

from __future__ import annotations

from collections import Counter
from typing import Literal

from pydantic import BaseModel, ConfigDict

MAX_EXAMPLES = 20


class ImageReport(BaseModel):
    """Counts of what was done to the images of a study.

    Attributes:
        place: what the images were read from, in words: "folder per side", "zip archive" ...
        split: what says who is a member: a seeded shuffle, a split file, or the place itself.
        found: images that the place holds.
        chosen: of those, the ones that the settings ask for.
        kept: of those, the ones that could be read.
        converted: what was done, to how many: one image may count several times.
        skipped: why chosen images could not be read, and how many.
        first_skipped: for each reason, the name of the first image that was skipped for it.
        examples: names of the first skipped images, and why in a sentence.
        ignored: files that were not taken for images, by reason.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    place: str
    split: Literal["seed", "file", "place"] = "seed"
    found: int
    chosen: int
    kept: int
    converted: dict[str, int] = {}
    skipped: dict[str, int] = {}
    first_skipped: dict[str, str] = {}
    examples: dict[str, str] = {}
    ignored: dict[str, int] = {}

    @property
    def num_skipped(self) -> int:
        """How many chosen images could not be read."""
        return self.chosen - self.kept

    def lines(self) -> list[str]:
        """The report as a few lines of text."""
        text = [f"Read {self.kept:,} of {self.chosen:,} images ({self.place})."]
        for words, counts in (
            ("Converted", self.converted),
            ("Skipped", self.skipped),
            ("Left alone", self.ignored),
        ):
            if counts:
                parts = ", ".join(f"{count:,} {reason}" for reason, count in counts.items())
                text.append(f"{words}: {parts}.")
        if self.examples:
            name, reason = next(iter(self.examples.items()))
            text.append(f'First skipped: "{name}": {reason}')
        return text


class Tally:
    """Counts while images are read; ``report`` ends it."""

    def __init__(self) -> None:
        self._converted: Counter[str] = Counter()
        self._skipped: Counter[str] = Counter()
        self._first: dict[str, str] = {}
        self._examples: dict[str, str] = {}

    def convert(self, notes: tuple[str, ...]) -> None:
        """Count what was done to one image."""
        self._converted.update(notes)

    def skip(self, name: str, kind: str, reason: str) -> None:
        """Count an image that cannot be used; the first few are named."""
        # A name on disk need not be valid text; the report is.
        name = name.encode(errors="replace").decode()
        self._skipped[kind] += 1
        self._first.setdefault(kind, name)
        if len(self._examples) < MAX_EXAMPLES:
            self._examples[name] = reason

    @property
    def first(self) -> str:
        """The first skipped image and why; empty if there is none."""
        return next((f'"{name}": {why}' for name, why in self._examples.items()), "")

    def report(
        self,
        *,
        place: str,
        split: Literal["seed", "file", "place"],
        found: int,
        chosen: int,
        kept: int,
        ignored: dict[str, int],
    ) -> ImageReport:
        """The finished report, most frequent first."""
        return ImageReport(
            place=place,
            split=split,
            found=found,
            chosen=chosen,
            kept=kept,
            converted=dict(self._converted.most_common()),
            skipped=dict(self._skipped.most_common()),
            first_skipped=self._first,
            examples=self._examples,
            ignored=ignored,
        )
