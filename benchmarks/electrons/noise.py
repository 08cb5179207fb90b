"""What noise costs: held-out patterns whose spots are off by some per cent, weak ones lost.

    python benchmarks/electrons/noise.py --patterns DIR --crystals 2048

Each spot of the aligned patterns is off by a normal error, spots below 1e-4 of the strongest are
lost. Writes ``noise.csv``.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
import store
import torch
from patterns import load, spots

from crystalsym.bundles import find_model
from crystalsym.pretrained import load_pipeline

ERRORS = (0.0, 0.02, 0.05, 0.1, 0.2)
FAINTEST = -4.0


def main() -> None:
    """Ask, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--patterns", type=Path, required=True)
    parser.add_argument("--model", default="72-electron")
    parser.add_argument("--crystals", type=int, default=2048)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results")
    args = parser.parse_args()
    pipeline = load_pipeline(find_model(args.model))
    found = load(args.patterns / "held-out")
    rng = np.random.default_rng(0)
    which = rng.integers(len(found["intensity"]), size=(len(found["rows"]), 3))
    images = pipeline["shape"].transform(spots(found, which)[: args.crystals])
    labels = found["labels"][: args.crystals]
    store.NOISY, store.FAINTEST = 1.0, (FAINTEST, FAINTEST)
    rows = []
    for error in ERRORS:
        store.ERROR = (max(error, 1e-9),) * 2
        shown = np.array(images, dtype=np.float32)
        if error:
            drawn = torch.Generator().manual_seed(1)
            shown[..., 0] = store.noisy(torch.from_numpy(shown[..., 0]), drawn).numpy()
        groups, _ = pipeline["classify"].predict_top_k(shown, 5)
        right = groups == labels[:, None]
        rows.append((error, len(labels), *(round(float(r.mean()), 4) for r in (
            right[:, 0], right.any(axis=1)))))  # fmt: skip
        print(*rows[-1], flush=True)
    with open(args.output / "noise.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("error", "crystals", "top1", "top5"), *rows])


if __name__ == "__main__":
    main()
