"""Space groups of crystals from their diffraction patterns."""

from __future__ import annotations

import lazy_loader

from crystalsym import _moved

__version__ = "0.5.0"

# The names stand in __init__.pyi. Loaded on first use: importing crystalsym costs no Keras.
_named, _, __all__ = lazy_loader.attach_stub(__name__, __file__)
__all__ = ["__version__", *__all__]


def __getattr__(name: str):
    if name in _moved.MODULES:
        return _moved.module(name)
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _named(name)


def __dir__() -> list[str]:
    return sorted(__all__)


_moved.install()
