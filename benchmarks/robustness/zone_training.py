"""Train on blocks of reciprocal space of which three zones are measured, on a GPU.

    python benchmarks/robustness/zone_training.py --layers layers.npz --settings settings.npz \\
        --output runs/230-zones

``layers.npz`` and ``settings.npz`` are what ``benchmarks/electrons/layers.py`` and settings.py
write. In each epoch every crystal is measured anew: along three zones of indices up to 2, its axes
or its symmetry directions, with errors, with other elements or as it is, in one of the settings
that a list leaves open, and filled up by its Laue class or by less. What a row holds is what
``crystalsym.reflections.reflection_block`` makes of such a list. 40 epochs take about five minutes
of one H200. ``runs/230-zones/model`` is the pipeline; zone_powers.py adds to its card how it is
weighed with what else a list tells.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from itertools import combinations, product
from math import gcd
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.utils import check_random_state

from crystalsym import DiffractionSimulator, SpaceGroupClassifier, metrics
from crystalsym.classification._validation_rows import split_rows
from crystalsym.diffraction import symmetry_directions
from crystalsym.learning import LazyRows
from crystalsym.learning._augmentation import element_weights, exchanged_elements
from crystalsym.pretrained import SpaceGroupPipeline, save_pipeline
from crystalsym.reflections import ReflectionBlocks
from crystalsym.reflections._block import HEIGHT, LARGEST_Q, RANGE, REACH, UNIT
from crystalsym.spacegroups import symbol
from crystalsym.training._data import file_digest

sys.path.insert(0, str(Path(__file__).parents[1] / "electrons"))
from layers import PARTS, Q_MAX
from site_sums import Factors, sites_of

ZONES = np.array(
    [z for z in product(range(-2, 3), repeat=3) if any(z) and gcd(*z) == 1 and z > (0, 0, 0)]
)
TRIPLES = np.array(
    [t for t in combinations(range(len(ZONES)), 3) if round(np.linalg.det(ZONES[list(t)]))]
)
# Parts of the crystals seen along their axes and along symmetry directions; others anywhere.
AXES, DIRECTIONS = 0.1, 0.2
# Parts with other elements, and filled up by less than the Laue class.
CHANGED, EXCHANGED, LESS = 0.4, 0.7, 0.25
# B, Å²; errors in parts of an intensity, of the strongest one of all, and of a zone's scale;
# radius of what the beam hides, and of the field, 1/Å.
B_ISO, PROPORTIONAL, FLOOR, SCALES = (0.0, 1.0), (0.01, 0.1), (1e-6, 1e-3), 0.1
HIDDEN, FIELD = (0.02, 0.12), (1.1, Q_MAX)
# In sixths. Standard cells of Amm2 and its like are C-centered here.
FORBIDDING = {
    "P": [], "A": [(3, 3, 0)], "C": [(3, 3, 0)], "I": [(3, 3, 3)], "F": [(0, 3, 3), (3, 0, 3)],
    "R": [(4, 2, 2)],
}  # fmt: skip
NOISE = 1 << 16
PART = 512
NAME = "230-zones"
CLASSIFIER: dict[str, Any] = {
    "architecture": "msmlp",
    "architecture_options": {
        "width": 1024, "features": 128, "joint": 2048, "dropout": 0.3, "half": False
    },
    "epochs": 40, "batch_size": 2048, "learning_rate": 4e-3, "weight_decay": 2e-2,
    "learning_rate_schedule": "cosine", "validation_fraction": 0.03, "random_state": 0,
}  # fmt: skip
# For structures: the reflections of their symmetry directions' layers.
SIMULATOR: dict[str, Any] = {
    "output": "spots", "views": "symmetry-directions", "q_max": Q_MAX, "symprec": 0.1,
}  # fmt: skip
# How layers.py splits the crystals, that of the table of this digest.
DATA: dict[str, Any] = {
    "structures": "materials_project.npz", "groups": "all", "symprec": 0.1, "idealize": True,
    "split": "random", "test_fraction": 0.2, "split_seed": 0, "split_rule": 1, "min_training": 5,
    "limit": None,
}  # fmt: skip
TABLE = "85c74d9c9f95e722d99cdb23fa06c7093ab9fc182a8f1f59ddc7c18148c43318"
CARD = {
    "data": "Materials Project, database of 2025-02, ordered crystals of all groups of up to 120"
    " atoms, labels by spglib at 0.1 Å; random crystals of groups that have fewer than 60",
    "data_url": "https://materialsproject.org",
    "license": "Data CC BY 4.0 (Materials Project); weights MIT",
    "task": "space group (all 230 groups) from the reflections of three zones of any directions, as"
    " images along known zones give them",
    "split": "random 80/20, fixed seed; crystals of the same group, content and cell stay on one"
    " side; groups with fewer than five crystals are learned from only",
    "limits": "kinematic intensities; figures are of axes in the right Laue class and centering,"
    " which few reflections may leave open; groups that nature rarely uses are known from few"
    " crystals and random ones",
}


class Blocks(LazyRows):
    """Rows of (7, 13, 13, 3): brightness, whether measured, |q|; drawn anew in each epoch.

    Parameters
    ----------
    layers, settings : dict of ndarray
    crystals : ndarray of int
    device : str
    seed : int
    arbitrary : bool
        Show crystals as they are along three arbitrary zones, in canonical axes, always.
    """

    def __init__(
        self, layers: dict, settings: dict, crystals: np.ndarray, device: str, seed: int = 0,
        arbitrary: bool = False,
    ):  # fmt: skip
        super().__init__(len(crystals), PART)
        self._file, self._settings, self._crystals = layers, settings, crystals
        self._device, self._seed, self._arbitrary = device, seed, arbitrary
        self.made_by: tuple = ()
        self.validation_groups = layers["kin"][crystals]
        lattice = layers["lattice"].astype(float)[crystals]
        self._metric = np.linalg.inv(lattice @ lattice.transpose(0, 2, 1))
        self._directions = np.array([symmetry_directions(one) for one in lattice])
        letters = np.array([symbol(g)[0] for g in range(1, 231)])[layers["groups"][crystals] - 1]
        vectors = np.zeros((len(crystals), 2, 3))
        for letter, found in FORBIDDING.items():
            vectors[letters == letter, : len(found)] = np.reshape(found, (-1, 3))
        self._centering = vectors
        grid = np.arange(-REACH, REACH + 1)
        level, k, h = np.meshgrid(np.arange(HEIGHT), grid, grid, indexing="ij")
        self._hkl = self._to(np.stack([h, k, level], axis=-1).reshape(-1, 3))
        self._factors = Factors("xray", device)
        self.set_epoch(None)
        self._measure()

    def _to(self, array: np.ndarray, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        return torch.as_tensor(np.ascontiguousarray(array), device=self._device).to(dtype)

    def set_epoch(self, epoch: int | None) -> None:
        """Say which draw it is; None is one of its own."""
        self._epoch = epoch

    def _make(self, rows: np.ndarray) -> np.ndarray:
        epoch = 0 if self._epoch is None else self._epoch + 1
        rng = np.random.default_rng([self._seed, epoch, int(rows[0])])
        changing = not (self._arbitrary or self._epoch is None)
        zones = self._zones(rows, rng)
        crystals = self._crystals[rows]
        which = rng.integers(self._settings["back"].shape[1], size=len(rows)) * (
            not self._arbitrary
        )
        back = self._to(self._settings["back"][crystals, which])
        standard = torch.einsum("pi,nji->npj", self._hkl, back)  # h' = back h
        q = torch.einsum("npi,nij,npj->np", standard, self._to(self._metric[rows]), standard)
        q = q.clamp_min(0).sqrt()
        intensity = self._intensity(crystals, back, q, rng, changing)
        keys, measured, scales = self._measured(rows, standard, q, zones, rng, changing)
        values = self._with_errors(intensity * scales, keys, rng)
        forbidden = torch.einsum("npj,nvj->npv", standard, self._to(self._centering[rows]))
        forbidden = (forbidden.remainder(6) != 0).any(-1)
        # Where a list reaches, what the centering forbids counts as measured and dark.
        far = (q * measured).amax(1, keepdim=True)
        near = torch.where(measured, q, torch.inf).amin(1, keepdim=True)
        dark = forbidden & (q <= far) & (q >= near)
        values = torch.where(measured & ~dark, values, 0)
        unit = UNIT * (values**2).sum(1, keepdim=True) / values.sum(1, keepdim=True).clamp_min(1e-9)
        bright = torch.asinh(values / unit.clamp_min(1e-9)) / math.asinh(RANGE / UNIT)
        out = torch.stack(
            [bright.clamp(max=1), (measured | dark).float(), (q / LARGEST_Q).clamp(max=1)], dim=-1
        )  # fmt: skip
        side = 2 * REACH + 1
        return out.half().reshape(len(rows), HEIGHT, side, side, 3).cpu().numpy()

    def _zones(self, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Three zones of each crystal in its standard axes."""
        zones = ZONES[TRIPLES[rng.integers(len(TRIPLES), size=len(rows))]]
        if not self._arbitrary:
            kind = rng.random(len(rows))
            zones[kind < AXES + DIRECTIONS] = self._directions[rows][kind < AXES + DIRECTIONS]
            zones[kind < AXES] = np.eye(3, dtype=int)
        return zones

    def _intensity(
        self, crystals: np.ndarray, back: torch.Tensor, q: torch.Tensor, rng: np.random.Generator,
        changing: bool,
    ) -> torch.Tensor:  # fmt: skip
        """|F|² of each place."""
        sites = sites_of(self._file, crystals, self._file["numbers"])
        kinds = sites.elements
        drawn = kinds.copy()
        if changing:
            changed = np.flatnonzero(rng.random(len(kinds)) < CHANGED)
            weights = element_weights(kinds)
            drawn[changed] = exchanged_elements(kinds[changed], EXCHANGED, weights, rng)
        places = self._to(self._file["places"][sites.rows].astype(np.float32)) / PARTS
        places = torch.einsum("naj,nji->nai", places, back)  # x' = x back
        grid = torch.arange(-REACH, REACH + 1, device=self._device)
        waves = []
        for axis, index in enumerate((grid, grid, torch.arange(HEIGHT, device=self._device))):
            phase = (places[..., axis, None] * index).remainder(1) * (2 * math.pi)
            waves.append(torch.polar(torch.ones_like(phase), phase))
        plane = (waves[1][..., :, None] * waves[0][..., None, :]).flatten(2)  # k, h
        of_site = self._to(sites.numbers, torch.int64)
        total = torch.zeros(q.shape, dtype=torch.complex64, device=self._device)
        squares = q * q
        for number in range(kinds.shape[1]):
            z = self._to(kinds[:, number], torch.int64)
            own = (of_site == z[:, None]) & (z[:, None] > 0)
            sums = torch.einsum("nal,nap->nlp", waves[2] * own[..., None], plane).flatten(1)
            becomes = self._to(drawn[:, number], torch.int64)
            total += self._factors(becomes, squares) * sums
        b_iso = rng.uniform(*B_ISO, len(crystals)) * (rng.random(len(crystals)) < 0.5)
        damping = torch.exp(-self._to(b_iso * (not self._arbitrary))[:, None] / 2 * squares)
        return (total.real**2 + total.imag**2) * damping

    def _measured(
        self, rows: np.ndarray, standard: torch.Tensor, q: torch.Tensor, zones: np.ndarray,
        rng: np.random.Generator, changing: bool,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:  # fmt: skip
        """A number that equivalents share, what was measured of them, and by which scale."""
        turns = self._settings["rotations"][self._file["groups"][self._crystals[rows]]].astype(int)
        if changing:
            less = np.flatnonzero(rng.random(len(rows)) < LESS)
            for row in less:  # what one of the rotations generates
                one = turns[row, rng.integers(turns.shape[1])]
                powers = [np.eye(3, dtype=int)]
                while len(powers) < 6:
                    powers.append(powers[-1] @ one)
                turns[row] = np.array(powers)[np.arange(turns.shape[1]) % 6]
        images = torch.einsum("npi,nwij->npwj", standard, self._to(turns))
        code = torch.tensor([1.0, 97.0, 9409.0], device=self._device)
        keys = (images @ code).abs().amax(-1).long()
        low, high = (self._to(rng.uniform(*one, len(rows)))[:, None] for one in (HIDDEN, FIELD))
        seen = (q >= low) & (q <= high)
        scale = torch.ones_like(q)
        measured = torch.zeros_like(seen)
        for number in range(3):
            zone = self._to(zones[:, number])
            inside = (torch.einsum("npwj,nj->npw", images, zone) == 0).any(-1) & seen
            factor = np.exp(SCALES * rng.standard_normal(len(rows)))
            factor = np.where(number == 0 or self._arbitrary, 1.0, factor)
            scale = torch.where(inside & ~measured, self._to(factor)[:, None], scale)
            measured |= inside
        return keys, measured, scale

    def _with_errors(
        self, values: torch.Tensor, keys: torch.Tensor, rng: np.random.Generator
    ) -> torch.Tensor:
        n = len(values)
        table = self._to(rng.standard_normal(NOISE))
        salt = self._to(rng.integers(1, NOISE, n), torch.int64)[:, None]
        drawn = table[(keys * 7919 + salt) % NOISE]
        of_it = np.exp(rng.uniform(*np.log(PROPORTIONAL), n))
        floor = np.exp(rng.uniform(*np.log(FLOOR), n))
        sigma = torch.hypot(
            self._to(of_it)[:, None] * values,
            self._to(floor)[:, None] * values.amax(1, keepdim=True),
        )
        return (values + sigma * drawn).clamp_min(0)


def sides(layers: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Crystals of a file to learn from, and those held out."""
    held, groups = layers["held_230"], layers["groups"].astype(int)
    # Random crystals of Amm2 and its like stand in other axes than the real ones.
    made = (held == 3) & ((groups < 38) | (groups > 41))
    return np.flatnonzero((held == 0) | made), np.flatnonzero(held == 1)


def validation_side(layers: dict[str, np.ndarray]) -> np.ndarray:
    """Crystals of the learning side that the training calibrates by, and does not learn from."""
    learned, _ = sides(layers)
    seed = int(check_random_state(CLASSIFIER["random_state"]).randint(2**31 - 1))
    codes = np.unique(layers["groups"][learned], return_inverse=True)[1]
    part = CLASSIFIER["validation_fraction"]
    return learned[split_rows(codes, part, seed, layers["kin"][learned])[1]]


def card(classifier: Any, held_out: dict[str, Any], digest: str, n: int) -> dict[str, Any]:
    """What the model's card says of its training."""
    arbitrary = held_out["arbitrary"]
    parameters = classifier.get_params()
    training = {
        "name": NAME,
        "command": "benchmarks/robustness/zone_training.py, then zone_powers.py",
        "held_out": arbitrary,
        "otherwise": {"as learned": held_out["as learned"]},
        "learning_crystals": n,
        "of_which_validation": classifier.n_calibration_,
        "parameters": classifier.n_parameters_,
        "history": classifier.history_,
        "config": {"data": DATA, "classify": {key: parameters[key] for key in CLASSIFIER}},
        "layers": {"sha256": digest},
        "crystals": {"sha256": TABLE},
    }
    headline = {key: round(arbitrary[key], 4) for key in ("top1", "top5", "macro")}
    return {"name": NAME, **CARD, **headline, "training": training}


def main() -> None:
    """Train, ask about crystals held out, and save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layers", type=Path, required=True)
    parser.add_argument("--settings", type=Path, required=True)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--epochs", type=int, default=CLASSIFIER["epochs"])
    parser.add_argument("--crystals", type=int, help="take a sample alone, to try it out")
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()
    layers, settings = ({**np.load(path)} for path in (args.layers, args.settings))
    groups = layers["groups"].astype(int)
    learned, asked = sides(layers)
    if args.crystals:
        learned, asked = (np.random.default_rng(0).permutation(one) for one in (learned, asked))
        learned, asked = learned[: args.crystals], asked[: args.crystals // 4]
    classifier = SpaceGroupClassifier(**CLASSIFIER, verbose=1).set_params(epochs=args.epochs)
    classifier.fit(Blocks(layers, settings, learned, args.device), groups[learned])
    figures = {}
    for name, arbitrary in (("as learned", False), ("arbitrary", True)):
        rows = Blocks(layers, settings, asked, args.device, 1, arbitrary)
        given = classifier.predict_proba(rows)
        guesses = classifier.classes_[given.argmax(axis=1)]
        figures[name] = {
            **metrics.summary(groups[asked], given, classifier.classes_),
            "top1_interval": list(metrics.accuracy_interval(guesses == groups[asked])),
        }
        print(name, json.dumps(figures[name]), flush=True)
    classifier.set_params(verbose=0)
    args.output.mkdir(parents=True, exist_ok=True)
    (args.output / "figures.json").write_text(json.dumps(figures, indent=1) + "\n")
    pipeline = SpaceGroupPipeline(
        [
            ("simulate", DiffractionSimulator(**SIMULATOR).fit()),
            ("shape", ReflectionBlocks().fit()),
            ("classify", classifier),
        ]
    )
    about = card(classifier, figures, file_digest(args.layers), len(learned))
    save_pipeline(pipeline, args.output / "model", metadata=about, dtype="float16")


if __name__ == "__main__":
    main()
