"""Rows that belong together: groups on one side of a fold, and copies of a row counted once."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from samples import STUDIED, gaussian_classes, gaussian_information
from scipy.special import digamma
import torch

from attinfo.blocks.estimators import CONTINUOUS, ESTIMATORS
from attinfo.information import FLAGS, estimate
from attinfo.information.repeats import NEAR, repeats
from attinfo.information.sample import folds, with_permutations

every_name = pytest.mark.parametrize("name", STUDIED)


@given(
    sizes=st.lists(st.integers(1, 12), min_size=5, max_size=40),
    classes=st.integers(1, 4),
    seed=st.integers(0, 99),
)
@settings(max_examples=100, deadline=None)
def test_no_group_is_cut_and_no_fold_is_empty(sizes: list[int], classes: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    group = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    output = rng.integers(0, classes, len(group))
    found = folds(torch.from_numpy(output), 5, seed, torch.from_numpy(group)).numpy()
    assert len(np.unique(found)) == 5
    assert all(len(np.unique(found[group == g])) == 1 for g in range(len(sizes)))
    again = folds(torch.from_numpy(output), 5, seed, torch.from_numpy(group)).numpy()
    assert (found == again).all()


def test_folds_of_many_small_groups_are_as_large_and_stratified() -> None:
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(250), 4)
    output = rng.integers(0, 2, 250)[group]
    found = folds(torch.from_numpy(output), 5, 0, torch.from_numpy(group)).numpy()
    counts = np.array([[((found == k) & (output == y)).sum() for y in (0, 1)] for k in range(5)])
    assert (np.ptp(counts, axis=0) <= 4).all()


def test_large_groups_of_one_class_do_not_crowd_out_another() -> None:
    # Texts of class 1 are spread evenly, although one fold has most texts of class 0.
    size = np.repeat([40, 1], [1, 65])
    group = np.repeat(np.arange(66), size)
    output = np.repeat(np.arange(66) > 20, size).astype(np.int64)
    found = folds(torch.from_numpy(output), 5, 0, torch.from_numpy(group)).numpy()
    assert np.bincount(found[output == 1], minlength=5).tolist() == [9] * 5
    assert sorted(np.bincount(found[output == 0], minlength=5)) == [5, 5, 5, 5, 40]


@given(
    sizes=st.lists(st.integers(1, 6), min_size=2, max_size=20),
    seed=st.integers(0, 99),
)
@settings(max_examples=50, deadline=None)
def test_permutations_of_groups_deal_every_output_once(sizes: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    group = torch.from_numpy(rng.permutation(np.repeat(np.arange(len(sizes)), sizes)))
    output = torch.arange(len(group))
    found = with_permutations(output, 4, seed, group)
    assert (found.sort(0).values == output[:, None]).all()
    if len(set(sizes)) == 1:  # groups swap their outputs as a whole
        origin = group[found]
        for g in range(len(sizes)):
            assert (origin[group == g] == origin[group == g][0]).all()


def noisy_copies(groups: int, each: int, d: int, seed: int, jitter: float) -> tuple[Any, ...]:
    """Groups of nearly the same state with one output, which has nothing to do with it."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), each)
    hidden = rng.normal(size=(groups, d))[group] + jitter * rng.normal(size=(len(group), d))
    return hidden, rng.integers(0, 2, groups)[group], group


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] if n == "stack" else []) for n in STUDIED]
)
def test_groups_without_information_are_at_their_null(name: str) -> None:
    above, found = 0, []
    for seed in range(12):
        hidden, output, group = noisy_copies(60, 4, 16, seed, jitter=0.1)
        estimated = estimate(hidden, output, name, permutations=19, groups=group)
        assert estimated.groups == 60
        above += "below_floor" not in estimated.flags
        found.append(estimated.ci_low)
    assert above <= 3
    # Without groups the copies are recognised.
    hidden, output, _ = noisy_copies(60, 4, 16, 0, jitter=0.1)
    assert estimate(hidden, output, name, permutations=19).mi_nats > (
        0.05 if name != "linear" else 0
    )


