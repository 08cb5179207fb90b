"""Running many crystals: in batches and jobs, through a cache, past broken ones."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator, Sized
from typing import TYPE_CHECKING, Any

import numpy as np
from joblib import Memory, Parallel, delayed, effective_n_jobs

from crystalsym._progress import track
from crystalsym.crystals import Cluster, Crystal, as_crystal, as_structure, standardize
from crystalsym.crystals._cluster import is_molecule
from crystalsym.crystals._lists import grouped
from crystalsym.diffraction._rendering import FINITE_ENGINES, RenderSettings, render

if TYPE_CHECKING:
    from crystalsym.diffraction._simulator import DiffractionSimulator

# Crystals handed to a job at once.
CHUNK = 32


def simulated_batches(
    simulator: DiffractionSimulator,
    structures: Iterable[Any],
    settings: RenderSettings,
    batch_size: int,
    out: np.ndarray | None = None,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (positions, patterns) per batch, running the batch's chunks in parallel.

    One job alone draws straight into ``out`` if it is given.
    """
    total = len(structures) if isinstance(structures, Sized) else None
    jobs = effective_n_jobs(simulator.n_jobs)
    chunk = batch_size if jobs == 1 else max(1, min(CHUNK, -(-batch_size // jobs)))
    memory = simulator.memory
    if isinstance(memory, (str, os.PathLike)):
        memory = Memory(os.fspath(memory), verbose=0)
    position = 0
    with track(total, "simulating", simulator.verbose, unit="crystals") as advance:
        for group in grouped(structures, batch_size):
            chunks = [(position + i, group[i : i + chunk]) for i in range(0, len(group), chunk)]
            if jobs == 1:
                target = None if out is None else out[position : position + len(group)]
                done = [
                    _simulate_chunk(position, group, settings, memory, simulator.on_error, target)
                ]
            else:
                done = Parallel(n_jobs=simulator.n_jobs)(
                    delayed(_simulate_chunk)(*c, settings, memory, simulator.on_error)
                    for c in chunks
                )
            for _, _, messages in done:
                for message in messages:
                    warnings.warn(message, stacklevel=4)
            if len(done) == 1:
                yield done[0][:2]
            else:
                yield np.concatenate([d[0] for d in done]), np.concatenate([d[1] for d in done])
            position += len(group)
            advance(len(group))


def _simulate_chunk(start, structures, settings, memory, on_error, out=None):
    """Patterns of some structures, into ``out`` if given: (positions, patterns, warnings)."""
    simulate = _simulate if memory is None else memory.cache(_simulate, ignore=["crystal"])
    size = settings.detector.size
    patterns = out
    if patterns is None:
        patterns = np.empty((len(structures), settings.n_views, size, size), settings.dtype)
    kept, messages = [], []
    for row, structure in enumerate(structures):
        position = start + row
        try:
            crystal = read_structure(structure, settings.engine)
            digest = "" if memory is None else crystal.digest()
            patterns[row] = simulate(digest, settings, crystal)
        except (ValueError, OSError, TypeError) as error:
            message = f"structure {position}: {error}"
            if on_error == "raise":
                raise type(error)(message) from error
            if on_error == "skip":
                messages.append(f"{message}; left out")
                continue
            messages.append(f"{message}; its row is NaN")
            patterns[row] = np.nan
        kept.append(row)
    if len(kept) < len(structures):
        patterns = patterns[kept]
    return np.array(kept, dtype=int) + start, patterns, messages


def _simulate(digest: str, settings: RenderSettings, crystal: Crystal | Cluster) -> np.ndarray:
    """One structure's patterns; ``digest`` stands for the structure in the cache's key."""
    if settings.standardize and isinstance(crystal, Crystal):
        crystal = standardize(crystal, settings.symprec, settings.idealize)
    return render(crystal, settings)


def read_structure(structure: Any, engine: str) -> Crystal | Cluster:
    """A crystal, or a cluster where the engine takes one."""
    if engine in FINITE_ENGINES:
        return as_structure(structure)
    if isinstance(structure, Cluster) or is_molecule(structure):
        raise TypeError(
            f"a {type(structure).__name__} is finite and engine={engine!r} needs a crystal;"
            ' use engine="atoms"'
        )
    return as_crystal(structure)
