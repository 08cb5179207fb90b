"""The axes that a list happens to be indexed in change nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.orbit_lists import KINDS, in_other_axes, orbit_list, unimodular

from crystalsym.crystals._metric_settings import open_settings
from crystalsym.reflections import reduce_reflections, sections


def pictures(merged, change=None):
    """What each layer holds: indices with their intensities, the beam seen from either side."""
    patterns = sections(merged, change)
    views = []
    for view in range(3):
        rows = slice(patterns.starts[view], patterns.starts[view + 1])
        # Of a spot only |q| and intensity survive a turn of the layer.
        q = np.linalg.norm(patterns.q[rows], axis=1)
        views.append(sorted(zip(q.round(4), patterns.intensity[rows].round(6), strict=True)))
    return views


def alike(one, two):
    return all(
        len(a) == len(b) and (not a or np.allclose(a, b, rtol=1e-3, atol=1e-3))
        for a, b in zip(one, two, strict=True)
    )


@pytest.mark.parametrize("kind", KINDS, ids=" ".join)
@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_new_axes_leave_the_layers_as_they_are(kind, seed):
    listed = orbit_list(*kind, error=0.05, missing=0.1, seed=seed % 7, d_min=1.0)
    moved = in_other_axes(listed, unimodular(np.random.default_rng(seed)), kind[1])
    one, two = reduce_reflections(listed), reduce_reflections(moved)
    first, second = one.merged(0), two.merged(0)
    assert (first.laue, first.centering) == (second.laue, second.centering)
    np.testing.assert_allclose(first.cell, second.cell, rtol=1e-5)
    # Primitive axes list nothing that tells of a centering: shares among those of the same one.
    shares = []
    for each in (one, two):
        best = each.hypotheses[0]
        same = [h.probability for h in each.hypotheses if h.centering == best.centering]
        shares.append(best.probability / sum(same))
    assert shares[0] == pytest.approx(shares[1], abs=1e-6 if kind[1] == "P" else 0.02)
    assert len(first) == len(second)
    wanted = pictures(first)
    changes = open_settings(second.lattice, second.centering, second.laue)
    assert any(alike(wanted, pictures(second, change)) for change in changes)


@pytest.mark.parametrize("kind", KINDS, ids=" ".join)
def test_open_settings_keep_the_lattice_and_are_different(kind):
    merged = reduce_reflections(orbit_list(*kind)).merged(0)
    changes = open_settings(merged.lattice, merged.centering, merged.laue)
    allowed = {tuple(row) for row in merged.expanded()[0].tolist()}
    allowed |= {tuple(-np.array(row)) for row in allowed}
    turns = {w.tobytes() for w in merged.operations} | {(-w).tobytes() for w in merged.operations}
    seen = []
    for change in changes:
        back = np.linalg.inv(change)
        # The operations of the class are the same matrices in every open setting of high symmetry.
        own = np.round(back.T @ merged.operations @ change.T).astype(merged.operations.dtype)
        if merged.laue not in ("-1",):
            assert {w.tobytes() for w in own} <= turns
        # Two settings that an operation of the class relates are one.
        for other in seen:
            apart = np.round(change @ np.linalg.inv(other)).T.astype(merged.operations.dtype)
            assert apart.tobytes() not in turns
        seen.append(change)
