"""A long run's finished batches, kept in files until all are there."""

from __future__ import annotations

import contextlib
import json
import os
import re
from pathlib import Path
from typing import Any

from crystalsym.identification._answer_files import AnswerFile, CsvAnswers, ParquetAnswers, to_disk

FORMAT = "crystalsym-answers"
VERSION = 1
DESCRIPTION = "run.json"
_PART = re.compile(r"\d{9,}-\d{9,}\.(csv|parquet)")


class PartFiles:
    """The folder ``<output>.parts`` of a run, and the file that comes of it.

    Every file appears under its name only when it is whole, so whatever is there after a cut is
    good. A description of the run lies beside the parts, and later beside the finished file as
    ``<output>.json``.

    Parameters
    ----------
    output : Path
    rows : CsvAnswers or ParquetAnswers
    description : dict of str to dict
        What the answers depend on, in JSON's types.
    """

    def __init__(
        self, output: Path, rows: CsvAnswers | ParquetAnswers, description: dict[str, Any]
    ):
        self.output = output
        self.rows = rows
        self.description = {"format": FORMAT, "version": VERSION, **description}
        self.folder = output.with_name(output.name + ".parts")
        self.beside = output.with_name(output.name + ".json")

    def open(self) -> AnswerFile | None:
        """Begin or go on; gives the finished file if all was done before.

        Raises
        ------
        ValueError
            If what is there comes from another run; the message says how they differ.
        FileExistsError
            If the file is there and nothing says where it comes from.
        """
        finished = self._read(self.beside)
        if not self.output.exists():
            finished = None
        if finished is not None and not differences(finished, self.description):
            self._remove_parts()
            return AnswerFile(self.output, finished["rows"], finished["failed"])
        begun = self._read(self.folder / DESCRIPTION)
        if begun is not None:
            self._refuse_other(begun, self.folder)
            return None
        if finished is not None:
            self._refuse_other(finished, self.output)
        if self.output.exists():
            raise FileExistsError(
                f"{self.output}: exists and is none that can be gone on with; remove it, or give"
                " resume=False to replace it"
            )
        self.folder.mkdir(exist_ok=True)
        strangers = [file.name for file in self.folder.iterdir() if not _ours(file)]
        if strangers:
            raise FileExistsError(f"{self.folder}: holds files of something else, {strangers[0]}")
        self._remove_parts()
        self.folder.mkdir(exist_ok=True)
        write_whole(self.folder / DESCRIPTION, _json(self.description))
        return None

    def discard(self) -> None:
        """Remove what a run has left, the finished file among it."""
        self._read(self.beside)  # or is it somebody else's?
        for file in (self.output, self.beside):
            file.unlink(missing_ok=True)
        self._remove_parts()

    def path(self, start: int, stop: int) -> Path:
        """Name the file of the rows from ``start`` to before ``stop``."""
        return self.folder / f"{start:09d}-{stop:09d}{self.rows.suffix}"

    def finish(self, ranges: list[tuple[int, int]]) -> AnswerFile:
        """Put all parts together into the file, and remove them."""
        parts = [self.path(*one) for one in ranges]
        partial = self.folder / f"joined.{os.getpid()}.tmp"
        rows, failed = self.rows.join(parts, partial)
        os.replace(partial, self.output)
        about = {**self.description, "rows": rows, "failed": failed}
        write_whole(self.beside, _json(about), self.folder)
        self._remove_parts()
        return AnswerFile(self.output, rows, failed)

    def _remove_parts(self) -> None:
        if not self.folder.is_dir():
            return
        for file in self.folder.iterdir():
            if _ours(file):
                file.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # somebody else's files stay
            self.folder.rmdir()

    def _read(self, path: Path) -> dict[str, Any] | None:
        try:
            found = json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            return None
        except ValueError as problem:
            raise ValueError(f"{path}: not JSON ({problem})") from problem
        if not isinstance(found, dict) or found.get("format") != FORMAT:
            raise ValueError(f"{path}: not the description of a run")
        return found

    def _refuse_other(self, other: dict[str, Any], where: Path) -> None:
        differing = differences(other, self.description)
        if differing:
            raise ValueError(
                f"{where}: comes from another run ({'; '.join(differing)}); give another name, or"
                " remove it (resume=False)"
            )


def differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Say how two runs' descriptions differ.

    Examples
    --------
    >>> differences({"options": {"top": 5, "coverage": None}}, {"options": {"top": 3}})
    ['options: top 5 then, 3 now']
    """
    found = []
    for part, values in now.items():
        theirs = before.get(part)
        if not isinstance(values, dict) or not isinstance(theirs, dict):
            if theirs != values:
                found.append(f"{part}: {theirs} then, {values} now")
            continue
        for name, value in values.items():
            if theirs.get(name) == value:
                continue
            if name == "digest":
                found.append(f"{part}: not the same")
            else:
                found.append(f"{part}: {name} {theirs.get(name)} then, {value} now")
    return found


def write_whole(path: Path, content: bytes, folder: Path | None = None) -> None:
    """Write a file that is there wholly or not at all; a cut leaves its remains in ``folder``."""
    partial = (folder or path.parent) / f"{path.stem}.{os.getpid()}.tmp"
    with partial.open("wb") as file:
        file.write(content)
        to_disk(file)
    os.replace(partial, path)


def _ours(file: Path) -> bool:
    unfinished = file.suffix == ".tmp"
    return file.name == DESCRIPTION or unfinished or _PART.fullmatch(file.name) is not None


def _json(values: dict[str, Any]) -> bytes:
    return (json.dumps(values, indent=1) + "\n").encode()
