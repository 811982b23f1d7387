"""Rank statistics within texts, against scipy, double loops and what they must reduce to."""

from itertools import combinations, pairwise, permutations

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau, pearsonr, rankdata, spearmanr, weightedtau
from test_agreement import pointwise_of, ragged, random_run, run_of, softmax_by_text

from attinfo.agreement.kendall import concordance, kendall_by_text, null_variance, pooled
from attinfo.agreement.ranks import (
    Ranked,
    average_ranks,
    only_top,
    pearson,
    spearman,
    tau_on_support,
    top_overlap,
    weighted_tau,
)
from attinfo.agreement.reliability import (
    between_seeds,
    reliability,
    split_half,
)
from attinfo.agreement.tables import by_text, permutation
from attinfo.blocks.measures import SIGNED

TEXTS = st.lists(
    st.lists(st.tuples(*[st.integers(0, 4)] * 3), min_size=1, max_size=9), min_size=1, max_size=6
)
Texts = list[list[tuple[int, int, int]]]


def columns(texts: Texts) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    x, y, z = np.array([row for text in texts for row in text], np.float64).T
    return x, y, z, ragged([len(text) for text in texts])


def constant(*values: tuple[int, ...]) -> bool:
    return any(len(set(own)) == 1 for own in values)


@given(TEXTS)
@settings(max_examples=80)
def test_statistics_are_those_of_scipy_and_undefined_where_a_value_is_constant(
    texts: Texts,
) -> None:
    x, y, _, offsets = columns(texts)
    ranked = Ranked(x, offsets), Ranked(y, offsets)
    agreed = concordance({"x": x, "y": y}, offsets).of_tokens("y")
    found = {"weighted_tau": weighted_tau(*ranked, agreed), "spearman": spearman(*ranked)}
    found["pearson"] = pearson(x, y, offsets)
    references = {"weighted_tau": weightedtau, "spearman": spearmanr, "pearson": pearsonr}
    ranks = average_ranks(x, offsets)
    for i, text in enumerate(texts):
        a, b, _ = zip(*text, strict=True)
        assert ranks[offsets[i] : offsets[i + 1]].tolist() == rankdata(a).tolist()
        for name, reference in references.items():
            if constant(a, b):
                assert np.isnan(found[name][i]), name
            else:
                expected = reference(np.array(a), np.array(b)).statistic
                assert found[name][i] == pytest.approx(expected, abs=1e-9), name


@given(TEXTS)
@settings(max_examples=60)
def test_all_pairs_of_measures_are_those_of_each_pair_alone(texts: Texts) -> None:
    x, y, z, offsets = columns(texts)
    together = concordance({"x": x, "y": y, "z": z}, offsets)
    partial = together.partial("x", "y", "z")
    for i, text in enumerate(texts):
        values = dict(zip("xyz", zip(*text, strict=True), strict=True))
        tau = {}
        for a, b in permutations("xyz", 2):
            own = together.tau(a, b)[i]
            if constant(values[a], values[b]):
                assert np.isnan(own)
            else:
                assert own == pytest.approx(kendalltau(values[a], values[b]).statistic)
            tau[a + b] = own
        left = (1 - tau["xz"] ** 2) * (1 - tau["yz"] ** 2)
        if not left > 1e-9:  # NaN, or z orders as x or y does
            assert np.isnan(partial[i])
        else:
            expected = (tau["xy"] - tau["xz"] * tau["yz"]) / np.sqrt(left)
            assert partial[i] == pytest.approx(expected)


