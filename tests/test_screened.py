"""Neighbours screened in bfloat16 are those of float32, whatever the states."""

from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from samples import gaussian_classes, sample_of, uneven_tokens
import torch

from attinfo.information.estimators import knn
from attinfo.information.estimators.knn import nearest, nearest_neighbours
from attinfo.information.neighbors.screen import screened
from attinfo.information.neighbors.screen.candidates import Queries
from attinfo.information.neighbors.screen.parts import Part, every_pair
from attinfo.information.sample import Sample


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


def left_to_rounding(sample: Sample, k: int) -> torch.Tensor:
    """[n] whether a state but those at the radius is as far as it, as far as float32 can tell."""
    hidden = (sample.hidden - sample.hidden.mean(0)).double()
    squared = torch.cdist(hidden, hidden, compute_mode="donot_use_mm_for_euclid_dist") ** 2
    squared.fill_diagonal_(torch.inf)
    output = sample.output[:, 0]
    peers = squared.where(output == output[:, None], torch.inf).sort(1).values
    count = (output.bincount()[output] - 1).clamp(1, k)
    radius = peers.gather(1, count[:, None] - 1)
    norm = (hidden**2).sum(1)
    off = (squared - radius).abs()
    return ((off <= 1e-6 * (norm + norm[:, None] + radius)) & (off > 1e-12 * radius)).any(1)


STATES = [gaussian, clustered, repeated, uneven, whole, rounded_alike]


@pytest.fixture(scope="module", autouse=True)
def _small_enough_for_a_test() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(knn, "SHARE", 3)
        patch.setattr(screened, "PART", 150)
        patch.setattr(screened, "BLOCK", 40)
        patch.setattr(screened, "STEP", 100)
        patch.setattr(screened, "SMALL", 8)  # so that few of a class are enough
        yield


def alone(hidden: np.ndarray, output: np.ndarray) -> Sample:
    """Without permutations: for those neighbours are listed."""
    return sample_of(hidden, output, permutations=0)


def found(sample: Sample, k: int, screen: bool) -> tuple[torch.Tensor, int]:
    """Pointwise values, and how many queries were told from the references near them."""
    told = []
    counts = screened.Screen.counts

    def spied(self: screened.Screen, *given: torch.Tensor) -> torch.Tensor:
        found = counts(self, *given)
        assert torch.equal(found[0] > 0, found[1] > 0)
        told.append(int((found[0] > 0).sum()))
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(knn, "screen_pays", lambda *given: screen)
        patch.setattr(screened.Screen, "counts", spied)
        return nearest_neighbours(sample, neighbours=k).pvi, sum(told)


@pytest.mark.parametrize("states", STATES)
@given(
    d=st.sampled_from([2, 5, 16, 64]),
    k=st.sampled_from([1, 3, 10]),
    share=st.sampled_from([0.5, 0.1]),
    size=st.sampled_from([1e-3, 1.0, 1e3]),
    seed=st.integers(0, 999),
)
@settings(max_examples=15, deadline=None)
def test_counts_are_those_of_all_distances(
    states, d: int, k: int, share: float, size: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    hidden = (states(rng, 600, d) * (1 if states is whole else size)).astype(np.float32)
    output = (rng.random(600) < share).astype(np.int64)
    hidden[:, 0] += output * (states in (gaussian, clustered)) * size
    sample = alone(hidden, output)
    of_all, none = found(sample, k, screen=False)
    quick, _ = found(sample, k, screen=True)
    assert none == 0
    same = quick == of_all
    assert same.all() if states is whole else same[~left_to_rounding(sample, k)].all()


@pytest.mark.filterwarnings("ignore:TF32 acceleration")  # on setting the flags of oneDNN
@pytest.mark.parametrize("states", STATES)
@pytest.mark.parametrize("onednn", [True, False])
@pytest.mark.parametrize("alike", [True, False])
@pytest.mark.parametrize("d", [3, 32, 128])
def test_no_reference_within_the_radius_is_missed(
    states, onednn: bool, alike: bool, d: int
) -> None:
    rng = np.random.default_rng(d)
    hidden = torch.from_numpy(states(rng, 600, d)).float()
    peer = torch.from_numpy(rng.permutation(600) < 250).long()
    one = torch.ones(600, dtype=torch.int64)
    asked = peer if alike else one
    exact = torch.cdist(hidden.double(), hidden.double())
    of_class = exact.where(asked[:, None] == peer, torch.inf)
    radius = of_class.kthvalue(4, dim=1, keepdim=True).values
    norm = (hidden.double() ** 2).sum(1)
    compare = screened.compare
    told: dict[int, bool] = {}

    def spied(first: int, rows: np.ndarray, queries: Queries, *given: np.ndarray) -> None:
        compare(first, rows, queries, *given)
        for i, row in enumerate(rows.tolist()):
            n = int(queries.often[first + i])
            own = torch.from_numpy(queries.near[first + i, :n]).long()
            assert len(own.unique()) == n
            reached = torch.zeros(600, dtype=torch.bool)
            reached[own] = True
            assert n == 0 or (reached | (exact[row] > radius[row])).all()
            apart = torch.from_numpy(given[-1][i, :n]) + norm[row]
            off = (apart - exact[row, own] ** 2).abs()
            assert (off <= 1e-6 * (norm[row] + norm[own])).all()
            told[row] = n > 0

    with torch.backends.mkldnn.flags(enabled=onednn), pytest.MonkeyPatch.context() as patch:
        patch.setattr(screened, "compare", spied)
        screen = screened.Screen(hidden, hidden, threads=1)
        members = torch.stack([1 - peer, peer])
        screen.counts(asked, 3 * one, torch.arange(600), peer, members, one)
    assert len(told) == 600
    assert sum(told.values()) > 300 or states in (rounded_alike, uneven)


@pytest.mark.parametrize("count", [1, 2, 5, 8])
def test_each_part_meets_every_other_once_and_no_two_at_a_time(count: int) -> None:
    parts = [Part(0, i, i + 1) for i in range(count)]
    rounds = list(every_pair(parts))
    met = [frozenset(pair) for pairs in rounds for pair in pairs]
    assert len(met) == len(set(met)) == count * (count + 1) // 2
    for pairs in rounds[1:]:
        assert len({part for pair in pairs for part in pair}) == 2 * len(pairs)


def test_most_queries_of_ordinary_states_are_told_from_few_references() -> None:
    hidden, output = gaussian_classes(900, 64)
    assert found(alone(hidden, output), 3, screen=True)[1] > 800


def test_states_of_several_tokens_are_screened_too() -> None:
    sample = uneven_tokens(400, 900, 32)
    quick, told = found(sample, 3, screen=True)
    assert told > 400
    assert torch.equal(quick, found(sample, 3, screen=False)[0])


@pytest.mark.parametrize("far", [1e4, 1e19])
def test_where_the_bounds_say_nothing_all_are_compared(far: float) -> None:
    # Two clouds whose distance, or whose squares' size, is beyond bfloat16.
    hidden, output = gaussian_classes(600, 16)
    hidden[::2, 1] += far
    sample = alone(hidden, output)
    quick, told = found(sample, 3, screen=True)
    assert told == 0
    assert torch.equal(quick, found(sample, 3, screen=False)[0])


def test_states_that_are_all_as_far_from_each_other_are_compared_with_all() -> None:
    sample = alone(np.eye(600, dtype=np.float32), np.arange(600) % 2)
    quick, told = found(sample, 3, screen=True)
    assert told == 0
    assert torch.equal(quick, found(sample, 3, screen=False)[0])


def test_single_queries_with_too_many_references_near_are_compared_with_all() -> None:
    # A third of the states is one narrow cloud: from each of them all the others are alike.
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(1200, 32))
    cloud = rng.choice(1200, 400, replace=False)
    hidden[cloud] = 3 * rng.normal(size=32) + 1e-2 * rng.normal(size=(400, 32))
    sample = alone(hidden.astype(np.float32), rng.integers(0, 2, 1200))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(screened, "SPARE", 84)
        quick, told = found(sample, 3, screen=True)
    assert told == 800
    known = found(sample, 3, screen=False)[0]
    assert torch.equal(quick, known)


