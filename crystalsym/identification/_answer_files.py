"""Answers as rows of a CSV or Parquet file, written in parts that are put together at the end."""

from __future__ import annotations

import csv
import io
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crystalsym.identification._identification import Identification

# Rows that a reader of a Parquet file takes into memory at a time.
ROW_GROUP = 50_000


@dataclass(frozen=True)
class AnswerFile:
    """Describe a finished table of answers.

    Attributes
    ----------
    path : Path
    n_structures : int
        Its rows.
    n_failed : int
        Rows that hold a reason instead of an answer.

    Examples
    --------
    >>> import tempfile
    >>> from crystalsym.datasets import example_crystals
    >>> from crystalsym.identification import identify_many
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     answers = identify_many([example_crystals()["NaCl"]], f"{folder}/answers.csv")
    >>> answers.n_structures, answers.n_failed
    (1, 0)
    """

    path: Path
    n_structures: int
    n_failed: int


class CsvAnswers:
    """Rows of a CSV file: several values in one field have blanks or "; " between them.

    Parameters
    ----------
    top : int
        Groups in a ranking.
    with_sets : bool
        Whether there is a column of prediction sets.
    """

    suffix = ".csv"

    def __init__(self, top: int, with_sets: bool):
        self.columns = column_names(top, with_sets)

    def encode(self, start: int, records: Sequence[Identification]) -> bytes:
        """Write the rows from number ``start`` on, without the names of the columns."""
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        for row, record in enumerate(records, start):
            values = answer_values(row, record, self.columns)
            writer.writerow([_as_text(name, values[name]) for name in self.columns])
        return text.getvalue().encode("utf-8", "surrogateescape")

    def join(self, parts: Sequence[Path], target: Path) -> tuple[int, int]:
        """Put parts together; gives the numbers of rows and of failed ones."""
        rows = failed = 0
        where = self.columns.index("error")
        with target.open("wb") as file:
            file.write((",".join(self.columns) + "\n").encode())
            for part in parts:
                with part.open(encoding="utf-8", errors="surrogateescape", newline="") as lines:
                    for values in csv.reader(lines):
                        rows += 1
                        failed += values[where] != ""
                with part.open("rb") as content:
                    shutil.copyfileobj(content, file)
            to_disk(file)
        return rows, failed


class ParquetAnswers:
    """Rows of a Parquet file, lists among its columns.

    Parameters
    ----------
    top : int
        Groups in a ranking.
    with_sets : bool
        Whether there is a column of prediction sets.

    Raises
    ------
    ImportError
        If pyarrow is missing.
    """

    suffix = ".parquet"

    def __init__(self, top: int, with_sets: bool):
        try:
            import pyarrow as pa
            import pyarrow.parquet
        except ImportError as problem:
            raise ImportError(
                "Parquet files need pyarrow: pip install pyarrow, or give a name that ends in .csv"
            ) from problem
        self.columns = column_names(top, with_sets)
        self.schema = pa.schema([(name, _arrow_type(pa, name)) for name in self.columns])

    def encode(self, start: int, records: Sequence[Identification]) -> bytes:
        """Write the rows from number ``start`` on as a file of its own."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        rows = [
            answer_values(row, record, self.columns) for row, record in enumerate(records, start)
        ]
        content = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows, self.schema), content)
        return content.getvalue()

    def join(self, parts: Sequence[Path], target: Path) -> tuple[int, int]:
        """Put parts together; gives the numbers of rows and of failed ones."""
        import pyarrow.parquet as pq

        rows = failed = 0
        with target.open("wb") as file:
            with pq.ParquetWriter(file, self.schema) as writer:
                for table in self._row_groups(parts):
                    rows += table.num_rows
                    failed += table.num_rows - table["error"].null_count
                    writer.write_table(table)
            to_disk(file)
        return rows, failed

    def _row_groups(self, parts: Sequence[Path]) -> Iterator[Any]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        held: list[Any] = []
        for part in parts:
            held.append(pq.read_table(part, schema=self.schema))
            if sum(table.num_rows for table in held) >= ROW_GROUP:
                yield pa.concat_tables(held)
                held = []
        if held:
            yield pa.concat_tables(held)


FORMATS: dict[str, Callable[[int, bool], CsvAnswers | ParquetAnswers]] = {
    ".csv": CsvAnswers,
    ".parquet": ParquetAnswers,
}


def column_names(top: int, with_sets: bool) -> list[str]:
    """List the columns of a table of answers.

    Examples
    --------
    >>> column_names(1, False)[4:8]
    ['finder_group_known', 'group_1', 'probability_1', 'diffraction_class']
    """
    ranked = [f"{kind}_{k}" for k in range(1, top + 1) for kind in ("group", "probability")]
    sets = ["prediction_set"] if with_sets else []
    return ["row", "source", "formula", "finder_group", "finder_group_known", *ranked,
            "diffraction_class", "class_probability", *sets, "warnings", "error"]  # fmt: skip


def answer_values(row: int, record: Identification, columns: Sequence[str]) -> dict[str, Any]:
    """Give the values of a row of the table."""
    values: dict[str, Any] = dict.fromkeys(columns)
    values["row"] = row
    for name in columns:
        if hasattr(record, name):
            value = getattr(record, name)
            values[name] = list(value) if isinstance(value, tuple) else value
    for place, (group, probability) in enumerate(record.ranking, 1):
        values[f"group_{place}"], values[f"probability_{place}"] = group, probability
    if record.error is not None:  # no answer is not an empty one
        values["diffraction_class"] = None
    return values


def _as_text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ("; " if name == "warnings" else " ").join(map(str, value))
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _arrow_type(pa: Any, name: str) -> Any:
    if name in ("source", "formula", "error"):
        return pa.string()
    if name in ("diffraction_class", "prediction_set"):
        return pa.list_(pa.int16())
    if name == "warnings":
        return pa.list_(pa.string())
    if "probability" in name:
        return pa.float32()
    return {"row": pa.int64(), "finder_group_known": pa.bool_()}.get(name, pa.int16())


def to_disk(file: Any) -> None:
    """Have what was written to an open file on the disk, not on its way there."""
    file.flush()
    os.fsync(file.fileno())
