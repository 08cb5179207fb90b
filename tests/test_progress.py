"""Progress on standard error: bars for a terminal, lines for a log, nothing unasked."""

from __future__ import annotations

import io
import sys

import joblib
import pytest

from crystalsym import _progress
from crystalsym._progress import progress_bar, say, track


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_silent_unless_asked(capsys):
    with track(10, "counting") as advance:
        advance(3)
    assert capsys.readouterr() == ("", "")


def test_a_log_is_lines(capsys, monkeypatch):
    monkeypatch.setattr(_progress, "LOG_INTERVAL", 0)
    with track(12, "counting", 1, unit="crystals") as advance:
        for _ in range(3):
            advance(4)
    out, err = capsys.readouterr()
    assert out == ""
    assert "\r" not in err
    lines = err.splitlines()
    assert lines[0].startswith("counting:   0% 0/12 ")
    assert lines[-1].startswith("counting: 100% 12/12 ")
    assert lines[-1].endswith("crystals/s]")
    assert all(line.startswith("counting: ") for line in lines)


def test_a_log_is_short(capsys):
    with track(1000, "counting", 1) as advance:
        for _ in range(1000):
            advance(1)
    assert len(capsys.readouterr().err.splitlines()) <= 3


def test_a_terminal_has_one_line(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(_progress, "TERMINAL_INTERVAL", 0)
    with track(12, "counting", 1, unit="crystals") as advance:
        for _ in range(3):
            advance(4)
    text = terminal.getvalue()
    assert text.count("\n") == 1
    assert text.count("\r") >= 4
    assert "12/12" in text


@pytest.mark.parametrize("total", [None, 0])
def test_how_many_there_are_need_not_be_known(capsys, total):
    with track(total, "counting", 1) as advance:
        advance(7)
    assert "7 items" in capsys.readouterr().err.splitlines()[-1].replace("7/0", "7 items")


def test_what_was_done_before_a_failure_is_said(capsys):
    def work():
        with track(12, "counting", 1) as advance:
            advance(5)
            raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        work()
    assert "5/12" in capsys.readouterr().err.splitlines()[-1]


def test_a_line_beside_a_bar(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    bar = progress_bar(3, "counting", "steps", leave=False)
    say("said")
    bar.close()
    assert "\rsaid\n" in terminal.getvalue()


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_with_jobs(capsys, backend):
    jobs = joblib.Parallel(2, backend=backend, return_as="generator")
    with track(6, "counting", 1) as advance:
        for _ in jobs(joblib.delayed(abs)(-i) for i in range(6)):
            advance(1)
    assert "6/6" in capsys.readouterr().err.splitlines()[-1]


def test_without_standard_error(monkeypatch):
    """As in a program without a console."""
    monkeypatch.setattr(sys, "stderr", None)
    with track(6, "counting", 1) as advance:
        advance(6)
    say("said")