def test_of_small_classes_whose_radius_holds_many_all_are_compared() -> None:
    rng = np.random.default_rng(0)
    output = np.concatenate([np.zeros(460), 1 + np.arange(240) // 15]).astype(np.int64)
    sample = alone(rng.normal(size=(700, 32)).astype(np.float32), rng.permutation(output))
    quick, told = found(sample, 3, screen=True)
    assert told == 460
    assert torch.equal(quick, found(sample, 3, screen=False)[0])


@pytest.mark.parametrize("states", [gaussian, repeated, whole])
def test_lists_of_neighbours_hold_the_nearest_in_order(
    monkeypatch: pytest.MonkeyPatch, states
) -> None:
    rng = np.random.default_rng(0)
    hidden = torch.from_numpy(states(rng, 700, 32)).float()
    lists = []
    for screen in (False, True):
        monkeypatch.setattr(knn, "screen_pays", lambda *given, screen=screen: screen)
        lists.append(nearest(hidden[:500], hidden, 12))
    (_, known), (near, distance) = lists
    told = screened.Screen(hidden[:500], hidden, threads=1).nearest(12)[1][:, -1].isfinite()
    assert told.sum() > 250
    norm = (hidden**2).sum(1)
    assert torch.allclose(distance, known, rtol=0, atol=1e-6 * float(norm.max()))
    assert (distance.diff(dim=1) >= 0).all()
    apart = norm[near] - 2 * (hidden[:500, None] * hidden[near]).sum(2)
    assert torch.allclose(distance, apart, rtol=0, atol=1e-6 * float(norm.max()))
    assert all(len(set(row)) == 12 for row in near.tolist())


@pytest.mark.parametrize("states", [gaussian, repeated])
def test_the_null_is_the_same_from_screened_lists(monkeypatch: pytest.MonkeyPatch, states) -> None:
    rng = np.random.default_rng(0)
    hidden = states(rng, 900, 32).astype(np.float32)
    sample = sample_of(hidden, rng.integers(0, 3, 900), permutations=12)
    nearest_of, told = screened.Screen.nearest, []

    def spied(self: screened.Screen, length: int) -> tuple[torch.Tensor, torch.Tensor]:
        found = nearest_of(self, length)
        told.append(int(found[1][:, -1].isfinite().sum()))
        return found

    monkeypatch.setattr(screened.Screen, "nearest", spied)
    nulls = []
    for screen in (False, True):
        monkeypatch.setattr(knn, "screen_pays", lambda *given, screen=screen: screen)
        nulls.append(nearest_neighbours(sample, neighbours=1).null)
    assert sum(told) > 600
    assert torch.equal(*nulls)


@pytest.mark.parametrize(
    "sample", [uneven_tokens(400, 900, 32), alone(*gaussian_classes(900, 32))], ids=["many", "one"]
)
def test_threads_share_the_queries_and_torch_gets_its_own_back(sample: Sample) -> None:
    threads = torch.get_num_threads()
    found_by = {}
    try:
        for count in (1, 3):
            torch.set_num_threads(count)
            found_by[count] = found(sample, 3, screen=True)[0]
            assert torch.get_num_threads() == count
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(found_by[1], found_by[3])
