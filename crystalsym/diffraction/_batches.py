"""Running many crystals: in batches and jobs, through a cache, past broken ones."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator, Sized
from typing import TYPE_CHECKING, Any

import numpy as np
from joblib import Memory, Parallel, delayed, effective_n_jobs
from sklearn.utils import check_random_state

from crystalsym._progress import track
from crystalsym.crystals import (
    Cluster,
    Crystal,
    as_crystal,
    as_structure,
    in_metric_setting,
    space_group_number,
    standardize,
)
from crystalsym.crystals._cluster import is_molecule
from crystalsym.crystals._lists import grouped
from crystalsym.crystals._neighbors import neighbor_distances
from crystalsym.datasets import CrystalTable
from crystalsym.diffraction._rendering import (
    FINITE_ENGINES,
    RenderSettings,
    list_spots,
    render,
)
from crystalsym.diffraction._spot_patterns import SpotPatterns

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
    numbers: np.ndarray | None = None,
) -> Iterator[tuple[np.ndarray, Any]]:
    """Yield (positions, patterns) per batch, running the batch's chunks in parallel.

    One job alone draws straight into ``out`` if it is given. Messages call the structures by
    ``numbers``, or by their positions.
    """
    seed = 0
    if settings.beam is not None and settings.beam.is_drawn:
        seed = int(check_random_state(simulator.random_state).randint(2**31 - 1))
    options = (settings, seed, _cache(simulator), simulator.on_error)

    def called(start: int, n: int) -> np.ndarray:
        return np.arange(start, start + n) if numbers is None else numbers[start : start + n]

    total = len(structures) if isinstance(structures, Sized) else None
    jobs = effective_n_jobs(simulator.n_jobs)
    chunk = batch_size if jobs == 1 else max(1, min(CHUNK, -(-batch_size // jobs)))
    position = 0
    with track(total, "simulating", simulator.verbose, unit="crystals") as advance:
        for group in grouped(structures, batch_size):
            if jobs == 1:
                target = None if out is None else out[position : position + len(group)]
                names = called(position, len(group))
                done = [_simulate_chunk(position, group, names, *options, target)]
            else:
                parts = ((i, group[i : i + chunk]) for i in range(0, len(group), chunk))
                done = Parallel(n_jobs=simulator.n_jobs)(
                    delayed(_simulate_chunk)(
                        position + i, part, called(position + i, len(part)), *options
                    )
                    for i, part in parts
                )
            for _, _, messages in done:
                for message in messages:
                    warnings.warn(message, stacklevel=4)
            positions = np.concatenate([d[0] for d in done])
            yield positions, concatenated_patterns([d[1] for d in done])
            position += len(group)
            advance(len(group))


def _cache(simulator: DiffractionSimulator) -> Any:
    """The simulator's cache as joblib's, if it has one."""
    memory = simulator.memory
    if isinstance(memory, (str, os.PathLike)):
        return Memory(os.fspath(memory), verbose=0)
    return memory


def concatenated_patterns(parts: list[Any]) -> Any:
    """Images or spots, one part after the other."""
    if len(parts) == 1:
        return parts[0]
    if isinstance(parts[0], SpotPatterns):
        return SpotPatterns.concatenate(parts)
    return np.concatenate(parts)


def _simulate_chunk(start, structures, numbers, settings, seed, memory, on_error, out=None):
    """Patterns of some structures, into ``out`` if given: (positions, patterns, warnings)."""
    if settings.output == "spots":
        return _list_chunk(start, structures, numbers, settings, seed, memory, on_error)
    simulate = _simulate if memory is None else memory.cache(_simulate, ignore=["crystal"])
    size = settings.detector.size
    patterns = out
    if patterns is None:
        patterns = np.empty((len(structures), settings.n_views, size, size), settings.dtype)

    def one(row, crystal):
        digest = "" if memory is None else crystal.digest()
        patterns[row] = simulate(digest, settings.drawn(seed, int(numbers[row])), crystal)

    kept, failed, messages = _each(one, numbers, structures, settings, on_error)
    if len(failed):
        patterns[failed] = np.nan
    rows = np.sort(np.concatenate([kept, failed]))
    if len(rows) < len(structures):
        patterns = patterns[rows]
    return rows + start, patterns, messages


def _list_chunk(start, structures, numbers, settings, seed, memory, on_error):
    """The same as lists of spots, of all crystals at once where nothing is kept."""
    ready = isinstance(structures, CrystalTable) and (
        not settings.standardize or (structures.standard and settings.standardize != "metric")
    )
    ready &= settings.scale is None and not settings.dynamical
    if ready and memory is None:
        return np.arange(len(structures)) + start, list_spots(structures, settings), []
    # One call sums the layers of many crystals.
    together = memory is None and not settings.dynamical
    made = []

    def one(row, crystal):
        if together:
            made.append(_prepared(crystal, settings))
            return
        drawn = settings.drawn(seed, int(numbers[row]))
        if memory is None:
            made.append(_list_spots("", drawn, crystal))
        else:
            spots = memory.cache(_list_spots, ignore=["crystal"])
            made.append(spots(crystal.digest(), drawn, crystal))

    kept, failed, messages = _each(one, numbers, structures, settings, on_error)
    if not made:
        spots = []
    else:
        spots = [list_spots(made, settings)] if together else made
    rows = np.concatenate([kept, failed])
    if len(failed) or not spots:
        spots = [*spots, SpotPatterns.absent(len(failed), settings.n_views, settings.dtype)]
    patterns = SpotPatterns.concatenate(spots)
    if len(failed):
        patterns = patterns[np.argsort(rows, kind="stable")]
    return np.sort(rows) + start, patterns, messages


def _each(work, numbers, structures, settings, on_error):
    """Call ``work(row, crystal)`` for each structure: rows done, rows that failed, warnings."""
    kept, failed, messages = [], [], []
    for row, structure in enumerate(structures):
        try:
            work(row, read_structure(structure, settings.engine))
        except (ValueError, OSError, TypeError) as error:
            message = f"structure {numbers[row]}: {error}"
            if on_error == "raise":
                raise type(error)(message) from error
            if on_error == "skip":
                messages.append(f"{message}; left out")
                continue
            messages.append(f"{message}; its row is NaN")
            failed.append(row)
            continue
        kept.append(row)
    return np.array(kept, dtype=int), np.array(failed, dtype=int), messages


def _prepared(crystal: Any, settings: RenderSettings) -> Any:
    """A structure in the setting and size that patterns are made of."""
    crystal = _standardized(crystal, settings)
    if settings.scale is None:
        return crystal
    if not isinstance(crystal, Crystal):
        raise TypeError(f'scale="neighbors" needs a crystal, got a {type(crystal).__name__}')
    shrunk = crystal.lattice / neighbor_distances(crystal).mean()
    return crystal.replace(lattice=shrunk, standard=True)  # no one looks for atoms too close


def _standardized(crystal: Any, settings: RenderSettings) -> Any:
    if not (settings.standardize and isinstance(crystal, Crystal)):
        return crystal
    standard = standardize(crystal, settings.symprec, settings.idealize, settings.finder)
    if settings.standardize != "metric":
        return standard
    group = space_group_number(standard, settings.symprec, settings.finder)
    return in_metric_setting(standard, group)


def _simulate(digest: str, settings: RenderSettings, crystal: Crystal | Cluster) -> np.ndarray:
    """One structure's patterns; ``digest`` stands for the structure in the cache's key."""
    return render(_prepared(crystal, settings), settings)


def _list_spots(digest: str, settings: RenderSettings, crystal: Crystal) -> SpotPatterns:
    """One structure's spots; ``digest`` stands for the structure in the cache's key."""
    return list_spots([_prepared(crystal, settings)], settings)


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
