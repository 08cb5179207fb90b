"""Networks, one builder each, written with ``keras.layers`` and ``keras.ops`` alone.

A builder is called as ``builder(n_classes, image_size, channels, n_streams, **options)`` and
returns a functional :class:`keras.Model` that takes one image tensor per stream and emits float32
logits, in one output or one per stream. The layer named ``"features"`` gives the feature vectors
of the streams, (B, S, F).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crystalsym.networks._alexnet import alexnet
from crystalsym.networks._densenet import densenet
from crystalsym.networks._msdense import msdense
from crystalsym.networks._msdn import msdn
from crystalsym.networks._msmlp import msmlp
from crystalsym.networks._msvgg import msvgg
from crystalsym.networks._multiplications import multiplications
from crystalsym.networks._resnet import resnet
from crystalsym.networks._strided import strided
from crystalsym.networks._vgg import vgg
from crystalsym.networks._ziletti import ziletti

__all__ = [
    "alexnet",
    "available",
    "densenet",
    "get",
    "msdense",
    "msdn",
    "msmlp",
    "msvgg",
    "multiplications",
    "resnet",
    "strided",
    "vgg",
    "ziletti",
]

_BUILDERS: dict[str, Callable[..., Any]] = {
    "alexnet": alexnet,
    "densenet": densenet,
    "msdense": msdense,
    "msdn": msdn,
    "msmlp": msmlp,
    "msvgg": msvgg,
    "resnet": resnet,
    "strided": strided,
    "vgg": vgg,
    "ziletti": ziletti,
}


def available() -> list[str]:
    """Return the names of the networks, sorted.

    Examples
    --------
    >>> from crystalsym import networks
    >>> networks.available()
    ['alexnet', 'densenet', 'msdense', 'msdn', 'msmlp', 'msvgg', 'resnet', 'strided', 'vgg',
     'ziletti']
    """
    return sorted(_BUILDERS)


def get(name: str) -> Callable[..., Any]:
    """Return the builder of that name.

    Parameters
    ----------
    name : str
        One of :func:`available`.

    Returns
    -------
    callable
        Called as ``builder(n_classes, image_size, channels, n_streams, **options)``.

    Raises
    ------
    ValueError
        If there is no network of that name; the message lists those there are.

    Examples
    --------
    >>> from crystalsym import networks
    >>> networks.get("msdn") is networks.msdn
    True
    """
    try:
        return _BUILDERS[name]
    except (KeyError, TypeError):
        known = ", ".join(available())
        raise ValueError(f"there is no network named {name!r}; there are: {known}") from None