@every_name
def test_information_is_found_beside_groups(name: str) -> None:
    hidden, output = gaussian_classes(1000, 4, 2.0)
    group = np.random.default_rng(0).integers(0, 200, 1000)
    found = estimate(hidden, output, name, permutations=19, groups=[f"text {g}" for g in group])
    assert found.mi_nats == pytest.approx(gaussian_information(2.0), abs=0.08)
    assert "below_floor" not in found.flags


@pytest.mark.parametrize("name", [*ESTIMATORS, *CONTINUOUS])
def test_each_row_a_group_of_its_own_is_as_no_groups(name: str) -> None:
    hidden, output = gaussian_classes(120, 4)
    values = output if name in ESTIMATORS else hidden[:, 0] + np.sin(np.arange(120))
    given = {"permutations": 3, "output_layer": (np.eye(2, 4), np.zeros(2))}
    one = estimate(hidden, values, name, **given)
    other = estimate(hidden, values, name, groups=np.arange(120) * 7, **given)
    assert (one.pvi == other.pvi).all() and one.floor_upper == other.floor_upper
    assert other.groups is None


def test_the_interval_is_over_groups() -> None:
    hidden, output = gaussian_classes(200, 4)
    group = np.arange(200) // 4
    found = estimate(hidden, output, "linear", permutations=0, groups=group)
    sums = np.bincount(group, found.pvi - found.pvi.mean())
    error = np.sqrt((sums**2).sum()) / 200
    assert found.ci_high - found.mi_nats == pytest.approx(1.96 * error)


@pytest.mark.parametrize("metric", ["euclidean", "chebyshev"])
def test_no_state_of_the_own_group_is_a_neighbour(metric: str) -> None:
    rng = np.random.default_rng(0)
    output, group = rng.integers(0, 3, 150), rng.integers(0, 40, 150)
    hidden = rng.normal(size=(40, 5))[group] + 0.1 * rng.normal(size=(150, 5))
    found = estimate(hidden, output, "knn", permutations=3, groups=group, metric=metric)
    expected = []
    for i in range(150):
        apart = np.abs(hidden - hidden[i])
        far = apart.max(1) if metric == "chebyshev" else (apart**2).sum(1)
        others = group != group[i]
        peers = others & (output == output[i])
        radius = np.sort(far[peers])[2]
        same, everyone = ((far[who] <= radius).sum() for who in (peers, others))
        value = digamma(others.sum() + 1) + digamma(same) - digamma(peers.sum() + 1)
        expected.append(value - digamma(everyone))
    np.testing.assert_allclose(found.pvi, expected, atol=1e-9)


# Copies.


@pytest.mark.parametrize("name", [*STUDIED, "logistic", "gaussian"])
@pytest.mark.parametrize("jitter", [0.0, 1e-7, 1e-5])
@pytest.mark.parametrize("times", [2, 4])
def test_rows_that_repeat_are_counted_once(name: str, jitter: float, times: int) -> None:
    rng = np.random.default_rng(0)
    hidden, output = rng.normal(size=(120, 8)), rng.integers(0, 2, 120)
    known = estimate(hidden, output, name, permutations=9)
    many = np.repeat(hidden, times, 0)
    many = many + jitter * rng.normal(size=many.shape)
    order = rng.permutation(len(many))
    ordered = np.sort(order) if jitter else order
    found = estimate(many[ordered], np.repeat(output, times)[ordered], name, permutations=9)
    assert found.copies == (times - 1) * 120 and len(found.pvi) == times * 120
    assert "repeated_states" in found.flags and "repeated_states" in FLAGS
    if (ordered == np.arange(len(many))).all():
        assert found.mi_nats == pytest.approx(known.mi_nats, abs=1e-3)
    assert found.mi_nats <= max(0.0, found.floor_upper) + 0.03


