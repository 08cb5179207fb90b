"""Engines "bloch" and "multislice": limits, conservation, symmetry, each other, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.stats import uniform
from support.crystals import NACL, lattice_of, one_atom
from support.random_crystals import random_crystal

from crystalsym import Crystal, DiffractionSimulator
from crystalsym.diffraction import ProjectedPotential, reflections
from crystalsym.scattering import electron_wavelength, relativistic_mass, structure_factors

WAVELENGTH = electron_wavelength(200)
MICROSCOPE = {"radiation": "electron", "voltage": 200, "output": "spots"}
# hkl -> (h, k, l) of a layer's beams.
Z = (0, 0, 1)


def sphalerite(second: int = 33) -> Crystal:
    face = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    return Crystal(np.eye(3) * 5.65, np.concatenate([face, face + 0.25]), [31] * 4 + [second] * 4)


def general(number: int) -> Crystal:
    return random_crystal(number, np.random.default_rng(number))


def by_hkl(potential, values):
    return dict(zip(map(tuple, potential.hkl.tolist()), values.T.tolist(), strict=True))


def strength(crystal, hkl, b_iso=0.0):
    """v_g by the definition, radians per Å."""
    q = np.linalg.norm(hkl @ crystal.reciprocal, axis=1)
    content = (crystal.frac_coords, crystal.atomic_numbers, crystal.occupancies)
    amplitudes = structure_factors(hkl, q, *content, "electron").conj()
    volume = abs(np.linalg.det(crystal.lattice))
    factor = relativistic_mass(WAVELENGTH) * WAVELENGTH / volume
    return factor * np.exp(-b_iso * q**2 / 4) * amplitudes


def matrix_of(potential, crystal, k=(0.0, 0.0), b_iso=0.0, absorption=0.0):
    """The equations of all beams as one matrix, every v_{g-h} summed by itself."""
    hkl = potential.hkl
    differences = hkl[:, None] - hkl[None]
    couplings = strength(crystal, differences.reshape(-1, 3), b_iso).reshape(differences.shape[:2])
    squares = (potential.q**2).sum(axis=1)
    turns = -np.pi * WAVELENGTH * (squares + 2 * potential.q @ np.array(k))
    return np.diag(turns) + (1 + 1j * absorption) * couplings


@pytest.mark.parametrize("number", [1, 14, 150, 216])
@pytest.mark.parametrize(("tilt", "absorption"), [(0.0, 0.0), (0.7, 0.0), (0.3, 0.1)])
def test_beams_are_those_of_the_matrix_of_all_of_them(number, tilt, absorption):
    crystal = random_crystal(number, np.random.default_rng(number), n_orbits=1)
    potential = ProjectedPotential(
        crystal, Z, WAVELENGTH, q_max=0.6, bandwidth=0.7, b_iso=0.8, absorption=absorption,
        dtype="float64",
    )  # fmt: skip
    found = potential.intensities([40.0, 250.0], tilt=tilt, azimuth=30.0)
    side = np.array([np.cos(np.pi / 6), np.sin(np.pi / 6)])
    k = np.sin(np.radians(tilt)) / WAVELENGTH * side
    matrix = matrix_of(potential, crystal, k, 0.8, absorption)
    for thickness, intensity in zip((40.0, 250.0), found, strict=True):
        expected = np.abs(expm(1j * thickness * matrix)[:, 0]) ** 2
        assert np.abs(intensity - expected).max() < 1e-8
    if not absorption:
        assert found.sum(axis=1) == pytest.approx([1, 1], abs=1e-9)


@pytest.mark.parametrize("offset", [0.0, 0.6])
def test_two_beams_by_hand(offset):
    """I = sin²(π t sqrt(s² + 1/ξ²)) / (1 + s² ξ²) with the extinction distance ξ = π / v."""
    # Beams 0, g and -g alone lie within the bandwidth, and -g is far from the sphere.
    crystal = one_atom(np.diag([2.4, 0.9, 480.0]), 29)
    potential = ProjectedPotential(
        crystal, Z, WAVELENGTH, q_max=0.42, bandwidth=0.42, dtype="float64"
    )
    assert sorted(potential.hkl[:, 0].tolist()) == [-1, 0, 1]
    xi = np.pi / abs(strength(crystal, np.array([[1, 0, 0]]))[0])
    g, s = 1 / 2.4, offset / xi
    k = -s / (WAVELENGTH * g) - g / 2  # s = -λ (g² + 2 g k) / 2
    t = np.linspace(100, 1.2 * xi, 7)
    tilt = np.degrees(np.arcsin(-WAVELENGTH * k))
    found = by_hkl(potential, potential.intensities(t, tilt=tilt, azimuth=180.0))[1, 0, 0]
    expected = np.sin(np.pi * t * np.sqrt(s**2 + xi**-2)) ** 2 / (1 + (s * xi) ** 2)
    assert np.max(expected) > 0.4
    assert np.abs(found - expected).max() < 0.02


def test_systematic_row_is_that_of_its_own_matrix():
    """A cell so flat that one row alone lies within the bandwidth, tilted to a Bragg position."""
    crystal = Crystal(np.diag([6.0, 0.9, 4.0]), [[0, 0, 0], [0.3, 0, 0.1]], [38, 8])
    potential = ProjectedPotential(
        crystal, Z, WAVELENGTH, q_max=1.0, bandwidth=1.0, dtype="float64"
    )
    assert (potential.hkl[:, 1] == 0).all()
    assert len(potential.hkl) == 13
    bragg = np.degrees(np.arcsin(WAVELENGTH / 12))  # g = 1/6 is on the sphere at k = -g/2
    t = [30.0, 90.0, 200.0]
    found = potential.intensities(t, tilt=bragg, azimuth=180.0)
    h = potential.hkl[:, 0]
    g = h / 6
    turns = -np.pi * WAVELENGTH * (g**2 - g / 6)
    assert turns[h == 1] == pytest.approx(0, abs=1e-12)
    zeros = np.zeros_like(h)
    difference = np.stack(
        [h[:, None] - h[None], zeros[:, None] + zeros, zeros[:, None] + zeros], -1
    )
    couplings = strength(crystal, difference.reshape(-1, 3)).reshape(len(h), len(h))
    values, vectors = np.linalg.eigh(couplings + np.diag(turns))
    for thickness, intensity in zip(t, found, strict=True):
        amplitude = vectors @ (np.exp(1j * thickness * values) * vectors[0].conj())
        assert np.abs(np.abs(amplitude) ** 2 - intensity).max() < 1e-6


@pytest.mark.parametrize("method", ["bloch", "multislice"])
@pytest.mark.parametrize("number", [4, 62, 186, 216])
def test_no_thickness_is_kinematic(number, method):
    """I / (γ λ t / Ω)² goes to |F|²; two thin crystals extrapolated."""
    crystal = general(number)
    potential = ProjectedPotential(
        crystal, Z, WAVELENGTH, q_max=0.8, bandwidth=1.2, method=method, slice_thickness=0.01,
        dtype="float64",
    )  # fmt: skip
    thin = np.array([0.02, 0.04])
    one, two = potential.intensities(thin) / thin[:, None] ** 2
    limit = (4 * one - two) / 3  # what is left out is of second order
    expected = np.abs(strength(crystal, potential.hkl)) ** 2
    beams = (np.linalg.norm(potential.q, axis=1) <= 0.8) & potential.hkl.any(axis=1)
    assert np.abs(limit - expected)[beams].max() < 1e-3 * expected[beams].max()
    strong = beams & (expected > 1e-3 * expected[beams].max())
    assert np.allclose(limit[strong], expected[strong], rtol=1e-3)


def test_thin_patterns_of_the_simulator_are_those_of_bragg():
    crystals = [NACL, general(19)]
    common = {**MICROSCOPE, "views": "zone-axes", "normalize": False, "dtype": "float64"}
    kinematic = DiffractionSimulator(**common).transform(crystals).with_mates()
    thin = DiffractionSimulator(**common, engine="bloch", thickness=0.01).transform(crystals)
    assert not thin.halved
    for row in range(2):
        for view in range(3):
            one, other = kinematic.pattern(row, view), thin.pattern(row, view)
            expected = dict(zip(map(tuple, one.hkl.tolist()), one.intensity, strict=True))
            found = dict(zip(map(tuple, other.hkl.tolist()), other.intensity, strict=True))
            assert expected.keys() == found.keys()
            places = dict(zip(map(tuple, one.hkl.tolist()), one.q.tolist(), strict=True))
            for hkl, q in zip(map(tuple, other.hkl.tolist()), other.q.tolist(), strict=True):
                assert q == pytest.approx(places[hkl], abs=1e-6)
            volume = abs(np.linalg.det(crystals[row].lattice)) if row == 0 else None
            scale = max(found.values()) / max(expected.values())
            if volume:
                wanted = (relativistic_mass(WAVELENGTH) * WAVELENGTH * 0.01 / volume) ** 2
                assert scale == pytest.approx(wanted, rel=1e-3)
            strongest = max(expected.values())
            for hkl, value in expected.items():
                assert found[hkl] / scale == pytest.approx(value, rel=1e-2, abs=1e-4 * strongest)


@pytest.mark.parametrize("number", [2, 33, 186, 225])
def test_all_beams_together_are_the_incident_one(number):
    potential = ProjectedPotential(general(number), Z, WAVELENGTH, q_max=0.8, b_iso=0.5)
    together = potential.intensities([10.0, 100.0, 1000.0], tilt=0.2).sum(axis=1)
    assert together == pytest.approx([1, 1, 1], abs=1e-5)
    absorbed = ProjectedPotential(
        general(number), Z, WAVELENGTH, q_max=0.8, b_iso=0.5, absorption=0.1
    ).intensities([10.0, 100.0, 1000.0])
    sums = absorbed.sum(axis=1)
    assert 1 > sums[0] > sums[1] > sums[2] > 0


@pytest.mark.parametrize("crystal", [NACL, sphalerite(), general(33)], ids=["NaCl", "GaAs", "33"])
def test_thin_slices_go_to_bloch_waves(crystal):
    """Over the same bandwidth both solve the same equations but for couplings beyond it."""
    wide = {"q_max": 1.0, "b_iso": 1.5, "dtype": "float64"}
    bloch = ProjectedPotential(crystal, Z, WAVELENGTH, bandwidth=3.0, **wide)
    expected = by_hkl(bloch, bloch.intensities([60.0, 200.0], tilt=0.1, azimuth=20.0))
    errors = []
    for thickness in (2.0, 1.0):
        slices = ProjectedPotential(
            crystal, Z, WAVELENGTH, bandwidth=3.0, method="multislice", slice_thickness=thickness,
            **wide,
        )  # fmt: skip
        found = by_hkl(slices, slices.intensities([60.0, 200.0], tilt=0.1, azimuth=20.0))
        near = [hkl for hkl in expected if np.linalg.norm(hkl @ crystal.reciprocal) < 1]
        errors.append(max(np.abs(np.subtract(found[hkl], expected[hkl])).max() for hkl in near))
    assert errors[1] < 2e-3
    assert errors[1] < 0.6 * errors[0] or errors[0] < 2e-4


def test_friedel_pairs_part_where_the_projection_has_no_twofold_axis():
    crystal = sphalerite()
    potential = ProjectedPotential(crystal, (1, -1, 0), WAVELENGTH, b_iso=0.5)
    thin, thick = (by_hkl(potential, row) for row in potential.intensities([1.0, 200.0]))
    assert thin[1, 1, 1] == pytest.approx(thin[-1, -1, -1], rel=1e-2)
    assert abs(thick[1, 1, 1] / thick[-1, -1, -1] - 1) > 0.1
    # Along [001] the projection of F-43m has one, and in diamond every projection.
    for other, zone, pair in (
        (crystal, Z, (2, 2, 0)),
        (crystal, Z, (4, 0, 0)),
        (sphalerite(31), (1, -1, 0), (1, 1, 1)),
    ):
        beams = ProjectedPotential(other, zone, WAVELENGTH, b_iso=0.5)
        pattern = by_hkl(beams, beams.intensities(200.0))
        mate = tuple(-i for i in pair)
        assert pattern[pair] == pytest.approx(pattern[mate], rel=1e-3)


def test_polar_direction_has_the_sign_of_the_structure():
    """The crystal turned upside down has the pattern turned upside down."""
    crystal = sphalerite()
    inverted = crystal.replace(frac_coords=-crystal.frac_coords)
    one, other = (
        by_hkl(p, p.intensities(150.0))
        for p in (ProjectedPotential(c, (1, -1, 0), WAVELENGTH) for c in (crystal, inverted))
    )
    for hkl, value in one.items():
        assert other[tuple(-i for i in hkl)] == pytest.approx(value, abs=1e-5)
    assert abs(one[1, 1, 1] - other[1, 1, 1]) > 1e-3


def test_glide_row_is_dark_on_the_zone_and_on_its_line_and_bright_off_it():
    """Pna2_1 along [001]: h00 with h odd, by the a glide along the beam (Gjønnes and Moodie)."""
    crystal = general(33)
    potential = ProjectedPotential(crystal, Z, WAVELENGTH, q_max=0.8, b_iso=0.5)
    odd = [hkl for hkl in map(tuple, potential.hkl.tolist()) if hkl[1] == 0 and hkl[0] % 2]
    assert odd
    x = 0.0  # image +x is along a*
    dark = [potential.intensities(150.0), potential.intensities(150.0, tilt=0.4, azimuth=x)]
    off = potential.intensities(150.0, tilt=0.4, azimuth=60.0)
    for pattern in dark:
        assert max(by_hkl(potential, pattern)[hkl] for hkl in odd) < 1e-9
    assert max(by_hkl(potential, off)[hkl] for hkl in odd) > 1e-4


def test_screw_row_is_dark_on_the_zone_and_not_off_it():
    """P2_12_12_1 along [001]: h00 and 0k0 with odd indices, by screw axes across the beam."""
    potential = ProjectedPotential(general(19), Z, WAVELENGTH, q_max=0.8, b_iso=0.5)
    odd = [
        hkl
        for hkl in map(tuple, potential.hkl.tolist())
        if (hkl[1] == 0 and hkl[0] % 2) or (hkl[0] == 0 and hkl[1] % 2)
    ]
    zone, off = (
        by_hkl(potential, potential.intensities(150.0, tilt=tilt, azimuth=35.0))
        for tilt in (0, 0.4)
    )
    assert max(zone[hkl] for hkl in odd) < 1e-9
    assert max(off[hkl] for hkl in odd) > 1e-4


def test_fourfold_screw_leaves_no_row_dark_across_it():
    """P4_1 along [100]: 002 is absent for X-rays, and reached by way of others here."""
    crystal = general(76)
    layer = ProjectedPotential(crystal, (1, 0, 0), WAVELENGTH, q_max=0.8, b_iso=0.5)
    pattern = by_hkl(layer, layer.intensities(200.0))
    assert abs(strength(crystal, np.array([[0, 0, 2]]))[0]) < 1e-9
    assert pattern[0, 0, 2] > 1e-4
    assert pattern[0, 0, 1] < 1e-9  # the twofold screw axis that is part of it


@pytest.mark.parametrize(("number", "rule"), [(5, "centering"), (7, "glide"), (35, "centering")])
def test_absences_of_centering_and_of_glides_across_the_beam_stay_dark(number, rule):
    crystal = general(number)
    zone = (0, 1, 0) if rule == "glide" else Z
    potential = ProjectedPotential(crystal, zone, WAVELENGTH, q_max=0.8)
    layer = potential.layer_indices @ potential.basis_hkl
    intensity = potential.of_layer(potential.intensities(300.0, tilt=0.7, azimuth=23.0))
    if rule == "glide":  # c across b
        absent = layer[:, 2] % 2 == 1
    else:
        absent = (layer[:, 0] + layer[:, 1]) % 2 == 1
    assert absent.any()
    assert not intensity[absent].any()
    assert intensity[~absent].all()


def test_precession_is_the_mean_over_a_cone():
    potential = ProjectedPotential(general(33), Z, WAVELENGTH, q_max=0.8, bandwidth=1.0)
    found = potential.intensities([50.0, 150.0], precession=0.5)
    azimuths = np.arange(240) * 1.5
    expected = np.mean(
        [potential.intensities([50.0, 150.0], tilt=0.5, azimuth=a) for a in azimuths], axis=0
    )
    assert np.abs(found - expected).max() < 1e-5
    # A thin crystal does not mind: the kinematic limit is the same for all directions.
    still, moving = (potential.intensities(0.5, precession=p) for p in (0.0, 0.5))
    assert np.allclose(still, moving, atol=1e-3 * still[1:].max())


def test_one_thickness_is_the_same_alone_and_among_others():
    potential = ProjectedPotential(general(14), Z, WAVELENGTH, q_max=0.8, b_iso=0.5)
    several = potential.intensities([300.0, 20.0, 700.0, 20.0])
    assert np.array_equal(several[1], several[3])
    for thickness, row in zip((300.0, 20.0), several, strict=False):
        assert np.abs(potential.intensities(thickness) - row).max() < 2e-5


def test_bandwidth_follows_the_atoms_and_the_thickness():
    light, heavy = (one_atom(np.eye(3) * 3.2, z) for z in (6, 79))
    widths = [
        ProjectedPotential(crystal, Z, WAVELENGTH, b_iso=0.5, thickest=t).bandwidth
        for crystal, t in ((light, 20.0), (light, 300.0), (heavy, 300.0))
    ]
    assert widths[0] <= widths[1] < widths[2]
    assert widths[0] >= 1.457
    fixed = ProjectedPotential(heavy, Z, WAVELENGTH, bandwidth=2.0)
    assert fixed.bandwidth == 2.0
    assert np.linalg.norm(fixed.q, axis=1).max() <= 2.0
    with pytest.raises(ValueError, match=r"bandwidth=1\.0 is below the field's radius"):
        ProjectedPotential(heavy, Z, WAVELENGTH, bandwidth=1.0)
    with pytest.raises(ValueError, match="method must be one of"):
        ProjectedPotential(heavy, Z, WAVELENGTH, method="slices")
    for zone in ((0, 0, 0), (0.5, 0, 1), (0, 1)):
        with pytest.raises(ValueError, match="zone must be integers"):
            ProjectedPotential(heavy, zone, WAVELENGTH)
    with pytest.raises(ValueError, match="no family of views has the zone"):
        ProjectedPotential(heavy, (1, 2, 3), WAVELENGTH, views="zone-axes")
    for thickness in (-1.0, [10.0, np.nan], []):
        with pytest.raises(ValueError, match="thickness must be numbers from 0"):
            fixed.intensities(thickness)


def test_skew_and_left_handed_cells():
    """The pattern does not depend on the cell that describes the crystal."""
    crystal = general(1)
    skew = np.array([[1, 0, 0], [2, 1, 0], [0, 0, 1]])
    other = crystal.replace(
        lattice=skew @ crystal.lattice, frac_coords=crystal.frac_coords @ np.linalg.inv(skew)
    )
    patterns = []
    for one in (crystal, other):
        potential = ProjectedPotential(one, Z, WAVELENGTH, q_max=0.8, bandwidth=1.0)
        lab = potential.hkl @ one.reciprocal
        order = np.lexsort(lab.round(6).T)
        patterns.append((lab[order], potential.intensities(150.0)[order]))
    assert np.allclose(patterns[0][0], patterns[1][0], atol=1e-9)
    assert np.allclose(patterns[0][1], patterns[1][1], atol=1e-5)
    mirrored = crystal.replace(lattice=crystal.lattice * [1, 1, -1])
    one, two = (
        ProjectedPotential(c, Z, WAVELENGTH, q_max=0.8, bandwidth=1.0) for c in (crystal, mirrored)
    )
    assert np.allclose(one.intensities(150.0), two.intensities(150.0), atol=1e-5)
    assert np.allclose(one.q * [1, -1], two.q, atol=1e-9)


SMALL = {**MICROSCOPE, "engine": "bloch", "q_max": 0.6, "standardize": False}
CRYSTALS = [general(n) for n in (2, 33, 216)]


@pytest.mark.parametrize("output", ["spots", "images"])
def test_draws_follow_the_random_state_and_the_row(output):
    drawn = {"thickness": (50, 300), "tilt": uniform(0, 0.4), "random_state": 3}
    simulator = DiffractionSimulator(**{**SMALL, "output": output}, **drawn, image_size=16)

    def values(found):
        return found.intensity if output == "spots" else found

    alone = simulator.transform(CRYSTALS)
    assert np.array_equal(values(simulator.transform(CRYSTALS)), values(alone))
    assert np.array_equal(values(simulator.transform(CRYSTALS[:2])), values(alone[:2]))
    simulator.set_params(random_state=4)
    assert not np.array_equal(values(simulator.transform(CRYSTALS)), values(alone))
    # The same crystal twice: two thicknesses.
    twice = simulator.transform([CRYSTALS[0]] * 2)
    assert not np.array_equal(values(twice[0]), values(twice[1]))
    fixed = DiffractionSimulator(**{**SMALL, "output": output}, thickness=100, image_size=16)
    twice = fixed.transform([CRYSTALS[0]] * 2)
    assert np.array_equal(values(twice[0]), values(twice[1]))


def test_cache_knows_what_was_drawn(tmp_path):
    simulator = DiffractionSimulator(**SMALL, thickness=(50, 300), random_state=0)
    plain = simulator.transform([CRYSTALS[0]] * 2)
    simulator.set_params(memory=tmp_path)
    for _ in range(2):
        assert np.array_equal(simulator.transform([CRYSTALS[0]] * 2).intensity, plain.intensity)


def test_default_thickness_is_the_block_of_cells():
    crystal = NACL
    by_cells = DiffractionSimulator(**SMALL, cells=5).transform([crystal])
    given = DiffractionSimulator(**SMALL, thickness=5 * 5.64).transform([crystal])
    view = by_cells.pattern(0, 2)
    same = given.pattern(0, 2)
    assert view.zone == (0, 0, 1)
    assert np.allclose(view.intensity, same.intensity, atol=1e-6)


def test_images_show_the_spots_and_the_direct_beam():
    common = {**SMALL, "views": [[0, 0, 1]], "thickness": 100.0, "normalize": False}
    spots = DiffractionSimulator(**common).transform([CRYSTALS[1]]).pattern(0, 0)
    simulator = DiffractionSimulator(
        **{**common, "output": "images"}, image_size=257, spot_sigma=1.5
    )
    image = simulator.transform([CRYSTALS[1]])[0, 0]
    brightest = np.argsort(-spots.intensity)[:3]
    for q, intensity in zip(spots.q[brightest], spots.intensity[brightest], strict=True):
        column, row = np.rint(q / simulator.q_per_pixel + 128).astype(int)
        assert image[row - 1 : row + 2, column - 1 : column + 2].max() == pytest.approx(
            intensity, rel=0.15
        )
    whole = ProjectedPotential(CRYSTALS[1], Z, WAVELENGTH, q_max=0.9, thickest=100.0)
    assert image[128, 128] == pytest.approx(whole.intensities(100.0)[0], rel=0.02)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"radiation": "xray", "voltage": None}, "engine='bloch' is for radiation=\"electron\""),
        ({"ewald": "sphere"}, "has the curvature of the sphere within itself"),
        ({"laue_zones": 1}, "knows the zero-order layer only"),
        ({"scale": "neighbors"}, "needs the crystal's own size"),
        ({"views": "rotations"}, "projects the crystal along zone axes"),
        ({"views": np.eye(3)[None]}, "projects the crystal along zone axes"),
        ({"thickness": 0}, "thickness must be a number above 0, a range"),
        ({"thickness": (300, 50)}, "thickness must be"),
        ({"thickness": "50"}, "thickness must be"),
        ({"tilt": 2.5}, "tilt must be a number from 0 to 2"),
        ({"tilt": (0, -1)}, "tilt must be"),
        ({"azimuth": (0, 90)}, "azimuth must be None"),
        ({"precession": -1}, "precession must be a number from 0 to 5"),
        ({"absorption": 2}, "absorption must be a number from 0 to 1"),
        ({"b_iso": -0.1}, "b_iso must be a number from 0"),
        ({"bandwidth": 0}, "bandwidth must be a positive number"),
        ({"slice_thickness": None}, "slice_thickness must be a positive number"),
        ({"engine": "bragg", "tilt": 0.1}, 'tilt=0.1 is for engine="bloch" or "multislice"'),
        ({"engine": "bragg", "b_iso": 0.5}, 'b_iso=0.5 is for engine="bloch" or "multislice"'),
        ({"engine": "bragg", "thickness": (1, 2)}, "thickness must be a positive number"),
    ],
)
def test_what_does_not_go_together(parameters, message):
    with pytest.raises(ValueError, match=message):
        DiffractionSimulator(**{**MICROSCOPE, "engine": "bloch", **parameters}).fit()


def test_a_distribution_out_of_range_names_its_parameter():
    simulator = DiffractionSimulator(**SMALL, tilt=uniform(3, 1), random_state=0)
    with pytest.raises(ValueError, match="structure 0: the distribution of tilt gave"):
        simulator.transform(CRYSTALS[:1])


def test_reflections_up_to_the_field_are_all_listed():
    found = DiffractionSimulator(**SMALL, views=[[0, 0, 1]], thickness=50.0).transform(CRYSTALS)
    for row, crystal in enumerate(CRYSTALS):
        table = reflections(crystal, 0.6, radiation="electron")
        layer = table.hkl[(table.hkl[:, 2] == 0) & table.hkl.any(axis=1)]
        assert set(map(tuple, layer.tolist())) == set(
            map(tuple, found.pattern(row, 0).hkl.tolist())
        )


def test_triclinic_frame():
    crystal = one_atom(lattice_of(4, 5, 6, 80, 95, 105))
    potential = ProjectedPotential(crystal, (1, 0, 0), WAVELENGTH, q_max=0.6)
    lengths = np.linalg.norm(potential.hkl @ crystal.reciprocal, axis=1)
    assert np.allclose(np.linalg.norm(potential.q, axis=1), lengths)
