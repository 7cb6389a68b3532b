"""Memory kept between products."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

from ldviz.geometry.memory import kept_memory

PROGRAM = """
import resource, torch
from contextlib import nullcontext
from ldviz.geometry.memory import kept_memory

def cleared():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    tensors = [torch.ones(4 * 2**20) for _ in range(6)]
    del tensors
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

torch.set_num_threads(1)
with {context}:
    with {context}:
        cleared()
    for _ in range(8):
        cleared()
    print(cleared())
print(cleared())
"""


def pages_cleared(context: str) -> list[int]:
    """Pages that the system clears for 96 MiB of tensors used before: inside, then afterwards."""
    program = PROGRAM.replace("{context}", context)
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return [int(line) for line in found.stdout.split()]


@pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "gnu_get_libc_version"), reason="needs the GNU C library"
)
def test_memory_stays_while_it_is_kept_and_is_handed_back_afterwards():
    inside, afterwards = pages_cleared("kept_memory()")
    without, _ = pages_cleared("nullcontext()")

    assert inside < 100
    assert without > 2000
    assert afterwards > 2000


def test_what_is_raised_inside_passes_through():
    with pytest.raises(ValueError, match="inside"), kept_memory():
        raise ValueError("inside")
