"""Progress on a terminal: ends cleanly when it is told to stop, one process speaks for all."""

from __future__ import annotations

import os
import signal
import time

import pytest

from ldviz.errors import CancelledError
from ldviz.jobs.terminal import is_main_process, terminal_progress


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_work_cleanly(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    cleaned = []

    def work() -> None:
        with terminal_progress():
            try:
                os.kill(os.getpid(), number)
                time.sleep(5)
            finally:
                # A launcher passes on what the terminal has sent already.
                os.kill(os.getpid(), number)
                cleaned.append(True)

    with pytest.raises(CancelledError, match="run the same command again"):
        work()
    assert cleaned == [True]
    assert signal.getsignal(number) is before


def test_the_bar_shows_rate_and_time_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tqdm.tqdm.__init__", _enabled())
    with terminal_progress() as progress:
        progress(0, 4000, "analysing")
        progress(2000, 4000, "analysing")
    shown = capsys.readouterr().err
    assert "analysing:  50%" in shown
    assert "2.00k/4.00k" in shown
    assert "pass/s" in shown


def _enabled():
    from tqdm import tqdm

    start = tqdm.__init__

    def enabled(self, *args, **options) -> None:
        start(self, *args, **{**options, "disable": False, "mininterval": 0})

    return enabled


def test_one_of_several_processes_speaks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert is_main_process()
    monkeypatch.setattr("tqdm.tqdm.__init__", _enabled())
    monkeypatch.setenv("RANK", "1")
    assert not is_main_process()
    with terminal_progress() as progress:
        progress(1, 2, "analysing")
    assert capsys.readouterr().err == ""
