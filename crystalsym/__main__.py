"""``python -m crystalsym``: the command line."""

from crystalsym.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
