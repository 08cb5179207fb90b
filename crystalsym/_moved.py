"""Former import paths, which still work and say where their names are now."""

from __future__ import annotations

import importlib
import sys
import warnings
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

# Former module of crystalsym -> the packages that hold its names now, the first one first.
MODULES: dict[str, tuple[str, ...]] = {
    "augmentation": ("learning",),
    "geometry": ("diffraction",),
    "lattice_patterns": ("learning",),
    "learning_rows": ("learning",),
    "merging": ("shaping",),
    "models": ("networks",),
    "patterns": ("measurement",),
    "recipe": ("pretrained",),
    "simulation": ("diffraction",),
    "splits": ("learning",),
    "spots": ("diffraction",),
    "stores": ("learning",),
    "streams": ("learning",),
    "structure_factors": ("diffraction",),
    "structures": ("crystals",),
    "training_data": ("training",),
}


class MovedModule(ModuleType):
    """A former module; each of its names is looked up where it is now, with a warning."""

    def __getattr__(self, name: str) -> Any:
        former = self.__name__.rpartition(".")[2]
        if name.startswith("__"):
            raise AttributeError(name)
        for package in MODULES[former]:
            home = importlib.import_module(f"crystalsym.{package}")
            if hasattr(home, name):
                warnings.warn(
                    f"{self.__name__}.{name} has moved: import it from crystalsym.{package}",
                    DeprecationWarning,
                    stacklevel=2,
                )
                return getattr(home, name)
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")


class FunctionBecomeRoom(ModuleType):
    """A room whose name was that of a function, which can still be called, with a warning."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        name = self.__name__.rpartition(".")[2]
        warnings.warn(
            f"{self.__name__}() has moved: import it from crystalsym.diffraction",
            DeprecationWarning,
            stacklevel=2,
        )
        return getattr(importlib.import_module("crystalsym.diffraction"), name)(*args, **kwargs)


class _Finder(MetaPathFinder, Loader):
    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        package, _, name = fullname.rpartition(".")
        if package != "crystalsym" or name not in MODULES:
            return None
        return ModuleSpec(fullname, self)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        homes = " and ".join(f"crystalsym.{name}" for name in MODULES[spec.name.rpartition(".")[2]])
        return MovedModule(spec.name, f"Moved to {homes}.")

    def exec_module(self, module: ModuleType) -> None:
        """Nothing runs: names are looked up one by one."""


def module(name: str) -> ModuleType:
    """Import a former module by its name below ``crystalsym``."""
    return importlib.import_module(f"crystalsym.{name}")


def install() -> None:
    """Let ``import crystalsym.<former name>`` work."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        # First: a folder left by an older version would be taken for a package.
        sys.meta_path.insert(0, _Finder())
