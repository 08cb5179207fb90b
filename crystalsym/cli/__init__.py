"""The ``crystalsym`` command: a thin skin over the library.

Exit codes: 0 all went well, 1 some of several inputs could not be used, 2 the call or its input
could not be used, 130 interrupted. Results go to standard output, one line per problem to standard
error.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from crystalsym._keras import BackendError
from crystalsym.cli._messages import InputError, complain, show_own_warnings, silence_libraries
from crystalsym.cli._parser import build_parser

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name. Default: those of the process.

    Returns
    -------
    int
        The exit code.

    Examples
    --------
    >>> from crystalsym.cli import main
    >>> main(["identify", "nowhere.cif"])  # its one line goes to standard error
    2
    """
    parser = build_parser()
    if "_ARGCOMPLETE" in os.environ:  # the shell asks for completions, and for nothing else
        import argcomplete

        argcomplete.autocomplete(parser)
    try:
        args = parser.parse_args(argv)
    except SystemExit as stop:  # argparse has printed the help, the version or the problem
        return int(stop.code or 0)
    try:
        if args.debug:
            return _run(args)
        with silence_libraries(), show_own_warnings():
            return _run(args)
    except (InputError, BackendError) as problem:
        if args.debug:
            raise
        complain(str(problem))
        return 2
    except KeyboardInterrupt:
        complain("interrupted")
        return 130
    except BrokenPipeError:
        # The reader (head, less) has gone; keep Python from complaining when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as problem:  # a full disk, say
        if args.debug:
            raise
        complain(str(problem))
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 2


def _run(args: argparse.Namespace) -> int:
    code = int(args.run(args))
    sys.stdout.flush()  # here, where a reader that has gone is dealt with
    return code