@given(TEXTS)
@settings(max_examples=60)
def test_top_k_is_tau_where_k_is_all_and_the_double_loop_where_it_is_not(texts: Texts) -> None:
    x, y, _, offsets = columns(texts)
    measures = {"x": Ranked(x, offsets), "y": Ranked(y, offsets)}
    full, half = (
        concordance({name: only_top(m, k) for name, m in measures.items()}, offsets).tau("x", "y")
        for k in (1.0, 0.5)
    )
    whole = concordance({"x": x, "y": y}, offsets).tau("x", "y")
    np.testing.assert_allclose(full, whole)
    for i, text in enumerate(texts):
        k = max(1, round(0.5 * len(text)))
        cut = []
        for values in list(zip(*text, strict=True))[:2]:
            least = sorted(values)[-k]
            cut.append([v if v >= least else -1 for v in values])
        agree = ordered_x = ordered_y = 0
        for p, q in combinations(range(len(text)), 2):
            a, b = np.sign(cut[0][p] - cut[0][q]), np.sign(cut[1][p] - cut[1][q])
            agree, ordered_x, ordered_y = agree + a * b, ordered_x + (a != 0), ordered_y + (b != 0)
        if ordered_x and ordered_y:
            assert half[i] == pytest.approx(agree / np.sqrt(ordered_x * ordered_y))
        else:
            assert np.isnan(half[i])


@given(TEXTS, st.sampled_from([0.2, 0.5, 1.0]))
@settings(max_examples=60)
def test_overlap_is_its_mean_over_random_orders_of_tied_tokens(texts: Texts, share: float) -> None:
    x, y, _, offsets = columns(texts)
    found = top_overlap(Ranked(x, offsets), Ranked(y, offsets), share)
    for i, text in enumerate(texts):
        a, b, _ = (np.array(v) for v in zip(*text, strict=True))
        if constant(tuple(a), tuple(b)):
            assert np.isnan(found[i])
            continue
        k = max(1, round(share * len(a)))
        member = []
        for values in (a, b):
            least = np.sort(values)[-k]
            part = (k - (values > least).sum()) / (values == least).sum()
            member.append(np.where(values > least, 1, np.where(values == least, part, 0)))
            assert member[-1].sum() == pytest.approx(k)
        assert found[i] == pytest.approx((member[0] * member[1]).sum() / k)


def test_on_the_support_only_tokens_with_weight_count() -> None:
    rng = np.random.default_rng(0)
    score, _, offsets = random_run()
    attention = softmax_by_text(score, offsets) * (rng.random(len(score)) < 0.5)
    y = rng.normal(size=len(score))
    found = tau_on_support(score, attention, y, offsets)
    for text, (a, b) in enumerate(pairwise(offsets)):
        own = np.arange(a, b)[attention[a:b] > 0]
        if len(own) < 2:
            assert np.isnan(found[text])
        else:
            assert found[text] == pytest.approx(kendalltau(score[own], y[own]).statistic)


def test_the_null_variance_is_that_of_all_orders_and_weighs_the_mean() -> None:
    for n in (2, 3, 5):
        taus = [kendalltau(range(n), order).statistic for order in permutations(range(n))]
        assert null_variance(np.array([n]))[0] == pytest.approx(np.var(taus))
    tau, lengths = np.array([0.5, -0.1, np.nan]), np.array([30, 3, 9])
    weights = 1 / null_variance(lengths[:2])
    assert pooled(tau, lengths) == pytest.approx((tau[:2] @ weights) / weights.sum())
    assert np.isnan(pooled(np.full(2, np.nan), lengths[:2]))


# In the tables of a run.


