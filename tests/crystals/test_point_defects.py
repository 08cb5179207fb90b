"""Vacancies, substitution, antisites and interstitials: counted, and in the intensities."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.blocks import COPPER, CSCL, SIMPLE, block, intensities_of, structure_factors_of

from crystalsym.crystals import Crystal
from crystalsym.crystals.defects import Antisites, Interstitials, Substitution, Vacancies

HKL = [[1, 0, 0], [0, 1, 1], [2, 0, 1]]


@pytest.mark.parametrize("rate", [0.05, 0.3])
def test_vacancies_leave_the_square_of_what_is_left(rate):
    """F falls by the part that is missing, exactly, and that is the rate within statistics."""
    whole = block(SIMPLE, 20)
    left = Vacancies(rate, random_state=0).transform([whole])[0]
    part = len(left) / len(whole)
    assert abs(part - (1 - rate)) < 4 * np.sqrt(rate * (1 - rate) / len(whole))
    ratio = intensities_of(left, HKL) / intensities_of(whole, HKL)
    assert np.allclose(ratio, (1 - rate) ** 2, atol=0.02)
    assert np.allclose(ratio, part**2, rtol=1e-9)


def test_what_vacancies_take_is_diffuse():
    """Between reflections |F|² is rate (1 - rate) f² / N on average (Laue)."""
    rate, whole = 0.2, block(SIMPLE, 12)
    n = len(whole)
    left = Vacancies(rate, random_state=1).transform([whole])[0]
    steps = np.array([(i, j, k) for i in range(1, 6) for j in range(1, 6) for k in range(1, 6)])
    between = steps / 12  # where the whole block is dark
    assert intensities_of(whole, between).max() < 1e-20
    alone = block(SIMPLE, 1)
    expected = rate * (1 - rate) * intensities_of(alone, between) / n
    ratio = intensities_of(left, between) / expected  # exponential, mean 1
    assert abs(ratio.mean() - 1) < 4 / np.sqrt(len(steps))


def test_vacancies_of_one_element_leave_the_others():
    left = Vacancies(0.5, elements="Cl", random_state=0).transform([block(CSCL, 4)])[0]
    assert (left.atomic_numbers == 55).sum() == 64
    assert 10 < (left.atomic_numbers == 17).sum() < 54


def test_substitution_mixes_factors():
    whole = block(SIMPLE, 16)
    mixed = Substitution("Cu", by="Au", rate=0.25, random_state=0).transform([whole])[0]
    part = (mixed.atomic_numbers == 79).mean()
    gold = structure_factors_of(whole.replace(atomic_numbers=np.full(len(whole), 79)), HKL)
    expected = (1 - part) * structure_factors_of(whole, HKL) + part * gold
    assert np.allclose(structure_factors_of(mixed, HKL), expected, rtol=1e-9)
    assert abs(part - 0.25) < 4 * np.sqrt(0.25 * 0.75 / len(whole))


@pytest.mark.parametrize("rate", [0.05, 0.2, 0.5])
def test_superlattice_reflections_follow_long_range_order(rate):
    """100 of B2 falls to S² = (1 - 2 rate)², 110 keeps its intensity (Bragg & Williams)."""
    whole = block(CSCL, 12)
    exchanged = Antisites(rate, random_state=0).transform([whole])[0]
    order = 1 - 2 * (exchanged.atomic_numbers != whole.atomic_numbers).mean()
    assert abs(order - (1 - 2 * rate)) < 0.05
    ratio = intensities_of(exchanged, [[1, 0, 0], [1, 1, 0]]) / intensities_of(
        whole, [[1, 0, 0], [1, 1, 0]]
    )
    assert np.allclose(ratio, [order**2, 1], atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(
    st.floats(0, 0.3),
    st.integers(0, 100),
    st.lists(st.sampled_from([8, 22, 56]), min_size=2, max_size=4),
)
def test_antisites_keep_the_composition(rate, seed, numbers):
    rng = np.random.default_rng(seed)
    crystal = Crystal(np.eye(3) * 9, rng.random((len(numbers), 3)), numbers, standard=True)
    whole = block(crystal, 3)
    counts = np.bincount(whole.atomic_numbers)
    if np.count_nonzero(counts) < 2:
        with pytest.raises(ValueError, match="structure 0: holds atoms of one element only"):
            Antisites(rate).transform([whole])
        return
    exchanged = Antisites(rate, random_state=seed).transform([whole])[0]
    assert np.array_equal(np.bincount(exchanged.atomic_numbers), counts)
    assert np.array_equal(exchanged.positions, whole.positions)
    wrong = (exchanged.atomic_numbers != whole.atomic_numbers).mean()
    assert abs(wrong - rate) < 5 * np.sqrt(0.25 / len(whole)) + 1 / len(whole)


def test_more_antisites_than_a_rare_element_allows():
    crystal = Crystal(np.eye(3) * 9, np.linspace(0, 0.9, 10)[:, None] * [1, 1, 1], [8] * 9 + [22])
    with pytest.raises(
        ValueError, match=r"asks for \d+ exchanges of the 8 atoms of atomic number 22"
    ):
        Antisites(0.5, random_state=0).transform([block(crystal, 2)])


def test_interstitials_add_to_the_amplitude():
    """At the body's middle of a simple cell 111 has n f less than before."""
    whole = block(SIMPLE, 10)
    filled = Interstitials("C", 0.3, site=(0.5, 0.5, 0.5), random_state=0).transform([whole])[0]
    n = len(filled) - len(whole)
    assert abs(n - 300) < 4 * np.sqrt(1000 * 0.3 * 0.7)
    alone = whole.replace(atomic_numbers=np.full(len(whole), 6))
    carbon = n / 1000 * structure_factors_of(alone, [[1, 1, 1], [1, 1, 0]])
    added = structure_factors_of(filled, [[1, 1, 1], [1, 1, 0]]) - structure_factors_of(
        whole, [[1, 1, 1], [1, 1, 0]]
    )
    assert np.allclose(added, carbon * [-1, 1], rtol=1e-9)


