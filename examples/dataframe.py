"""Columns of space groups for a pandas DataFrame of structures, as matminer's featurizers add them.

python examples/dataframe.py
"""

from __future__ import annotations

import pandas as pd

from crystalsym import as_crystal
from crystalsym.datasets import example_crystals, example_space_groups
from crystalsym.featurizers import SpaceGroupFeaturizer

SOME = ("NaCl", "CsCl", "ZnS-sphalerite", "ZnS-wurtzite", "TiO2-rutile", "TiO2-anatase", "Mg")


def main() -> None:
    """Print a table with the two most probable groups, and one that is ready for a regression."""
    names = list(SOME)
    table = pd.DataFrame(
        {
            "name": names,
            "declared": [example_space_groups()[name] for name in names],
            "structure": [as_crystal(example_crystals()[name]) for name in names],
        }
    )
    # A structure that cannot be read stops nothing: its row says why.
    table.loc[len(table)] = ["lost", 0, "lost.cif"]

    featurizer = SpaceGroupFeaturizer("72", top_k=2)
    featured = featurizer.featurize_dataframe(
        table, "structure", ignore_errors=True, return_errors=True
    )
    print(featured.drop(columns="structure").to_string(float_format="%.3f"), "\n")

    # The same as a scikit-learn transformer, with the probability of every group as a column.
    known = table["structure"][:-1]
    features = SpaceGroupFeaturizer("72", features="probabilities").set_output(transform="pandas")
    X = features.fit_transform(known)
    print(X.shape, list(X.columns[:2]), "...")
    print("cite:", *featurizer.citations(), sep="\n")


if __name__ == "__main__":
    main()
