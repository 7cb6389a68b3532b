"""What a long computation will cost: passes, disk, time.  Imports no torch."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """What is still to be done.

    Attributes:
        samples: in the study.
        passes: of each model over one sample; a product with the decoder's Jacobian counts
            as two, and a step of training, forwards and backwards, as one.
        disk_bytes: to be written; images, which compress, count in full.
        free_bytes: where they will be written.
        seconds: on this device, by so many processes like this one.
        trial_samples: that the time was measured on.
        device, processes: where, and how many of them.
        finished: the share of the passes that an earlier run has made, in [0, 1].
    """

    samples: int
    passes: dict[str, float]
    disk_bytes: int
    free_bytes: int
    seconds: float
    trial_samples: int
    device: str
    processes: int
    finished: float = 0.0

    def lines(self) -> list[str]:
        """For the terminal."""
        passes = [f"{name} {round(count):,}" for name, count in self.passes.items() if count]
        many = "one process" if self.processes == 1 else f"{self.processes} processes"
        there = f"; {self.finished:.0%} of the work is there already" if self.finished else ""
        return [
            f"samples   {self.samples:,}{there}",
            f"passes    {', '.join(passes) or 'none'}",
            f"disk      about {size_text(self.disk_bytes)}; {size_text(self.free_bytes)} are free",
            f"time      {duration_text(self.seconds)} on {self.device}, {many} "
            f"(from a trial of {self.trial_samples} samples)",
        ]


def size_text(number: int) -> str:
    """Bytes for people."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if number >= size:
            return f"{number / size:,.1f} {unit}"
    return f"{number} bytes"


def duration_text(seconds: float) -> str:
    """Seconds for people, in two units at most."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"about {max(1, round(seconds))} s"
    if minutes < 90:
        return f"about {minutes} min"
    if minutes < 48 * 60:
        return f"about {minutes // 60} h {minutes % 60} min"
    return f"about {minutes // 1440} days {minutes % 1440 // 60} h"


def free_bytes(folder: Path) -> int:
    """On the disk of a folder that may not be there yet."""
    whole = folder.absolute()
    return shutil.disk_usage(next(path for path in (whole, *whole.parents) if path.exists())).free
