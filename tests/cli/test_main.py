"""The command as a process: noise, exit codes, help, interruptions."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings

import pytest

import crystalsym
from crystalsym.cli import _messages as messages
from crystalsym.cli import main


def process(*args, **kwargs):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.run([sys.executable, *args], capture_output=True, text=True, check=False,
                          env=environment, timeout=120, **kwargs)  # fmt: skip


def test_python_dash_m(tmp_path):
    done = process("-m", "crystalsym", "identify", "nowhere.cif", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == "crystalsym: error: nowhere.cif: no such file\n"


def test_the_command_starts_without_the_heavy_libraries():
    code = (
        "import sys, crystalsym.cli; crystalsym.cli.main(['--version']);"
        "print([m for m in ('keras', 'tensorflow', 'pymatgen', 'matplotlib', 'numba', 'sklearn')"
        " if m in sys.modules])"
    )
    done = process("-c", code)
    assert done.stdout.splitlines() == [f"crystalsym {crystalsym.__version__}", "[]"]


@pytest.mark.parametrize("command", [[], ["identify"], ["simulate"], ["shape"], ["info"]])
def test_help(run, command):
    code, out, err = run(*command, "--help")
    assert (code, err) == (0, [])
    assert out.startswith("usage: crystalsym")


def test_info(run):
    code, out, err = run("info")
    assert (code, err) == (0, [])
    for name in ("crystalsym", "python", "numpy", "keras", "spglib"):
        assert f"\n{name}" in f"\n{out}"


def test_no_command_and_unknown_command(run):
    for args in ([], ["bake"]):
        code, out, err = run(*args)
        assert (code, out, len(err)) == (2, "", 1)


NOISY = """
import os, sys, warnings
from crystalsym.cli import _messages as messages
with messages.silence_libraries(), messages.show_own_warnings():
    os.write(2, b"native noise\\n")
    warnings.warn("python noise")
    print("ours", file=sys.stderr)
    warnings.warn_explicit("own warning", UserWarning, messages.__file__, 1)
    warnings.warn_explicit("own deprecation", DeprecationWarning, messages.__file__, 1)
os.write(2, b"native again\\n")
print("python again", file=sys.stderr)
{end}
"""


def test_native_noise_is_kept_away_and_our_lines_are_not():
    done = process("-c", NOISY.format(end=""))
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        "ours",
        "crystalsym: warning: own warning",
        "native again",
        "python again",
    ]


def test_silence_lets_tracebacks_of_defects_through():
    done = process("-c", "from crystalsym.cli import _messages as messages\n"
                   "with messages.silence_libraries(): 1 / 0")  # fmt: skip
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr


@pytest.mark.parametrize("close", ["os.close(2)", "sys.stderr = None"])
def test_closed_standard_error(close):
    done = process("-c", f"import os, sys; {close}\nfrom crystalsym.cli import main\n"
                   "raise SystemExit(main(['identify', 'nowhere.cif']))")  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")


def test_reader_that_goes_away():
    code = (
        "import sys\nfrom crystalsym.cli import _info as info, main\n"
        "def run(args):\n    print('x' * 1_000_000, flush=True)\n    return 0\n"
        "info.run = run\nraise SystemExit(main(['info']))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=environment) as child:  # fmt: skip
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.read(10)
        child.stdout.close()
        assert child.stderr.read() == b""
        assert child.wait(60) == 0


def test_interruption(run, monkeypatch):
    from crystalsym.cli import _info as info

    def stop(args):
        raise KeyboardInterrupt

    monkeypatch.setattr(info, "run", stop)
    assert run("info") == (130, "", ["crystalsym: error: interrupted"])


def test_debug_shows_where_a_problem_arose(monkeypatch):
    with pytest.raises(messages.InputError):
        main(["identify", "x.jpg", "--debug"])


def test_one_line():
    assert messages.one_line(ValueError("a\n  b")) == "a b"
    assert messages.one_line(ValueError(), "x.cif") == "x.cif: ValueError"
    assert messages.one_line("x.cif: bad", "x.cif") == "x.cif: bad"
    assert messages.one_line("is a folder", "folder") == "folder: is a folder"
    assert messages.one_line("crystal 'x.cif': bad", "x.cif") == "crystal 'x.cif': bad"
    assert messages.one_line(KeyError("_cell"), "x.cif") == "x.cif: '_cell'"
    long = messages.one_line("word " * 1000)
    assert len(long) == 400
    assert long.endswith(" ...")


def test_warnings_are_as_before_afterwards():
    before = warnings.showwarning, list(warnings.filters)
    with messages.show_own_warnings():
        assert warnings.showwarning is not before[0]
    assert (warnings.showwarning, list(warnings.filters)) == before


def test_shell_completion(tmp_path):
    """What a shell with argcomplete registered would be offered."""
    out = tmp_path / "completions"
    environment = {
        **os.environ,
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(out),
        "COMP_LINE": "crystalsym ",
        "COMP_POINT": "11",
        "IFS": "\n",
    }
    subprocess.run([sys.executable, "-m", "crystalsym"], env=environment, check=True, timeout=120)
    offered = {word.strip() for word in out.read_text().replace("\x0b", "\n").split("\n")}
    assert {"identify", "simulate", "shape", "train", "evaluate", "info"} <= offered
