"""The processes that share a study's work, one or several, as Accelerate has them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from accelerate import PartialState

PATIENCE = timedelta(days=30)
"""How long a process waits for the others.  One may have the last block, or the ranks, for
itself for hours; the launcher ends the others at once when one fails."""


def start_processes(device: str | None) -> PartialState:
    """Join the other processes, if there are any; to be called before anything is computed.

    Args:
        device: "cpu", "cuda" ...; None lets Accelerate choose, for each process its own.
    """
    from accelerate import PartialState

    # Without the rendezvous of a launcher Accelerate takes no timeout.
    several = int(os.environ.get("WORLD_SIZE", "1")) > 1
    return PartialState(cpu=device == "cpu", **({"timeout": PATIENCE} if several else {}))


def gathered(processes: PartialState, values: Sequence[Any]) -> list[Any]:
    """What every process has found, process by process, told to all of them."""
    from accelerate.utils import gather_object

    return gather_object(list(values)) if processes.num_processes > 1 else list(values)
