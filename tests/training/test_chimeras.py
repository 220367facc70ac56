"""Searches among people put together of single fingers: what comes out is what comparing everybody gives."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: it comes with the extra `train`")

from tenprint.fingerprint.matching import short_list
from tests.server.conftest import unit_vectors
from training.chimeras import RERANKED_PAIRS, Chimeras
from training.pool import Impressions

POOL = 60
SIZES = (1, 30, 60, 100, 150)


def everybody(chimeras, pool, probe, fingers, people):
    return [
        np.mean([probe[k] @ pool.vectors[chimeras.finger(person, k)] for k in range(fingers)])
        for person in range(people)
    ]


@pytest.mark.parametrize("fingers", [1, 2, 10])
def test_the_best_and_the_nearest_are_those_of_comparing_everybody(fingers):
    rng = np.random.default_rng(6)
    pool = Impressions(unit_vectors(rng, (POOL, 16)), [b""] * POOL)
    probes = list(unit_vectors(rng, (20, 10, 16)))
    chimeras = Chimeras(pool, SIZES, (1, 2, 10), (1, 2, 10), SIZES, separate=2)
    for probe, found in zip(probes, chimeras.search(probes), strict=True):
        scores = everybody(chimeras, pool, probe, fingers, SIZES[-1])
        sizes = [size for size in SIZES if fingers > 1 or size <= POOL]
        assert list(found.best[fingers]) == sizes
        for size in sizes:
            assert found.best[fingers][size][0] == pytest.approx(max(scores[:size]), abs=1e-5)
            people, near = found.lists[fingers][size]
            best = np.argsort(-np.array(scores[:size]), kind="stable")[: short_list(RERANKED_PAIRS, fingers)]
            assert near == pytest.approx(np.array(scores)[best], abs=1e-5)
            assert set(people.tolist()) == set(best.tolist())
        assert found.best[fingers][30][1] == pytest.approx(max(scores[30:60]), abs=1e-5)


def test_nobody_has_a_finger_twice_at_one_position_in_one_round():
    pool = Impressions(np.zeros((POOL, 4), np.float32), [b""] * POOL)
    chimeras = Chimeras(pool, (120,), (10,), (), ())
    for position in range(10):
        for turn in range(2):
            numbers = [chimeras.finger(turn * POOL + place, position) for place in range(POOL)]
            assert sorted(numbers) == list(range(POOL))
        assert chimeras.finger(0, position) != chimeras.finger(POOL, position)
