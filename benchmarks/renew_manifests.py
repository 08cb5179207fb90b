"""Write the manifests of saved pipelines anew, after a card or a parameter was edited on purpose.

Run from the repository: ``python benchmarks/renew_manifests.py crystalsym/data/models/*``.
"""

import sys
from pathlib import Path

from crystalsym.bundles import write_files
from crystalsym.bundles._bundled_models import FILES


def renew(folder: Path) -> None:
    """Write the manifest of one pipeline by the files as they are."""
    write_files(folder, {name: (folder / name).read_bytes() for name in FILES})


if __name__ == "__main__":
    for folder in map(Path, sys.argv[1:]):
        renew(folder)
        print(folder)
