"""Compiled kernels and their cache on disk."""

from __future__ import annotations

import importlib
import pkgutil

import pytest
from numba.core.registry import CPUDispatcher

import crystalsym

WITH_KERNELS = ("crystals", "datasets", "diffraction", "learning", "scattering", "shaping")


def modules() -> list[str]:
    names = [info.name for info in pkgutil.walk_packages(crystalsym.__path__, prefix="crystalsym.")]
    return [name for name in names if name.split(".")[1] in WITH_KERNELS]


@pytest.mark.parametrize("module", modules())
def test_kernels_call_kernels_of_their_own_module_only(module):
    """Numba caches a kernel with those it calls, and looks at its own file alone for changes.

    A kernel that called one of another module would keep the old one after an update.
    """
    for kernel in vars(importlib.import_module(module)).values():
        if not isinstance(kernel, CPUDispatcher) or kernel.py_func.__module__ != module:
            continue
        for name in kernel.py_func.__code__.co_names:
            called = kernel.py_func.__globals__.get(name)
            if isinstance(called, CPUDispatcher):
                assert called.py_func.__module__ == module, (kernel, called)