def test_interstitials_keep_their_distance():
    whole = block(COPPER, 4)
    filled = Interstitials("H", 1.0, min_distance=1.5, random_state=0).transform([whole])[0]
    added = filled.positions[len(whole) :]
    assert len(added) == 64
    away = np.linalg.norm(added[:, None] - filled.positions[None], axis=2)
    away[np.arange(64), len(whole) + np.arange(64)] = 9
    assert away.min() >= 1.5
    with pytest.raises(ValueError, match=r"no place in cell .* is min_distance=3\.0 Å from all"):
        Interstitials("H", 1.0, min_distance=3.0).transform([whole])
    with pytest.raises(ValueError, match=r"site=\(0, 0, 0\) is 0.00 Å from another atom"):
        Interstitials("H", 1.0, site=(0, 0, 0)).transform([whole])


def test_nothing_at_rate_0_and_everything_at_1():
    whole = block(CSCL, 3)
    for step in (Vacancies(0), Antisites(0), Substitution("Cs", "K", 0), Interstitials("H", 0)):
        assert step.transform([whole])[0].digest() == whole.digest()
    replaced = Substitution("Cs", "K", 1).transform([whole])[0]
    assert set(replaced.atomic_numbers) == {17, 19}
    assert set(Vacancies(1, "Cs").transform([whole])[0].atomic_numbers) == {17}
    with pytest.raises(ValueError, match="no atom is left at rate=1"):
        Vacancies(1).transform([whole])


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (Vacancies(1.5), r"rate must lie in \[0, 1\], got 1.5"),
        (Vacancies("a"), "rate must be a finite number, got 'a'"),
        (Vacancies(True), "rate must be a finite number, got True"),
        (Vacancies(0.1, "Xx"), "elements must be an element's symbol or atomic number"),
        (Vacancies(0.1, 1.5), "elements must be None, an element or a list"),
        (Vacancies(0.1, "Au"), "structure 0: holds no atom of atomic number 79"),
        (Substitution("Cs", "Q"), "by must be an element's symbol"),
        (Substitution("Cs", 99), "by must be an element's symbol or atomic number, 1 to 98"),
        (Antisites(0.1, ["Cs"]), "elements must be at least two"),
        (Interstitials("H", site=(1, 2)), "site must be three finite numbers"),
        (Interstitials("H", min_distance=-1), "min_distance must be at least 0"),
    ],
)
def test_bad_parameters_are_named(step, message):
    with pytest.raises(ValueError, match=message):
        step.transform([block(CSCL, 2)])
