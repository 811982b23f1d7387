"""Neighbours screened in bfloat16 are those of a brute force in float64, whatever the states."""

from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from samples import gaussian_classes, sample_of, uneven_tokens
import torch

from attinfo.information.estimators.knn import nearest_neighbours
from attinfo.information.neighbors import search
from attinfo.information.neighbors.distances import of_unit_size
from attinfo.information.neighbors.screen import screened
from attinfo.information.neighbors.screen.parts import Part, every_pair
from attinfo.information.neighbors.search import Lists, Search


def gaussian(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    return rng.normal(size=(n, d))


def clustered(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    return 3 * rng.normal(size=(20, d))[rng.integers(0, 20, n)] + rng.normal(size=(n, d))


def repeated(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    atoms = rng.normal(size=(n // 3, d))
    return atoms[rng.integers(0, len(atoms), n)]


def uneven(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    """Norms over six orders of magnitude."""
    return rng.normal(size=(n, d)) * 10 ** rng.uniform(-3, 3, (n, 1))


def whole(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    """Numbers of which float32 holds all products: distances are tied, or differ by one."""
    half = rng.integers(-100, 101, (n // 2, d))
    half[: n // 4] = half[0] + rng.integers(-1, 2, (n // 4, d))
    return np.concatenate([half, -half])  # the mean, which is taken off, is 0


def rounded_alike(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    """What bfloat16 leaves out points where the state does: products lack as much as they can."""
    half = torch.from_numpy(rng.uniform(1, 1.1, (n // 2, d))).bfloat16().double().numpy()
    half *= 1 + 0.9 * 2**-8 * rng.uniform(size=(n // 2, 1))
    return np.concatenate([half, -half])


STATES = [gaussian, clustered, repeated, uneven, whole, rounded_alike]


@pytest.fixture(scope="module", autouse=True)
def _small_enough_for_a_test() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(screened, "PART", 150)
        patch.setattr(screened, "BLOCK", 40)
        patch.setattr(screened, "STEP", 100)
        patch.setattr(screened, "SMALL", 8)
        yield


def lists(query: torch.Tensor, reference: torch.Tensor, length: int) -> tuple[Lists, int]:
    """Lists by way of the screen, and how many queries the screen knew."""
    known = []
    nearest = screened.Screen.nearest

    def spied(self: screened.Screen, length: int) -> screened.Found:
        found = nearest(self, length)
        known.append(len(found.rows))
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "screen_pays", lambda *given: True)
        patch.setattr(screened.Screen, "nearest", spied)
        return Search(reference).nearest(query, length), sum(known)


def all_distances(query: torch.Tensor, reference: torch.Tensor) -> np.ndarray:
    """[Q, R] by differences in float64."""
    return np.stack([((reference.numpy() - x) ** 2).sum(1) for x in query.numpy()])


def assert_nearest(found: Lists, distance: np.ndarray) -> None:
    """The lists hold the nearest in order, and end where a farther one follows."""
    length = found.near.shape[1]
    near, ends = found.near.numpy(), found.ends.numpy()
    expected = np.sort(distance, 1)
    of_lists = np.take_along_axis(distance, near, 1)
    for row in range(len(near)):
        assert len(set(near[row])) == length
        complete = np.flatnonzero(ends[row])
        sure = complete[-1] + 1 if len(complete) else 0
        np.testing.assert_array_equal(of_lists[row, :sure], expected[row, :sure])
        farther = expected[row, 1 : sure + 1] > expected[row, :sure]
        np.testing.assert_array_equal(ends[row, : len(farther)], farther)


@pytest.mark.parametrize("states", STATES)
@given(
    d=st.sampled_from([2, 5, 16, 64]),
    length=st.sampled_from([3, 8, 30]),
    size=st.sampled_from([1e-3, 1.0, 1e3]),
    alike=st.booleans(),
    seed=st.integers(0, 999),
)
@settings(max_examples=15, deadline=None)
def test_lists_of_neighbours_hold_the_nearest_in_order(
    states, d: int, length: int, size: float, alike: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    hidden = states(rng, 600, d) * (1 if states is whole else size)
    reference = of_unit_size(torch.from_numpy(hidden.astype(np.float32)))
    query = reference if alike else reference[::3].clone()
    found, _ = lists(query, reference, length)
    assert_nearest(found, all_distances(query, reference))


@pytest.mark.parametrize("count", [1, 2, 5, 8])
def test_each_part_meets_every_other_once_and_none_twice_in_a_round(count: int) -> None:
    parts = [Part(i, i + 1) for i in range(count)]
    rounds = list(every_pair(parts))
    met = [frozenset(pair) for pairs in rounds for pair in pairs]
    assert len(met) == len(set(met)) == count * (count + 1) // 2
    for pairs in rounds[1:]:
        assert len({part for pair in pairs for part in pair}) == 2 * len(pairs)


def test_most_queries_of_ordinary_states_are_known_from_few_references() -> None:
    hidden = of_unit_size(torch.from_numpy(gaussian_classes(900, 64)[0]))
    found, known = lists(hidden, hidden, 8)
    assert known > 800
    assert_nearest(found, all_distances(hidden, hidden))


@pytest.mark.parametrize("far", [1e4, 1e19])
def test_where_the_bounds_say_nothing_the_lists_are_right(far: float) -> None:
    # Two clouds whose distance, or whose squares' size, is beyond bfloat16.
    hidden, _ = gaussian_classes(600, 16)
    hidden[::2, 1] += far
    states = of_unit_size(torch.from_numpy(hidden))
    found, known = lists(states, states, 8)
    assert known == 0
    assert_nearest(found, all_distances(states, states))


def test_states_that_are_all_as_far_from_each_other_are_compared_with_all() -> None:
    states = of_unit_size(torch.eye(600, dtype=torch.float64))
    found, known = lists(states, states, 8)
    assert known == 0
    # Beside itself every state has 599 neighbours at one distance: no list of 8 ends there.
    assert found.ends[:, 0].all() and not found.ends[:, 1:].any()


@pytest.mark.parametrize("states", [gaussian, repeated])
@pytest.mark.parametrize("several", [False, True])
def test_screened_neighbours_give_the_same_information(
    monkeypatch: pytest.MonkeyPatch, states, several: bool
) -> None:
    rng = np.random.default_rng(0)
    sample = sample_of(states(rng, 900, 32), rng.integers(0, 3, 900), permutations=12)
    if several:
        sample = uneven_tokens(400, 900, 32, permutations=12)
    found = []
    for screen in (False, True):
        monkeypatch.setattr(search, "screen_pays", lambda *given, screen=screen: screen)
        found.append(nearest_neighbours(sample, neighbours=1))
    assert torch.equal(found[0].pvi, found[1].pvi)
    assert torch.equal(found[0].null, found[1].null)
