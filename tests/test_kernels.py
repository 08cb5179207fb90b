"""Compiled kernels and their cache on disk."""

from __future__ import annotations

import ast
import builtins
import importlib
import types
from pathlib import Path

import numpy as np
import pytest
from numba.core.registry import CPUDispatcher

import crystalsym
from crystalsym.diffraction import _atom_sum, _block_sum
from crystalsym.shaping import _index_scheme, _spot_scheme

ROOT = Path(crystalsym.__file__).parent


def modules() -> list[str]:
    """Modules of every room that have to do with Numba, by their files."""
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        if "numba" in path.read_text(encoding="utf-8"):
            parts = path.relative_to(ROOT.parent).with_suffix("").parts
            found.append(".".join(parts).removesuffix(".__init__"))
    return found


def names_in(code: types.CodeType) -> set[str]:
    """Names that code looks up outside itself, its inner functions' included."""
    inner = [const for const in code.co_consts if isinstance(const, types.CodeType)]
    return set(code.co_names).union(*(names_in(each) for each in inner))


def foreign(tree: ast.Module, names: set[str]) -> set[str]:
    """Those of the names whose value comes from another module of the package.

    A name that is assigned from others has their origin.
    """
    origins: dict[str, set[str]] = {}
    outside = set()
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            if node.level or (node.module or "").split(".")[0] == "crystalsym":
                outside |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "crystalsym":
                    outside.add(alias.asname or "crystalsym")
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            used = {n.id for n in ast.walk(node.value) if isinstance(n, ast.Name)}
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                for n in ast.walk(target):
                    if isinstance(n, ast.Name):
                        origins[n.id] = used
    found, seen, left = set(), set(), {name: name for name in names}
    while left:
        name, asked = left.popitem()
        if name in outside:
            found.add(asked)
        if name not in seen:
            seen.add(name)
            left.update(dict.fromkeys(origins.get(name, ()), asked))
    return found


@pytest.mark.parametrize("name", modules())
def test_kernels_use_nothing_of_another_module(name):
    """Numba caches a kernel with what it calls and with its constants.

    It looks at the kernel's own file alone for changes, so that a kernel, constant or table of
    another module would stay as it was after an update.
    """
    module = importlib.import_module(name)
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    kernels = [
        kernel.py_func
        for kernel in vars(module).values()
        if isinstance(kernel, CPUDispatcher) and kernel.py_func.__module__ == name
    ]
    decorated = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and any("jit" in ast.unparse(decorator) for decorator in node.decorator_list)
    ]
    assert len(kernels) == len(decorated), "a kernel is out of this test's sight"
    for function in kernels:
        names = names_in(function.__code__) & set(function.__globals__)
        assert not foreign(tree, names), (function.__name__, foreign(tree, names))
        for used in names - set(vars(builtins)):
            value = function.__globals__[used]
            if isinstance(value, CPUDispatcher):
                assert value.py_func.__module__ == name, (function.__name__, used)


@pytest.mark.parametrize(
    "text",
    [
        "from crystalsym.a import STEP",
        "from .a import STEP",
        "from crystalsym import a as STEP",
        "import crystalsym.a as STEP",
        "from crystalsym.a import WIDTH\nSTEP = 2 * WIDTH",
        "import crystalsym.a\nWIDTH = crystalsym.a.WIDTH\nSTEP: int = WIDTH",
    ],
)
def test_a_foreign_constant_is_seen(text):
    assert foreign(ast.parse(text), {"STEP"}) == {"STEP"}


def test_an_own_constant_is_none():
    text = "import math\nfrom crystalsym.a import OTHER\nWIDTH = 2\nSTEP = math.sqrt(WIDTH)"
    assert foreign(ast.parse(text), {"STEP", "math"}) == set()


def test_constants_that_two_modules_hold_are_the_same():
    for name in ("S0", "S1", "S2", "S3", "S4", "C0", "C1", "C2", "C3", "C4", "C5"):
        one, two = getattr(_atom_sum, name), getattr(_block_sum, name)
        assert one == two, name
        assert one.dtype == two.dtype == np.float32, name
    assert _index_scheme.ROOT == _spot_scheme.ROOT
    assert _index_scheme.LOG == _spot_scheme.LOG