def test_permuted_attention_keeps_its_text_and_agrees_with_nothing() -> None:
    lengths = [15] * 400
    offsets = ragged(lengths)
    shuffle = permutation(offsets, "")
    assert (np.sort(shuffle) == np.arange(offsets[-1])).all()
    assert (shuffle // 15 == np.arange(offsets[-1]) // 15).all()
    score = np.random.default_rng(0).normal(size=offsets[-1]).astype(np.float32)
    states = run_of(score, softmax_by_text(score, offsets), offsets)
    table, _ = by_text(states, pointwise_of(states, score.astype(np.float64)))
    assert (table["tau:linear_gain"] == 1).all()
    permuted = table["tau_permuted:linear_gain"]
    assert abs(permuted.mean()) < 3 * permuted.std() / 20
    chance = table.filter(regex="concordant_permuted").sum() / (
        table.filter(regex="pairs_permuted").sum().to_numpy()
    )
    assert (abs(chance - 0.5) < 0.05).all()


def test_importance_is_compared_by_its_size_and_what_is_undefined_is_counted() -> None:
    score, attention, offsets = random_run()
    states = run_of(score, attention, offsets)
    rng = np.random.default_rng(1)
    importance = pd.DataFrame({"text": states.text, "token": states.position, "drawn": True})
    importance["gradient"] = rng.normal(size=len(score))
    importance["leave_one_out"] = np.where(states.text == 3, np.nan, rng.normal(size=len(score)))
    table, rows = by_text(
        states, pointwise_of(states, rng.random(len(score))), None, importance, signed=SIGNED
    )
    expected = concordance({"a": score, "g": abs(importance["gradient"])}, offsets).tau("a", "g")
    np.testing.assert_allclose(table["tau:gradient"], expected)
    assert "tau:linear_gain~gradient" in table
    row = rows.set_index(["pair", "statistic"]).loc[("attention~leave_one_out", "kendall_b")]
    single = int((np.diff(offsets) == 1).sum())
    assert row["not_a_number"] == 1 and row["one_token"] == single - (offsets[4] - offsets[3] == 1)
    assert row["excluded"] == row["not_a_number"] + row["one_token"]
    assert row["n"] + row["excluded"] == len(table)


def test_a_measure_of_drawn_texts_has_the_statistics_of_these_texts_and_counts_the_others() -> None:
    score, attention, offsets = random_run()
    states, rng = run_of(score, attention, offsets), np.random.default_rng(1)
    drawn = rng.random(len(offsets) - 1) < 0.4
    whole = pd.DataFrame({"text": states.text, "token": states.position, "drawn": True})
    whole["leave_one_out"] = rng.integers(0, 4, len(score)) * 1.0  # with ties
    part = whole.assign(drawn=drawn[states.text])
    part["leave_one_out"] = part["leave_one_out"].where(part["drawn"])
    pointwise = pointwise_of(states, rng.random(len(score)))
    every, some = (by_text(states, pointwise, None, i, signed=SIGNED) for i in (whole, part))
    own = [name for name in every[0] if name.endswith((":leave_one_out", "~leave_one_out"))]
    assert len(own) > 10
    assert some[0].loc[~drawn, own].isna().all(axis=None)
    pd.testing.assert_frame_equal(some[0].loc[drawn, own], every[0].loc[drawn, own])
    others = every[0].columns.drop(own)
    pd.testing.assert_frame_equal(some[0][others], every[0][others])
    row = some[1].set_index(["pair", "statistic"]).loc[("attention~leave_one_out", "kendall_b")]
    single = np.diff(offsets) == 1
    assert row["not_drawn"] == (~drawn).sum()
    assert row["one_token"] == (single & drawn).sum()
    assert row["n"] + row["excluded"] + row["not_drawn"] == len(drawn)
    score_of = kendall_by_text(score, whole["leave_one_out"].to_numpy(), offsets)[drawn]
    for name in ("tie_rate", "ceiling"):
        assert row[name] == pytest.approx(score_of[name].mean())
    gain = some[1].set_index(["pair", "statistic"]).loc[("attention~linear_gain", "kendall_b")]
    assert gain["not_drawn"] == 0


def test_a_text_with_a_weight_that_is_no_number_is_undefined_and_counted() -> None:
    score, attention, offsets = random_run()
    score[offsets[5]] = attention[offsets[5]] = np.nan
    states = run_of(score, attention, offsets)
    table, rows = by_text(states, pointwise_of(states, np.random.default_rng(1).random(len(score))))
    rank = [c for c in table if c.split(":")[0] in ("tau", "weighted_tau", "spearman", "topk_tau")]
    assert table.loc[5, [*rank, "entropy_ratio"]].isna().all()
    assert (rows.query("pair == 'attention~linear_gain'")["not_a_number"] == 1).all()


# Reliability.


def test_measures_that_repeat_agree_between_seeds_and_noise_does_not() -> None:
    rng = np.random.default_rng(0)
    offsets = ragged([20] * 200)
    signal = rng.normal(size=4000)

    def noisy(scale: float) -> np.ndarray:
        return signal + scale * rng.normal(size=4000)

    runs = [{"attention": noisy(1.0), "gain": noisy(0.5), "none": rng.normal(size=4000)}] + [
        {"attention": noisy(1.0), "gain": noisy(0.5), "none": rng.normal(size=4000)}
        for _ in range(2)
    ]
    rows = between_seeds(runs, offsets)
    assert (rows["statistic"] == "between_seeds").all() and (rows["n"] == 3).all()
    found = rows.set_index("pair")["value"]
    assert found["attention~attention"] == pytest.approx(0.5, abs=0.06)
    assert found["gain~gain"] == pytest.approx(0.8, abs=0.06)
    assert abs(found["none~none"]) < 0.05
    assert between_seeds(runs[:1], offsets).empty


def test_the_order_of_a_probe_is_as_reliable_as_two_probes_of_halves_agree() -> None:
    rng = np.random.default_rng(0)
    lengths = [20] * 400 + [1]
    offsets, signal = ragged(lengths), rng.normal(size=8001)
    halves = {f"gain#{n}": signal + rng.normal(size=8001) for n in (1, 2)}
    halves |= {f"pvi#{n}": rng.normal(size=8001) for n in (1, 2)}
    found = pd.DataFrame(reliability(halves, offsets)).set_index(["pair", "statistic"])
    assert (found["n"] == 400).all() and (found["excluded"] == 1).all()
    value = found["value"]
    taus = [
        kendalltau(halves["gain#1"][a:b], halves["gain#2"][a:b]).statistic
        for a, b in pairwise(offsets[:-1])
    ]
    assert value["gain~gain", "reliability"] == pytest.approx(np.mean(taus))
    # Two measurements with as much noise as signal, and their mean.
    assert value["gain~gain", "reliability_spearman"] == pytest.approx(0.5, abs=0.05)
    assert value["gain~gain", "reliability_stepped_up"] == pytest.approx(2 / 3, abs=0.05)
    assert abs(value["pvi~pvi", "reliability"]) < 0.03


def test_halves_of_the_texts_agree_about_positions_that_differ() -> None:
    offsets = ragged([10] * 300)
    rng = np.random.default_rng(0)
    place = np.tile(np.arange(10), 300)
    score = (place + 3 * rng.normal(size=3000)).astype(np.float32)
    states = run_of(score, softmax_by_text(score, offsets), offsets)
    table = pd.DataFrame({"linear_pvi_position": -place + 3 * rng.normal(size=3000)})
    found = split_half(states, table, "linear_pvi_position").set_index("statistic")["value"]
    assert found["split_half_attention"] > 0.8 and found["split_half_information"] > 0.8
    noise = pd.DataFrame({"linear_pvi_position": rng.normal(size=3000)})
    assert split_half(states, noise, "linear_pvi_position")["value"].iloc[1] < 0.8


def test_halves_are_compared_by_the_means_of_positions_in_texts_of_any_length() -> None:
    rng = np.random.default_rng(0)
    lengths = np.array([6, 8, 12, 7, 9] * 16)  # later positions are in fewer texts
    offsets = ragged(lengths.tolist())
    text, place = np.repeat(np.arange(80), lengths), np.arange(offsets[-1])
    place = place - np.repeat(offsets[:-1], lengths)
    score = (place + 3 * rng.normal(size=len(place))).astype(np.float32)
    attention, value = softmax_by_text(score, offsets), place + 5 * rng.normal(size=len(place))
    found = split_half(
        run_of(score, attention, offsets), pd.DataFrame({"x_pvi_position": value}), "x_pvi_position"
    ).set_index("statistic")["value"]

    def means(of: np.ndarray, where: np.ndarray | bool = True) -> list[float]:
        return [of[(place == p) & where].mean() for p in range(12)]

    for name, own in (("attention", attention), ("information", value)):
        r = spearmanr(means(own, text % 2 == 0), means(own, text % 2 == 1)).statistic
        assert 0 < r < 1
        assert found[f"split_half_{name}"] == pytest.approx(2 * r / (1 + r))