@pytest.mark.parametrize(("apart", "copies"), [(0, 200), (8, 192), (12, 0)])
def test_repeats_are_copies_where_their_outputs_agree_beyond_chance(
    apart: int, copies: int
) -> None:
    # Two rows a state, two classes of one size: chance is 1/2, so kappa is 1 - 2 apart / 200.
    state = torch.arange(200).repeat_interleave(2)
    output = torch.arange(200).remainder(2).repeat_interleave(2)
    output[::2][:apart] = 1 - output[::2][:apart]
    place, rows = repeats(torch.eye(200)[state]).copies(output, 100)
    if not copies:
        assert place is None and rows is None
    else:
        assert place is not None and rows is not None
        assert len(output) - len(rows) == copies
        assert torch.equal(state[rows][place], state)
        assert torch.equal(output[rows][place], output)


def test_nothing_is_a_copy_where_the_output_is_constant() -> None:
    rng = np.random.default_rng(0)
    hidden = np.repeat(rng.normal(size=(60, 8)), 2, 0)
    found = estimate(hidden, np.zeros(120, int), "linear", permutations=3)
    assert found.copies == 0 and found.mi_nats == 0


@every_name
def test_a_rare_class_oversampled_to_balance_is_no_information(name: str) -> None:
    rng = np.random.default_rng(0)
    hidden, output = rng.normal(size=(500, 16)), (np.arange(500) < 40).astype(int)
    more = rng.choice(40, 420)
    found = estimate(
        np.concatenate([hidden, hidden[more]]),
        np.append(output, output[more]),
        name,
        permutations=19,
    )
    assert found.mi_nats < 0.02 and found.copies == 420


@every_name
def test_states_that_repeat_with_other_outputs_are_all_counted(name: str) -> None:
    # As with states of words without context: the estimate is the information in the word.
    rng = np.random.default_rng(0)
    word = rng.integers(0, 60, 1500)
    chance = rng.choice([0.1, 0.9], 60)
    output = (rng.random(1500) < chance[word]).astype(int)
    found = estimate(rng.normal(size=(60, 64))[word], output, name, permutations=9)
    assert found.copies == 0 and "repeated_states" in found.flags
    assert found.mi_nats > 0.25  # of log 2 - H(0.1) = 0.37


def test_groups_decide_where_they_are_given() -> None:
    rng = np.random.default_rng(0)
    hidden, output = np.repeat(rng.normal(size=(80, 8)), 3, 0), np.repeat(rng.integers(0, 2, 80), 3)
    found = estimate(hidden, output, "linear", permutations=3, groups=np.arange(240))
    assert found.copies == 0 and found.flags.count("repeated_states") == 0


@pytest.mark.parametrize("d", [1, 2, 8, 100])
def test_states_that_all_differ_do_not_repeat(d: int) -> None:
    found = repeats(torch.from_numpy(np.random.default_rng(0).normal(size=(2000, d))))
    assert found.share == 0 and len(found.number.unique()) == 2000


@given(
    times=st.lists(st.integers(1, 5), min_size=30, max_size=60),
    d=st.integers(8, 20),
    jitter=st.sampled_from([0.0, 1e-8, 1e-6, 1e-5]),
    power=st.integers(-6, 6),
    seed=st.integers(0, 99),
)
@settings(max_examples=50, deadline=None)
def test_repeats_are_found_but_for_rounding(
    times: list[int], d: int, jitter: float, power: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    number = rng.permutation(np.repeat(np.arange(len(times)), times))
    states = rng.normal(size=(len(times), d))[number]
    states = (states + jitter * rng.normal(size=states.shape)) * 10.0**power
    found = repeats(torch.from_numpy(states)).number.numpy()
    pairs = {(a, b) for a, b in zip(number, found, strict=True)}
    assert len(pairs) == len(set(number)) == len(set(found))


@pytest.mark.parametrize("d", [8, 64, 512])
def test_states_are_near_as_a_share_of_the_distance_between_states(d: int) -> None:
    rng = np.random.default_rng(0)
    states = rng.normal(size=(200, d))  # typical distance sqrt(2 d)
    for jitter, count in ((NEAR / 4, 200), (NEAR * 4, 400)):
        found = repeats(
            torch.from_numpy(
                np.concatenate([states, states + jitter * rng.normal(size=states.shape)])
            )
        )
        assert len(found.number.unique()) == count
        assert found.share == 1 - count / 400
