"""Crystal structures -> diffraction patterns."""

from __future__ import annotations

from crystalsym.simulation.simulator import DiffractionSimulator

__all__ = ["DiffractionSimulator"]
