"""The transformer from crystals to patterns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from numbers import Integral
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import BaseEstimator, TransformerMixin

from crystalsym import _provenance
from crystalsym._images import ImageOutputMixin
from crystalsym._presets import PresetMixin
from crystalsym.crystals._lists import refuse_single, structure_list
from crystalsym.diffraction._batches import CHUNK, simulated_batches
from crystalsym.diffraction._electron_beam import ElectronBeam, describe_distribution
from crystalsym.diffraction._geometry import Detector
from crystalsym.diffraction._rendering import DYNAMICAL_ENGINES
from crystalsym.diffraction._simulator_parameters import WAVELENGTH, render_settings
from crystalsym.diffraction._spot_patterns import SpotPatterns
from crystalsym.scattering._factors import electron_wavelength

PRESETS: dict[str, dict[str, Any]] = {
    # The geometry of the sample images published with npj Comput. Mater. 6, 196 (2020).
    "tiong2020": {
        "views": "rotations",
        "wavelength": 0.035,
        "ewald": "sphere",
        "detector_distance": 1000.0,
        "pixel_size": 0.4,
        "image_size": 256,
        "cells": 10,
        "engine": "lattice",
    },
    # The fingerprint of Nat. Commun. 9, 2775 (2018). Its clusters had about 256 atoms, which is
    # this block for a face-centered cell of four.
    "ziletti2018": {
        "views": "rotation-pairs",
        "wavelength": 0.05,
        "ewald": "sphere",
        "detector_distance": 100.0,
        "pixel_size": 0.4,
        "image_size": 64,
        "cells": 4,
        "engine": "lattice",
        "scale": "neighbors",
        "normalize": False,
    },
}
# The patterns that the benchmark networks of the first saw, merged, are the same.
PRESETS["tiong2020-benchmarks"] = PRESETS["tiong2020"]


class DiffractionSimulator(PresetMixin, ImageOutputMixin, TransformerMixin, BaseEstimator):
    """Simulate diffraction patterns of crystals.

    Parameters
    ----------
    views : str or array-like, default="symmetry-directions"
        ``"zone-axes"``: beam along [100], [010], [001], image +x along b*, c*, a*.
        ``"symmetry-directions"``: the same, but along [100], [1-10], [001] where a = b, and
        [111], [1-10], [001] for a cube (:func:`crystalsym.diffraction.symmetry_directions`).
        ``"cartesian"``: beam along the Cartesian x, y, z. ``"rotations"``: the crystal turned by
        +45° about x, y, z. ``"rotation-pairs"``: by -45° and +45° about x, about y, about z, six
        views. Or integers [u, v, w], shape (n_views, 3), or rotation matrices
        r_lab = R r_crystal, shape (n_views, 3, 3).
    output : {"images", "spots"}, default="images"
        What :meth:`transform` gives: images of the spots, or the spots themselves
        (:class:`crystalsym.diffraction.SpotPatterns`, engines ``"bragg"``, ``"bloch"`` and
        ``"multislice"``) within the circle that an image holds, without the direct beam.
    wavelength : float, default=0.035
        In Å.
    voltage : float, optional
        Accelerating voltage of electrons in kV, from which the wavelength then follows.
    radiation : {"xray", "electron"}, default="xray"
        Whose scattering factors are used.
    ewald : {"flat", "sphere"}, default="flat"
        The surface on which reflections are seen: the plane through the origin across the beam,
        as for electrons of infinite energy and a thin crystal, or the Ewald sphere of radius
        1/wavelength.
    q_max : float, default=1.457
        Scattering vector |q| = 1/d at the outermost pixel center on an axis, 1/Å. Not used when
        ``pixel_size`` is given.
    q_min : float, default=0.0
        Reflections up to this scattering vector, and with them the direct beam, are hidden, as by
        a beam stop, 1/Å.
    detector_distance : float, default=1000.0
        In mm.
    pixel_size : float, optional
        In mm; by default what ``q_max`` and ``image_size`` imply.
    image_size : int, default=256
        Pixels along each edge.
    center : tuple of float, optional
        Beam center (column, row) in pixels, by default the middle of the image.
    cells : int or tuple of int, default=10
        Unit cells along a, b, c of the block that diffracts (engines ``"lattice"``, ``"atoms"``
        and ``"condor"``).
    engine : {"bragg", "lattice", "atoms", "condor", "bloch", "multislice"}, default="bragg"
        ``"bragg"`` draws reflections as spots; ``"lattice"`` sums a finite block of cells exactly.
        ``"atoms"`` sums atom by atom and takes finite clusters
        (:class:`crystalsym.crystals.Cluster`, pymatgen Molecules, non-periodic ASE Atoms,
        ``.xyz`` and PDB files) beside crystals. ``"condor"`` has the same sum done by Condor,
        which must be installed. ``"bloch"`` and ``"multislice"`` let electrons scatter many times
        by the potential projected along a zone axis
        (:class:`crystalsym.diffraction.ProjectedPotential`): the former solves the equations of
        the zero-order layer exactly and is the faster, the latter lets thin slices scatter in
        turn. Their patterns do not obey Friedel's law.
    summation : {"direct", "nufft"}, default="direct"
        How engine ``"atoms"`` sums: atom by atom at every pixel, or by non-uniform fast Fourier
        transforms, within 1e-5 of the strongest pixel and for large clusters many times as fast.
        ``"nufft"`` needs the package finufft (extra ``nufft``).
    spot_sigma : float, default=0.5
        Standard deviation of the spots in pixels (engines that draw spots).
    thickness : float, (low, high) or distribution, optional
        Crystal thickness along the beam in Å. With ``"bragg"``, off zone axes or on the sphere, a
        number that widens reflections along it. With ``"bloch"`` and ``"multislice"`` how far the
        wave goes: a number, or a range or a distribution with a method ``rvs`` from which each
        pattern's is drawn. By default the beam's way through the middle of a block of ``cells``.
    tilt : float, (low, high) or distribution, default=0.0
        Angle of the beam from the zone axis, 0 to 2°, fixed or drawn for each pattern
        (``"bloch"``, ``"multislice"``).
    azimuth : float, optional
        Side of the image toward which the beam is tilted, degrees from +x toward +y; by default
        drawn for each pattern.
    precession : float, default=0.0
        Half angle in degrees of the cone on which the beam precesses (``"bloch"``,
        ``"multislice"``).
    convergence : float, default=0.0
        Half angle in degrees, 0 to 2, of the cone that incident directions fill evenly
        (``"bloch"``, ``"multislice"``; 1 mrad is 0.0573°). Intensities are means over them, those
        of whole disks; spots and images show a disk as a spot. Disks that overlap are warned of.
    absorption : float, default=0.0
        Imaginary potential in parts of the real one (``"bloch"``, ``"multislice"``).
    b_iso : float, default=0.0
        Debye-Waller factor B of all atoms in Å², amplitudes times exp(-B q²/4) (``"bloch"``,
        ``"multislice"``).
    bandwidth : float, optional
        Largest |q| of the beams that take part, 1/Å (``"bloch"``, ``"multislice"``); by default as
        far as the potential and the thickness ask for.
    slice_thickness : float, default=1.0
        Of engine ``"multislice"``, Å.
    laue_zones : int, optional
        The last Laue zone, hu + kv + lw = 0 to ±``laue_zones``, that zone-axis views show
        (engine ``"bragg"`` on the sphere); by default all that come close enough to it.
    polarization : {"ignore", "unpolarized", "horizontal", "vertical"}, default="ignore"
        Of the incident X-rays: which Thomson factor multiplies the intensities.
    fluence : float, default=1.0
        Incident photons (electrons) per Å². With ``normalize=False``, ``"lattice"``, ``"atoms"``
        and ``"condor"`` give photons (electrons) per pixel; ``"bloch"`` and ``"multislice"`` give
        parts of the incident beam.
    standardize : bool or "metric", default=True
        Bring each crystal to its standard conventional cell first. Otherwise its own axes and
        Cartesian frame are used. The standard cell of a space group is chosen by who knows it;
        ``"metric"`` takes the axes that the cell's lengths and angles, its centering and the Laue
        class would choose, as those of a reflection list are chosen.
    symprec : float, default=0.1
        Distance tolerance of the symmetry finder, Å.
    idealize : bool, default=True
        Let ``standardize`` move edges, angles and atoms onto the values that the symmetry asks
        for. Otherwise only the choice of axes follows the symmetry.
    finder : {"mixed", "spglib", "moyo"}, default="mixed"
        Who finds the symmetry that the standard cell follows
        (:func:`crystalsym.crystals.standardize`).
    scale : {"neighbors"}, optional
        ``"neighbors"`` shrinks every crystal until its atoms are 1 Å from their nearest neighbors
        on average, so that patterns do not tell how large its atoms are.
    normalize : bool, default=True
        Scale each pattern to its own maximum.
    dtype : {"float32", "float64", "uint16", "uint8"}, default="float32"
        Integer types need ``normalize=True`` and hold the full range of the type.
    on_error : {"raise", "nan", "skip"}, default="raise"
        What a crystal that cannot be simulated does: stop with an error that names it, become a
        row of NaN with a warning, or be left out (:meth:`iter_transform` only).
    memory : path-like or joblib.Memory, optional
        Cache keyed by crystal content and simulation parameters. A grid search over later steps
        then simulates each crystal once.
    random_state : int, RandomState instance or None, default=None
        Of what is drawn: thickness, tilt and azimuth. With it the place of a crystal in X fixes its
        draw, whatever the number of jobs.
    n_jobs : int, optional
        Parallel jobs through joblib.
    verbose : int, default=0
        Show progress when positive.

    Notes
    -----
    Engines other than ``"bloch"`` and ``"multislice"`` are kinematic: intensities are |F|² without
    absorption, temperature factors or multiple scattering; ``docs/electrons.md`` is about the
    others. The model at each pixel follows Condor (Hantke et al., J. Appl. Cryst. 49, 1356,
    2016); see ``docs/physics.md``.

    Examples
    --------
    >>> from crystalsym import DiffractionSimulator
    >>> from crystalsym.datasets import example_crystals
    >>> paths = list(example_crystals().values())[:2]
    >>> DiffractionSimulator(image_size=64).transform(paths).shape
    (2, 3, 64, 64)
    """

    _presets = PRESETS

    def __init__(
        self,
        views: Any = "symmetry-directions",
        *,
        output: str = "images",
        wavelength: float = WAVELENGTH,
        voltage: float | None = None,
        radiation: str = "xray",
        ewald: str = "flat",
        q_max: float = 1.457,
        q_min: float = 0.0,
        detector_distance: float = 1000.0,
        pixel_size: float | None = None,
        image_size: int = 256,
        center: tuple[float, float] | None = None,
        cells: int | tuple[int, int, int] = 10,
        engine: str = "bragg",
        summation: str = "direct",
        spot_sigma: float = 0.5,
        thickness: Any = None,
        tilt: Any = 0.0,
        azimuth: float | None = None,
        precession: float = 0.0,
        convergence: float = 0.0,
        absorption: float = 0.0,
        b_iso: float = 0.0,
        bandwidth: float | None = None,
        slice_thickness: float = 1.0,
        laue_zones: int | None = None,
        polarization: str = "ignore",
        fluence: float = 1.0,
        standardize: bool | str = True,
        symprec: float = 0.1,
        idealize: bool = True,
        finder: str = "mixed",
        scale: str | None = None,
        normalize: bool = True,
        dtype: str = "float32",
        on_error: str = "raise",
        memory: Any = None,
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ):
        self.views = views
        self.output = output
        self.wavelength = wavelength
        self.voltage = voltage
        self.radiation = radiation
        self.ewald = ewald
        self.q_max = q_max
        self.q_min = q_min
        self.detector_distance = detector_distance
        self.pixel_size = pixel_size
        self.image_size = image_size
        self.center = center
        self.cells = cells
        self.engine = engine
        self.summation = summation
        self.spot_sigma = spot_sigma
        self.thickness = thickness
        self.tilt = tilt
        self.azimuth = azimuth
        self.precession = precession
        self.convergence = convergence
        self.absorption = absorption
        self.b_iso = b_iso
        self.bandwidth = bandwidth
        self.slice_thickness = slice_thickness
        self.laue_zones = laue_zones
        self.polarization = polarization
        self.fluence = fluence
        self.standardize = standardize
        self.symprec = symprec
        self.idealize = idealize
        self.finder = finder
        self.scale = scale
        self.normalize = normalize
        self.dtype = dtype
        self.on_error = on_error
        self.memory = memory
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    @classmethod
    def _with_changes(cls, preset: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
        settings = {**preset, **changes}
        if "q_max" in changes:
            settings["pixel_size"] = changes.get("pixel_size")
        elif "pixel_size" not in changes:
            # Another number of pixels shows the same field.
            edge = preset["pixel_size"] * (preset["image_size"] - 1)
            settings["pixel_size"] = edge / (settings["image_size"] - 1)
        return settings

    def fit(self, X: Any = None, y: Any = None) -> DiffractionSimulator:
        """Check the parameters; there is nothing to learn.

        Parameters
        ----------
        X : list of structures
        y : ignored

        Returns
        -------
        DiffractionSimulator
        """
        if X is not None:
            structure_list(X)
        render_settings(self)
        self.detector_ = self.detector()
        return self

    def transform(self, X: Any) -> np.ndarray | SpotPatterns:
        """Simulate every crystal.

        Parameters
        ----------
        X : list of structures
            Crystals, pymatgen Structures, ASE Atoms or paths, n of them.

        Returns
        -------
        ndarray of shape (n, n_views, image_size, image_size)
            Linear intensity; :class:`SpotPatterns` with ``output="spots"``.

        Raises
        ------
        TypeError
            If X is one structure instead of a list.
        ValueError
            If a crystal cannot be simulated (``on_error="raise"``) or a parameter is out of range.
        """
        return self._transform(X)

    def _transform(self, X: Any, numbers: np.ndarray | None = None) -> np.ndarray | SpotPatterns:
        """Simulate; messages call the structures by ``numbers``, or by their positions."""
        if self.on_error == "skip":
            raise ValueError(
                'on_error="skip" would lose the rows\' order: use iter_transform, or "nan" here'
            )
        X = structure_list(X)
        settings = render_settings(self)
        batch_size = CHUNK * effective_n_jobs(self.n_jobs)
        made_by = (_provenance.step(self),)
        if self.output == "spots":
            batches = simulated_batches(self, X, settings, batch_size, numbers=numbers)
            parts = [spots for _, spots in batches]
            if not parts:
                parts = [SpotPatterns.absent(0, settings.n_views, settings.dtype)]
            return replace(SpotPatterns.concatenate(parts), made_by=made_by)
        shape = (len(X), settings.n_views, self.image_size, self.image_size)
        patterns = np.empty(shape, dtype=self.dtype)
        for index, batch in simulated_batches(self, X, settings, batch_size, patterns, numbers):
            if batch.base is not patterns:  # made in another process
                patterns[index[0] : index[-1] + 1] = batch
        return _provenance.described(patterns, made_by)

    def iter_transform(
        self, structures: Iterable[Any], batch_size: int = 256, return_index: bool = False
    ) -> Iterator[Any]:
        """Simulate any number of crystals in bounded memory.

        Parameters
        ----------
        structures : iterable of structures
            Read as needed, so a generator will do.
        batch_size : int, default=256
        return_index : bool, default=False
            Also yield the positions of the rows in ``structures``; with ``on_error="skip"`` they
            tell what was left out.

        Yields
        ------
        ndarray of shape (<= batch_size, n_views, image_size, image_size)
            Or ``(index, patterns)``.
        """
        if isinstance(batch_size, bool) or not isinstance(batch_size, Integral) or batch_size < 1:
            raise ValueError(f"batch_size must be a positive integer, got {batch_size!r}")
        refuse_single(structures)
        settings = render_settings(self)
        for index, patterns in simulated_batches(self, structures, settings, int(batch_size)):
            if len(index):
                yield (index, patterns) if return_index else patterns

    def _parameters_in_effect(self) -> dict[str, Any]:
        """The parameters, with the field as ``q_max`` however it was given."""
        values = {**self.get_params(deep=False), "q_max": round(self.detector().q_edge, 9)}
        for name in ("thickness", "tilt"):  # as JSON knows them
            if hasattr(values[name], "rvs"):
                values[name] = describe_distribution(values[name])
        del values["random_state"]
        return values

    def detector(self) -> Detector:
        """Return the detector that the parameters describe."""
        center = None if self.center is None else (float(self.center[0]), float(self.center[1]))
        wavelength = self.wavelength
        if self.voltage is not None:
            wavelength = electron_wavelength(self.voltage)
        if self.pixel_size is not None:
            return Detector(
                self.image_size, self.pixel_size, self.detector_distance, wavelength, center
            )
        return Detector.for_q_max(
            self.image_size, self.q_max, self.detector_distance, wavelength, center
        )

    @property
    def q_per_pixel(self) -> float:
        """Scattering vector per pixel near the beam, 1/Å."""
        return self.detector().q_per_pixel

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = False
        tags.no_validation = True
        if self.engine in DYNAMICAL_ENGINES:
            drawn = ElectronBeam(self.thickness, self.tilt, self.azimuth).is_drawn
            tags.non_deterministic = drawn and self.random_state is None
        return tags
