"""What a training prints while it goes on."""

from __future__ import annotations

import io
import sys

import pytest

from crystalsym.classification import _epoch_progress as epoch_progress
from crystalsym.classification._epoch_progress import Progress

ENTRY = {"loss": 0.5, "val_loss": 0.6, "learning_rate": 1e-3, "seconds": 12.3}


class Terminal(io.StringIO):
    def isatty(self):
        return True


def run_epoch(progress, first=0):
    progress.begin(4, first, 10, 32)
    for step in range(first + 1, 11):
        progress.step(step, 1 / step)
    progress.close()
    progress.end(ENTRY)


def test_nothing_unasked(capsys):
    progress = Progress(0, 9)
    progress.resume(4, 3)
    run_epoch(progress)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("verbose", [1, 2])
def test_lines_of_a_log(capsys, monkeypatch, verbose):
    progress = Progress(verbose, 9)
    run_epoch(progress)  # a quick epoch has the line of its end only
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("epoch 5/9 loss 0.5000 val_loss 0.6000 learning_rate 1.00e-03 12 s ")
    assert err.count("\n") == 1
    monkeypatch.setitem(epoch_progress.LOG_INTERVALS, verbose, 1e-9)
    progress.resume(4, 3)
    run_epoch(progress, first=3)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "going on from the checkpoint at epoch 5, step 3"
    within = [line for line in lines if "steps of 32 rows" in line]
    assert within
    assert "5/10" in within[1]
    assert "loss 0.2000" in within[1]
    assert lines[-1].startswith("epoch 5/9 loss 0.5000")


def test_a_bar_on_a_terminal(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr("crystalsym._progress.TERMINAL_INTERVAL", 0)
    run_epoch(Progress(1, 9))
    text = terminal.getvalue()
    assert text.count("\r") > 5
    assert "10/10" in text
    assert "epoch 5/9 loss 0.5000" in text.splitlines()[-1]


def test_an_epoch_that_breaks_leaves_no_bar(capsys):
    progress = Progress(1, 9)
    progress.begin(0, 0, 10, 32)
    progress.close()
    progress.close()
    progress.step(1, 0.1)  # of no bar
    assert capsys.readouterr().err == ""
