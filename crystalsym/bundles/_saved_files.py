"""The files of a saved model, in a folder or a zip file, and the manifest that vouches for them.

Nothing here runs what it reads. A file is opened only if the caller names it and, where there is a
manifest, if that lists it; it must lie inside the folder and have the size and hash of the list.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import lzma
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"
FORMAT = "crystalsym-manifest"
VERSION = 1
# More than any network here needs: a small file that unpacks to more than this is an attack.
MAX_BYTES = 2 << 30
MAX_JSON_BYTES = 64 << 20

_PART = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
_NAME = re.compile(rf"{_PART}(/{_PART})*")
# What damaged or hostile bytes make the readers of zip, JSON and numpy files raise.
_FAULTS = (
    OSError, EOFError, LookupError, TypeError, ValueError, ArithmeticError, AttributeError,
    RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error,
)  # fmt: skip


class SavedModelError(ValueError):
    """A saved model is damaged, altered, or not one of ours."""


@contextlib.contextmanager
def refusing(path: Any, problem: str) -> Iterator[None]:
    """Turn what goes wrong inside into a SavedModelError that names the path."""
    try:
        yield
    except SavedModelError:
        raise
    except _FAULTS as error:
        raise SavedModelError(f"{path} {problem}: {error or type(error).__name__}") from error


def digest(data: bytes) -> str:
    """Return the SHA-256 of some bytes in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def parse_json(data: bytes, what: str) -> dict[str, Any]:
    """Read a JSON object; a name given twice is refused.

    Raises
    ------
    SavedModelError
        If the bytes are no JSON object.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"{twice!r} stands there twice")
        return found

    with refusing(what, "is not JSON"):
        content = json.loads(data, object_pairs_hook=unique)
    if not isinstance(content, dict):
        raise SavedModelError(f"{what} is not a JSON object")
    return content


def refuse_unknown(found: Collection[str], known: Collection[str], what: str) -> None:
    """Raise SavedModelError naming the entries that are not known."""
    if unknown := sorted(set(found) - set(known)):
        names = ", ".join(map(repr, unknown[:5]))
        raise SavedModelError(f"{what} has unknown entries: {names}; known are {sorted(known)}")


def write_files(path: str | os.PathLike[str], files: dict[str, bytes]) -> None:
    """Write files and their manifest to a folder, or to a zip file if path ends with ``.zip``.

    Parameters
    ----------
    path : path-like
        Replaced if it is there.
    files : dict of str to bytes
        Names are relative, with ``/`` between folders.

    Raises
    ------
    ValueError
        If path is a file that does not end with ``.zip``.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from crystalsym.bundles import SavedFiles, write_files
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_files(Path(folder) / "saved.zip", {"notes.json": b'{"made": "by hand"}'})
    ...     SavedFiles(Path(folder) / "saved.zip", ["notes.json"]).read_json("notes.json")
    {'made': 'by hand'}
    """
    listed = {name: {"bytes": len(data), "sha256": digest(data)} for name, data in files.items()}
    manifest = {"format": FORMAT, "version": VERSION, "files": listed}
    # Last: an interrupted write leaves files that the former manifest does not vouch for.
    files = {**files, MANIFEST: json.dumps(manifest, indent=1).encode() + b"\n"}
    path = Path(path)
    if path.suffix.lower() == ".zip":
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
        with zipfile.ZipFile(temporary, "w") as archive:
            for name, data in files.items():
                # A fixed date: the same model gives the same file.
                archive.writestr(zipfile.ZipInfo(name), data)
        os.replace(temporary, path)
        return
    if path.is_file():
        raise ValueError(f"{path} is a file; give a folder, or a name that ends with .zip")
    for name, data in files.items():
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f"{target.name}.{os.getpid()}.tmp")
        temporary.write_bytes(data)
        os.replace(temporary, target)


class SavedFiles:
    """Read the files of a saved model, each checked against its manifest.

    Parameters
    ----------
    path : path-like
        A folder or a zip file. One without a manifest was saved by crystalsym 0.1.0 or before.
    known : collection of str
        The files that a model of this kind may have.

    Raises
    ------
    FileNotFoundError
        If there is nothing at that path.
    SavedModelError
        If the manifest is damaged, or lists a file that is not known.

    Examples
    --------
    >>> from crystalsym.bundles import SavedFiles, model_folder
    >>> parts = ("pipeline.json", "classifier/config.json", "classifier/weights.npz")
    >>> files = SavedFiles(model_folder("72"), parts)
    >>> files.read_json("pipeline.json")["format"]
    'crystalsym-pipeline'
    """

    def __init__(self, path: str | os.PathLike[str], known: Collection[str]):
        self.path = Path(path)
        if not self.path.exists():
            raise FileNotFoundError(f"there is no saved model at {path}")
        self._known = frozenset(known)
        self._listed: dict[str, Any] | None = None
        with refusing(path, "is not a readable saved model"):
            if self._has(MANIFEST):
                self._listed = self._manifest()

    def __contains__(self, name: str) -> bool:
        with refusing(self.path, "is not a readable saved model"):
            return self._has(name) if self._listed is None else name in self._listed

    def read(self, name: str, limit: int | None = None) -> bytes:
        """Return the content of a file.

        Parameters
        ----------
        name : str
        limit : int, optional
            Bytes that are read at most; 2 GiB by default.

        Raises
        ------
        SavedModelError
            If it is not listed or not there, lies elsewhere, is too large, or was altered.
        """
        if name not in self._known:
            raise SavedModelError(f"{self.path}: {name} is no file of such a model")
        if self._listed is not None and name not in self._listed:
            raise SavedModelError(f"{self.path}: {MANIFEST} does not list {name}")
        limit = MAX_BYTES if limit is None else limit
        with refusing(self.path, f"is not readable, in {name}"):
            data = self._bytes(name, limit)
        if self._listed is not None:
            entry = self._listed[name]
            if entry["bytes"] != len(data) or entry["sha256"] != digest(data):
                raise SavedModelError(
                    f"{self.path}: {name} was altered or is cut off (checksum differs)"
                )
        return data

    def read_json(self, name: str) -> dict[str, Any]:
        """Return the content of a JSON file, with the errors of :meth:`read`.

        Parameters
        ----------
        name : str
        """
        return parse_json(self.read(name, MAX_JSON_BYTES), f"{self.path}: {name}")

    def _manifest(self) -> dict[str, Any]:
        what = f"{self.path}: {MANIFEST}"
        manifest = parse_json(self._bytes(MANIFEST, MAX_JSON_BYTES), what)
        if manifest.get("format") != FORMAT or manifest.get("version") != VERSION:
            raise SavedModelError(f"{what} is not a {FORMAT} of version {VERSION}")
        refuse_unknown(manifest, ("format", "version", "files"), what)
        listed = manifest["files"]
        refuse_unknown(listed, self._known, f"{what}: files")
        for name, entry in listed.items():
            refuse_unknown(entry, ("bytes", "sha256"), f"{what}: {name}")
            if not (isinstance(entry["bytes"], int) and isinstance(entry["sha256"], str)):
                raise SavedModelError(f"{what}: {name} needs a number of bytes and a hash")
        return listed

    def _has(self, name: str) -> bool:
        if self.path.is_dir():
            return os.path.lexists(self.path / name)
        with zipfile.ZipFile(self.path) as archive:
            return name in archive.namelist()

    def _bytes(self, name: str, limit: int) -> bytes:
        if not _NAME.fullmatch(name):
            raise SavedModelError(f"{self.path}: {name!r} is not a name of a file inside")
        if self.path.is_dir():
            root, file = self.path.resolve(), (self.path / name).resolve()
            if not file.is_relative_to(root):
                raise SavedModelError(f"{self.path}: {name} is a link to a file elsewhere")
            if not file.is_file():  # a pipe would never end
                raise SavedModelError(f"{self.path}: there is no file {name}")
            if file.stat().st_size > limit:
                raise SavedModelError(f"{self.path}: {name} is implausibly large")
            return file.read_bytes()
        with zipfile.ZipFile(self.path) as archive:
            members = [info for info in archive.infolist() if info.filename == name]
            if len(members) != 1:
                raise SavedModelError(f"{self.path}: holds {name} {len(members)} times, not once")
            if members[0].file_size > limit:
                raise SavedModelError(f"{self.path}: {name} is implausibly large")
            return archive.read(members[0])
