"""
Columns of a DataFrame
======================

Space groups as columns of a pandas DataFrame of structures, as matminer's featurizers add them.
"""

from __future__ import annotations

import pandas as pd

from crystalsym import as_crystal
from crystalsym.datasets import example_crystals, example_space_groups
from crystalsym.featurizers import SpaceGroupFeaturizer

names = ["NaCl", "CsCl", "ZnS-sphalerite", "ZnS-wurtzite", "TiO2-rutile", "TiO2-anatase", "Mg"]
table = pd.DataFrame(
    {
        "name": names,
        "declared": [example_space_groups()[name] for name in names],
        "structure": [as_crystal(example_crystals()[name]) for name in names],
    }
)

# %%
# A structure that cannot be read stops nothing: its row says why.

table.loc[len(table)] = ["lost", 0, "lost.cif"]
featurizer = SpaceGroupFeaturizer("72", top_k=2)
featured = featurizer.featurize_dataframe(
    table, "structure", ignore_errors=True, return_errors=True
)
print(featured.drop(columns="structure").to_string(float_format="%.3f"))

# %%
# The same as a scikit-learn transformer, with the probability of every group as a column, ready
# for a regression.

known = table["structure"][:-1]
features = SpaceGroupFeaturizer("72", features="probabilities").set_output(transform="pandas")
X = features.fit_transform(known)
print(X.shape, list(X.columns[:2]), "...")
print("cite:", *featurizer.citations(), sep="\n")
