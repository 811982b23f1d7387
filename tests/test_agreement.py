"""Rank agreement by text, concordance by gap, skew: against second computations."""

from itertools import combinations, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pandas as pd
import pytest
from scipy.stats import entropy, kendalltau

from attinfo.agreement import kendall, pairs
from attinfo.agreement.gaps import (
    ABSOLUTE_EDGES,
    FINE_BINS,
    FINE_EDGES,
    GAP_BINS,
    concordance_by_gap,
    gap_columns,
    gap_edges,
    study_bins,
    study_gaps,
)
from attinfo.agreement.kendall import concordance, kendall_by_text
from attinfo.agreement.pairs import pairs_of
from attinfo.agreement.skew import skew_at, skew_by_text
from attinfo.agreement.tables import by_text, by_unit
from attinfo.states.store import States

TEXTS = st.lists(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=9, min_size=1))


def ragged(lengths: list[int]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths)])


def softmax_by_text(score: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    parts = [np.exp(s - s.max()) for s in np.split(score, offsets[1:-1])]
    return np.concatenate([p / p.sum() for p in parts]).astype(np.float32)


def random_run(texts: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores, weights and offsets of texts of 1 to 15 tokens."""
    rng = np.random.default_rng(seed)
    offsets = ragged(rng.integers(1, 16, texts).tolist())
    score = rng.normal(size=offsets[-1]).astype(np.float32)
    return score, softmax_by_text(score, offsets), offsets


# Kendall's tau-b.


@given(TEXTS.filter(bool))
@settings(max_examples=100)
def test_tau_is_that_of_scipy_and_undefined_where_a_value_is_constant(
    texts: list[list[tuple[int, int]]],
) -> None:
    x, y = np.array([pair for text in texts for pair in text], dtype=np.float32).T
    table = kendall_by_text(x, y, ragged([len(text) for text in texts]))
    for text, row in zip(texts, table.itertuples(), strict=True):
        a, b = zip(*text, strict=True)
        if len(set(a)) == 1 or len(set(b)) == 1:
            assert np.isnan(row.tau)
            continue
        assert row.tau == pytest.approx(kendalltau(a, b, variant="b").statistic)
        pairs = list(combinations(text, 2))
        tied = [i[0] == j[0] or i[1] == j[1] for i, j in pairs]
        assert row.tie_rate == pytest.approx(np.mean(tied))
        assert abs(row.tau) <= row.ceiling + 1e-12 <= 1 + 1e-12


@given(st.lists(st.integers(0, 40), min_size=3, max_size=12, unique=True), st.integers(2, 20))
@settings(max_examples=60)
def test_the_ceiling_is_reached_where_one_value_is_a_coarser_form_of_the_other(
    fine: list[int], step: int
) -> None:
    x, y = np.array(fine, dtype=np.float64), np.array(fine) // step
    for sign in (1, -1):
        row = kendall_by_text(x, sign * y, ragged([len(x)])).iloc[0]
        if np.ptp(y) > 0:
            assert row["tau"] == pytest.approx(sign * row["ceiling"])
        else:
            assert np.isnan(row["tau"])


def test_constant_values_and_single_tokens_are_excluded_and_counted() -> None:
    offsets = ragged([1, 3, 3, 3])
    score = np.float32([0, 1, 2, 3, 5, 5, 5, 3, 2, 1])
    states = run_of(score, softmax_by_text(score, offsets), offsets)
    table, rows = by_text(states, pointwise_of(states, np.arange(10.0)))
    assert table["tau:linear_gain"].isna().tolist() == [True, False, True, False]
    row = rows.query("pair == 'attention~linear_gain' and statistic == 'kendall_b'").iloc[0]
    assert (row["n"], row["excluded"]) == (2, 2)
    assert row["value"] == pytest.approx(0)  # the mean of 1 and -1: undefined is not zero


def test_agreement_does_not_depend_on_a_monotone_change_of_a_value() -> None:
    score, attention, offsets = random_run()
    information = np.random.default_rng(1).normal(size=len(score))
    by_score = kendall_by_text(score, information, offsets)["tau"]
    changed = kendall_by_text(score**3 + 2 * score, np.exp(information), offsets)["tau"]
    opposite = kendall_by_text(-score, information, offsets)["tau"]
    np.testing.assert_allclose(by_score, changed)
    np.testing.assert_allclose(by_score, -opposite)
    np.testing.assert_allclose(
        by_score, kendall_by_text(attention, information, offsets)["tau"], atol=1e-12
    )


# Pairs.


def test_pairs_are_those_of_tokens_of_one_text() -> None:
    _, _, offsets = random_run()
    found = [pair for block in pairs_of(offsets) for pair in zip(*block, strict=True)]
    expected = [
        (i, j, text)
        for text, (begin, end) in enumerate(pairwise(offsets))
        for i, j in combinations(range(begin, end), 2)
    ]
    assert sorted(found) == sorted(expected)


@pytest.mark.parametrize("block", [1, 7, 100, 1000])
def test_pairs_in_small_blocks_are_the_same_pairs(
    monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    score, _, offsets = random_run()
    information = np.random.default_rng(1).normal(size=len(score))
    whole = [np.concatenate(part) for part in zip(*pairs_of(offsets), strict=True)]
    tau = kendall_by_text(score, information, offsets)
    monkeypatch.setattr(pairs, "BLOCK", block)
    blocks = list(pairs_of(offsets))
    longest = int(np.diff(offsets).max())
    assert max(len(b.first) for b in blocks) <= block + longest * (longest - 1) // 2
    for one, other in zip(whole, zip(*blocks, strict=True), strict=True):
        assert (one == np.concatenate(other)).all()
    monkeypatch.setattr(kendall, "SIGNS", block)  # less than a row of a text, too
    pd.testing.assert_frame_equal(tau, kendall_by_text(score, information, offsets))


@pytest.mark.parametrize("signs", [1, 30, 2**19])
def test_tokens_are_in_pairs_that_agree_and_in_pairs_that_do_not(
    monkeypatch: pytest.MonkeyPatch, signs: int
) -> None:
    monkeypatch.setattr(kendall, "SIGNS", signs)
    score, _, offsets = random_run()
    other = np.round(np.random.default_rng(1).normal(size=len(score)), 1)
    pairs = concordance({"x": score, "y": other}, offsets)
    for begin, end in pairwise(offsets):
        one, two = score[begin:end].astype(np.float64), other[begin:end]
        both = np.sign(one[:, None] - one) * np.sign(two[:, None] - two)
        assert (pairs.of_tokens("y")[begin:end] == both.sum(1)).all()


# Concordance by gap.


def test_gap_bins_hold_equal_shares_of_the_pairs_that_attention_orders() -> None:
    score, _, offsets = random_run()
    score = np.round(score, 1)  # with ties
    attention = softmax_by_text(score, offsets)
    gaps = [
        abs(attention[i] - attention[j])
        for begin, end in pairwise(offsets)
        for i, j in combinations(range(begin, end), 2)
        if score[i] != score[j]
    ]
    deciles = np.quantile(np.array(gaps, dtype=np.float64), np.arange(1, 10) / 10)
    np.testing.assert_allclose(gap_edges(score, attention, offsets, 10), deciles, rtol=1e-6)


def test_concordance_is_that_of_a_double_loop() -> None:
    score, _, offsets = random_run()
    score = np.round(score, 1)
    attention = softmax_by_text(score, offsets)
    information = np.round(np.random.default_rng(1).normal(size=len(score)), 1)
    edges = gap_edges(score, attention, offsets, 10)
    concordant, pairs = np.zeros((2, len(offsets) - 1, 10))
    in_bin: list[list[float]] = [[] for _ in range(10)]
    for text, (begin, end) in enumerate(pairwise(offsets)):
        for i, j in combinations(range(begin, end), 2):
            gap = float(abs(attention[i] - attention[j]))
            place = sum(gap >= edge for edge in edges)
            if score[i] != score[j] and information[i] != information[j]:
                in_bin[place].append(gap)
                pairs[text, place] += 1
                same = (score[i] > score[j]) == (information[i] > information[j])
                concordant[text, place] += same
    (found,) = concordance_by_gap(score, attention, information, offsets, (edges,))
    assert (found["concordant"] == concordant).all()
    assert (found["pairs"] == pairs).all()
    np.testing.assert_allclose(found["gap"], [np.mean(part) for part in in_bin])


@pytest.mark.parametrize("lengths", [[5, 3], [1, 1, 1]], ids=["constant", "single tokens"])
def test_attention_that_orders_nothing_has_no_pairs(lengths: list[int]) -> None:
    offsets = ragged(lengths)
    score = np.zeros(offsets[-1], np.float32)
    attention = softmax_by_text(score, offsets)
    edges = gap_edges(score, attention, offsets)
    (found,) = concordance_by_gap(score, attention, np.arange(len(score)), offsets, (edges,))
    assert found["pairs"].sum() == found["concordant"].sum() == 0


def test_information_in_the_order_of_attention_is_concordant_in_every_bin() -> None:
    score, attention, offsets = random_run()
    for sign, share in ((1, 1), (-1, 0)):
        edges = gap_edges(score, attention, offsets)
        (found,) = concordance_by_gap(score, attention, sign * score, offsets, (edges,))
        assert (found["concordant"] == share * found["pairs"]).all()
        assert (np.diff(found["gap"]) > 0).all()
        assert found["pairs"].sum() == sum(n * (n - 1) // 2 for n in np.diff(offsets))


def test_permuted_attention_agrees_by_chance() -> None:
    rng = np.random.default_rng(0)
    offsets = ragged([10] * 500)
    information = rng.normal(size=5000)
    score = (information + 0.1 * rng.normal(size=5000)).astype(np.float32)
    order = np.concatenate([rng.permutation(np.arange(a, b)) for a, b in pairwise(offsets)])
    for scores, tau, chance in ((score, 0.9, False), (score[order], 0.0, True)):
        attention = softmax_by_text(scores, offsets)
        found = kendall_by_text(scores, information, offsets)["tau"].mean()
        assert found == pytest.approx(tau, abs=0.06)
        edges = gap_edges(scores, attention, offsets)
        (bins,) = concordance_by_gap(scores, attention, information, offsets, (edges,))
        rate = bins["concordant"].sum(0) / bins["pairs"].sum(0)
        assert (np.abs(rate - 0.5) < 0.06).all() == chance


# Skew.


@given(st.lists(st.integers(2, 30), min_size=1, max_size=8))
@settings(max_examples=30)
def test_equal_weights_have_no_skew_and_one_weight_has_it_all(lengths: list[int]) -> None:
    offsets, n = ragged(lengths), np.array(lengths)
    equal = skew_by_text(np.repeat(1 / n, n).astype(np.float32), offsets)
    np.testing.assert_allclose(equal["entropy_ratio"], 1, atol=1e-5)
    np.testing.assert_allclose(equal["gini"], 0, atol=1e-6)
    np.testing.assert_allclose(equal["max_weight"], 1 / n, rtol=1e-6)
    hot = np.zeros(offsets[-1], np.float32)
    hot[offsets[:-1] + n // 2] = 1
    one = skew_by_text(hot, offsets)
    np.testing.assert_allclose(one["entropy_ratio"], 0, atol=1e-12)
    np.testing.assert_allclose(one["gini"], 1 - 1 / n)
    np.testing.assert_allclose(one["max_weight"], 1)


def test_skew_is_that_of_its_formulas_and_undefined_for_a_single_token() -> None:
    _, attention, offsets = random_run()
    table = skew_by_text(attention, offsets)
    for row, (begin, end) in zip(table.itertuples(), pairwise(offsets), strict=True):
        weights, n = attention[begin:end].astype(np.float64), end - begin
        if n == 1:
            assert np.isnan([row.entropy_ratio, row.max_weight, row.gini]).all()
            continue
        differences = np.abs(weights[:, None] - weights).sum()
        assert row.entropy_ratio == pytest.approx(entropy(weights) / np.log(n), abs=1e-6)
        assert row.max_weight == pytest.approx(weights.max())
        assert row.gini == pytest.approx(differences / (2 * n * weights.sum()), abs=1e-6)


def test_at_its_own_temperature_a_softmax_has_the_skew_it_has() -> None:
    score, attention, offsets = random_run()
    found, own = skew_at(score, offsets, [1.0, 0.1]), skew_by_text(attention, offsets)
    for name in own:
        np.testing.assert_allclose(found[f"{name}_at:1"], own[name], rtol=1e-4)
    cold = found["entropy_ratio_at:0.1"].dropna()
    assert (cold <= own["entropy_ratio"].dropna() + 1e-6).all()


def test_the_bins_of_a_study_hold_about_equal_shares_of_its_pairs() -> None:
    gaps = np.random.default_rng(0).lognormal(-5, 2, 20_000).clip(max=1)
    counts = np.bincount(np.searchsorted(FINE_EDGES[:-1], gaps, side="right"), minlength=FINE_BINS)
    merged = study_bins(counts)
    assert (np.diff(merged) >= 0).all() and set(merged) == set(range(10))
    shares = np.bincount(merged, counts) / counts.sum()
    np.testing.assert_allclose(shares, 0.1, atol=0.04)


def test_bins_of_a_study_are_the_same_for_all_runs_and_lose_no_pair() -> None:
    tables = []
    for seed, scale in enumerate((1.0, 0.01)):  # the second has small gaps alone
        score, _, offsets = random_run(seed=seed)
        score = np.float32(scale) * score
        states = run_of(score, softmax_by_text(score, offsets), offsets)
        gain = score.astype(np.float64)
        tables.append(by_text(states, pointwise_of(states, gain))[0].assign(run=seed))
    together = pd.concat(tables)  # as a job writes them: columns of one run are NaN in the other
    split = [own for _, own in together.groupby("run")]
    found = study_gaps(split)
    for before, after in zip(split, found, strict=True):
        pairs = before.filter(regex="^pairs:").to_numpy().sum()
        for kind in ("study", "absolute"):
            assert after.filter(regex=f"^{kind}_pairs:").to_numpy().sum() == pairs
            assert after.filter(regex=f"^{kind}_concordant:").to_numpy().sum() == pairs
    assert (found[0]["study_gap:3"] == found[1]["study_gap:3"].iloc[0]).all()
    first = [after["study_pairs:0"].sum() for after in found]
    assert first[0] < first[1]


def test_absolute_bins_are_those_of_the_gaps_between_weights() -> None:
    score, _, offsets = random_run()
    attention = softmax_by_text(score, offsets)
    information = np.random.default_rng(1).normal(size=len(score))
    columns = gap_columns(score, attention, information, offsets, np.arange(len(score)))
    found = study_gaps([pd.DataFrame(columns)])[0]
    concordant, pairs = np.zeros((2, len(offsets) - 1, 4))
    for text, (begin, end) in enumerate(pairwise(offsets)):
        for i, j in combinations(range(begin, end), 2):
            place = sum(abs(attention[i] - attention[j]) >= edge for edge in ABSOLUTE_EDGES)
            pairs[text, place] += 1
            concordant[text, place] += (score[i] > score[j]) == (information[i] > information[j])
    assert (pairs.sum(0) > 0).all()
    for b in range(4):
        assert (found[f"absolute_pairs:{b}"] == pairs[:, b]).all()
        assert (found[f"absolute_concordant:{b}"] == concordant[:, b]).all()
    for b in range(GAP_BINS):  # nothing was permuted
        assert (found[f"concordant_permuted:{b}"] == found[f"concordant:{b}"]).all()


# Tables.


def run_of(score: np.ndarray, attention: np.ndarray, offsets: np.ndarray) -> States:
    texts = len(offsets) - 1
    rng = np.random.default_rng(2)
    return States(
        hidden=None,
        score=score,
        attention=attention,
        token_id=np.ones(len(score), np.int32),
        offsets=offsets,
        logits=rng.normal(size=(texts, 2)).astype(np.float32),
        label=rng.integers(0, 2, texts).astype(np.int32),
    )


def pointwise_of(states: States, gain: np.ndarray) -> pd.DataFrame:
    first = np.where(states.position == 0, gain, np.nan)
    return pd.DataFrame(
        {
            "text": states.text,
            "token": states.position,
            "attention": states.attention,
            "linear_pvi_position": first,
            "linear_pvi": gain,
            "linear_gain": gain,
        }
    )


def test_the_table_of_texts_holds_what_the_claims_add_up() -> None:
    score, attention, offsets = random_run()
    states = run_of(score, attention, offsets)
    gain = np.random.default_rng(1).random(len(score))
    table, rows = by_text(states, pointwise_of(states, gain))
    assert len(table) == 60
    assert (table["tokens"] == np.diff(offsets)).all()
    np.testing.assert_allclose(table["sum:linear_gain"], np.add.reduceat(gain, offsets[:-1]))
    assert (table["count:linear_gain"] == table["tokens"]).all()
    np.testing.assert_allclose(table["sum:linear_pvi_position"], gain[offsets[:-1]])
    assert (table["count:linear_pvi_position"] == 1).all()
    tau = kendall_by_text(score, gain, offsets)["tau"]
    pd.testing.assert_series_equal(table["tau:linear_gain"], tau, check_names=False)
    assert "tau:linear_pvi_position" not in table  # its values do not cover the texts
    edges = gap_edges(score, attention, offsets)
    (gaps,) = concordance_by_gap(score, attention, gain, offsets, (edges,))
    for place in range(GAP_BINS):
        assert (table[f"pairs:{place}"] == gaps["pairs"][:, place]).all()
        assert (table[f"concordant:{place}"] == gaps["concordant"][:, place]).all()
    row = rows.query("pair == 'attention~linear_gain' and statistic == 'kendall_b'").iloc[0]
    assert row["value"] == pytest.approx(tau.mean())
    assert row["n"] == tau.notna().sum()
    fine = sum(table[name].sum() for name in table if name.startswith("fine_pairs:"))
    assert fine == gaps["pairs"].sum()


def test_further_information_is_counted_in_the_extreme_deciles_as_the_gain_is() -> None:
    score, attention, offsets = random_run()
    states, rng = run_of(score, attention, offsets), np.random.default_rng(1)
    table = pointwise_of(states, rng.random(len(score)))
    more = ("knn_pvi", "linear_gain#1", "linear_gain#2", "linear_pvi#1", "linear_pvi#2")
    for name in more:
        table[name] = np.round(rng.normal(size=len(score)), 1)
    found, rows = by_text(states, table)
    for name, form in [
        ("linear_gain", "{}@linear_gain:{}"),
        ("knn_pvi", "{}@knn_pvi:{}"),
        ("linear_gain#1", "{}:{}#1"),
        ("linear_gain#2", "{}:{}#2"),
    ]:
        alone, _ = by_text(states, pointwise_of(states, table[name].to_numpy()))
        for decile in (0, 9):
            for count in ("concordant", "pairs"):
                own = alone[f"{count}:{decile}"]
                assert (found[form.format(count, decile)] == own).all() and own.sum() > 0
    assert "concordant@knn_pvi:5" not in found and "concordant@linear_pvi#1:0" not in found
    # Values by half probes are no measures, but have an agreement with attention.
    for name in more[1:]:
        tau = kendall_by_text(score, table[name].to_numpy(), offsets)["tau"]
        pd.testing.assert_series_equal(found[f"tau:{name}"], tau, check_names=False)
    assert not any("#" in pair for pair in rows["pair"])
    assert [
        c for c in found if "#" in c and c.split(":")[0] not in ("tau", "concordant", "pairs")
    ] == []


@pytest.mark.parametrize("sign", [1, -1])
def test_agreement_over_units_follows_their_order(sign: int) -> None:
    score, _, offsets = random_run()
    score = -np.arange(len(score), dtype=np.float32)  # earlier tokens always weigh more
    states = run_of(score, softmax_by_text(score, offsets), offsets)
    units = pd.DataFrame({"unit": range(5), "estimator": "linear", "mi_nats": range(5)})
    units["mi_nats"] *= -sign
    table = pd.concat([units.assign(index=i) for i in ("position", "rank", "instance")])
    gain = -sign * states.position.astype(np.float64)
    found = by_unit(states, table.assign(spot_check=False), pointwise_of(states, gain))
    assert (found["n"] == 5).all() and (found["excluded"] == 0).all()
    found = found[found["statistic"] == "kendall_b"].set_index(["index", "pair"])["value"]
    assert found["position", "attention~linear_mi"] == sign
    assert found["rank", "attention~linear_mi"] == found["rank", "attention~linear_pvi"] == sign


def test_random_weights_agree_with_no_order_of_positions_or_ranks() -> None:
    """Weights are smaller in long texts, which alone have the late positions."""
    offsets = ragged([3] * 20 + [9] * 20 + [30] * 20)
    units = pd.DataFrame({"unit": range(6), "estimator": "linear", "mi_nats": range(6)})
    units = units.assign(index="position", spot_check=False)
    rng, found = np.random.default_rng(0), []
    for run in range(200):
        score = rng.normal(size=offsets[-1]).astype(np.float32)
        states = run_of(score, softmax_by_text(score, offsets), offsets)
        pointwise = pointwise_of(states, states.position.astype(np.float64))
        rows = by_unit(states, pd.concat([units, units.assign(index="rank")]), pointwise, str(run))
        rows = rows[rows["statistic"] == "kendall_b"].set_index(["index", "pair"])["value"]
        found.append(rows[rows.index != ("rank", "attention~linear_mi")])
    found = pd.DataFrame(found)
    assert found.shape == (200, 4)
    assert (found.mean().abs() < 3 * found.std() / np.sqrt(200)).all()


def test_uniform_attention_has_no_agreement_over_positions() -> None:
    offsets = ragged([3, 5, 8, 9])
    score = np.zeros(offsets[-1], np.float32)
    states = run_of(score, softmax_by_text(score, offsets), offsets)
    units = pd.DataFrame(
        {"index": "position", "unit": range(5), "estimator": "linear", "mi_nats": range(5)}
    )
    pointwise = pointwise_of(states, np.arange(offsets[-1], dtype=np.float64))
    rows = by_unit(states, units.assign(spot_check=False), pointwise)
    assert rows["value"].isna().all() and (rows["excluded"] == 1).all()
