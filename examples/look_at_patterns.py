"""Draw the raw and the shaped patterns of crystals.

python examples/look_at_patterns.py [OUT.png [CRYSTAL ...]]
"""

from __future__ import annotations

import sys

import matplotlib

from crystalsym import DiffractionSimulator, PatternShaper, space_group_number
from crystalsym.datasets import example_crystals
from crystalsym.plotting import PatternDisplay

# Two cubic crystals whose patterns obey the same absences, and a hexagonal one.
NAMES = ("NaCl", "ZnS-sphalerite", "ZnO-zincite")


def main(out: str = "patterns.png", *names: str) -> None:
    """Simulate, shape, and write a figure."""
    matplotlib.use("Agg")
    names = names or NAMES
    structures = [example_crystals()[name] for name in names]

    simulator = DiffractionSimulator(views="zone-axes", q_max=1.457, image_size=256)
    raw = simulator.transform(structures)
    # Spots joined by lines, brightness by the logarithm of the intensity, the inner 69 % of the
    # field. The bundled models see the scheme "lattice" instead, in 13 x 13 pixels.
    shaper = PatternShaper(scheme="spots", intensity="log", image_size=224, field=0.69)
    shaped = shaper.transform(raw)
    print("raw", raw.shape, raw.dtype, "shaped", shaped.shape, shaped.dtype)

    display = PatternDisplay.from_patterns(
        raw,
        shaped,
        names=names,
        known_groups=[space_group_number(structure) for structure in structures],
        q_max=simulator.q_max,
    )
    display.figure_.savefig(out, dpi=110)
    print(f"wrote {out}")


if __name__ == "__main__":
    main(*sys.argv[1:])
