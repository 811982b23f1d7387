"""Statistics of runs and effects of contrasts, against loops and regressions written out."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from statsmodels.api import OLS
from test_agreement import random_run, run_of

from attinfo.agreement.gaps import study_gaps
from attinfo.agreement.tables import by_text
from attinfo.claims.compared import IMPORTANCE, IN_STATISTICS
from attinfo.claims.conclusions import CONTRASTS
from attinfo.claims.contrast import ACCURACY_TOLERANCE, Contrast, Side
from attinfo.claims.effects import Comparison, effects_of
from attinfo.claims.run_statistics import COLD, STATISTICS
from attinfo.claims.sampled import Sampled, describe_runs
from attinfo.keys import HALVES, RUN

TEXTS, REPEATS = 30, 20
PLUS, MINUS = "attention == 'additive'", "attention != 'additive'"
SIDES = (Side(1, PLUS, "tau_gain"), Side(-1, MINUS, "tau_gain"))
WITHIN = ("encoder", "normaliser")


def runs_of(
    seeds: int = 3, attentions: tuple[str, ...] = ("additive", "deep", "dot")
) -> pd.DataFrame:
    cells = product(["bilstm", "cnn"], attentions, ["softmax", "softmax@0.5"], ["trained"])
    rows = [("d", *cell, seed) for cell in cells for seed in range(seeds)]
    return describe_runs(pd.DataFrame(rows, columns=RUN))


def drawn(runs: pd.DataFrame, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    accuracy = 0.8 + 0.01 * rng.normal(size=len(runs)) + 0.001 * rng.normal(size=(9, len(runs)))
    tau = 0.3 + 2 * (accuracy - 0.8) + 0.02 * rng.normal(size=(9, len(runs)))
    return {"tau_gain": tau, "accuracy": accuracy, "gini": rng.normal(size=(9, len(runs)))}


# Statistics.


@pytest.mark.parametrize("name", STATISTICS)
def test_each_statistic_is_what_a_loop_over_texts_finds(name: str) -> None:
    statistic = STATISTICS[name]
    rng = np.random.default_rng(len(name))
    table = pd.DataFrame({"predicted": rng.integers(0, 3, TEXTS)})
    for _, column, count in statistic.terms:
        if count is None:
            table[column] = np.where(rng.random(TEXTS) < 0.2, np.nan, rng.normal(size=TEXTS))
        else:
            table[count] = rng.integers(0, 5, TEXTS)
            table[column] = table[count] * rng.random(TEXTS)
    tables = {("d", "e", "a", "softmax", "trained", seed): table for seed in (1, 2)}
    found = Sampled(tables, REPEATS, 7).draw(statistic)
    assert found.shape == (1 + REPEATS, 2) and (found[:, 0] == found[:, 1]).all()
    expected = 0.0
    for sign, column, count in statistic.terms:
        pairs = [
            (row[column], 1 if count is None else row[count])
            for row in table.to_dict("records")
            if not np.isnan(row[column])
        ]
        expected += sign * sum(top for top, _ in pairs) / sum(below for _, below in pairs)
    if statistic.per_entropy:
        shares = [(table["predicted"] == c).mean() for c in table["predicted"].unique()]
        expected /= -sum(share * np.log(share) for share in shares)
    assert found[0, 0] == pytest.approx(expected)
    assert np.std(found[1:, 0]) > 0


def test_the_table_of_a_run_has_the_columns_of_every_statistic() -> None:
    score, attention, offsets = random_run()
    states = run_of(score, attention, offsets)
    rng = np.random.default_rng(1)

    def values() -> np.ndarray:
        return rng.random(len(score))

    own = {
        f"{name}_{kind}": values()
        for name in IN_STATISTICS
        for kind in ("pvi", "gain", "pvi_position", "pvi_rank")
    }
    own |= {f"linear_{kind}{probe}": values() for kind in ("gain", "pvi") for probe in HALVES}
    place = {"text": states.text, "token": states.position}
    pointwise = pd.DataFrame({**place, "attention": attention, **own})
    measures = {name: values() for name in IMPORTANCE}
    importance = pd.DataFrame({**place, **measures}).assign(drawn=True)
    marked = values() < 0.3
    cold = [float(t) for t in COLD]
    table, _ = by_text(states, pointwise, marked, importance, marked, temperatures=cold)
    known = {*study_gaps([table])[0], "correct"}
    for name, statistic in STATISTICS.items():
        for _, *columns in statistic.terms:
            assert {column for column in columns if column is not None} <= known, name


def test_a_measure_that_runs_lack_is_undefined_in_them_alone() -> None:
    table = pd.DataFrame({"predicted": [0, 1, 1], "tau:gradient": [0.1, 0.2, 0.3]})
    runs = [("d", "e", "a", "softmax", "trained", seed) for seed in (1, 2)]
    tables = {runs[0]: table, runs[1]: table.drop(columns="tau:gradient")}
    sampled = Sampled(tables, REPEATS, 7)
    found = sampled.draw(STATISTICS["tau_gradient"])
    assert found[0, 0] == pytest.approx(0.2) and np.isnan(found[:, 1]).all()
    assert np.isnan(sampled.draw(STATISTICS["tau_leave_one_out"])).all()


def test_the_error_of_the_probe_widens_what_texts_alone_do_not() -> None:
    # Equal texts: resampling them changes nothing, and all variation is that of the probe.
    table = pd.DataFrame({"predicted": [0, 1] * 15, "tau:linear_gain": 0.3, "tau:linear_pvi": 0.1})
    halves = {"tau:linear_gain#1": 0.26, "tau:linear_gain#2": 0.36}
    runs = [("d", "e", "a", "softmax", "trained", seed) for seed in (1, 2)]
    tables = {runs[0]: table.assign(**halves), runs[1]: table.assign(**dict.fromkeys(halves, 0.3))}
    sampled = Sampled(tables, 4000, 7)
    gain = sampled.draw(STATISTICS["tau_gain"])
    np.testing.assert_allclose(gain[0], 0.3)
    # Each half has twice the variance, so the SD is half of their difference.
    assert gain[1:, 0].std() == pytest.approx(0.05, rel=0.05)
    assert abs(gain[1:, 0].mean() - 0.3) < 0.005
    # Two probes that agree have no error, and what was measured once has none that is known.
    np.testing.assert_allclose(gain[:, 1], 0.3)
    np.testing.assert_allclose(sampled.draw(STATISTICS["tau_pvi"]), 0.1)


def test_half_of_the_difference_of_two_half_probes_has_the_variance_of_the_whole_probe() -> None:
    # Of a mean: of all texts, and of two disjoint halves.
    values = np.random.default_rng(0).normal(size=(4000, 200))
    whole, halves = values.mean(1), values.reshape(4000, 2, 100).mean(2)
    half_difference = (halves[:, 0] - halves[:, 1]) / 2
    assert half_difference.var() == pytest.approx(whole.var(), rel=0.1)


# Contrasts.


def test_an_effect_is_the_mean_over_strata_of_differences_of_means() -> None:
    runs = runs_of()
    draws = drawn(runs)
    found = effects_of(Contrast("x", SIDES, WITHIN), runs, draws)
    assert (found.strata, found.used, found.excluded, found.unpaired) == (4, 36, 0, 0)
    for seed in range(3):
        differences = []
        for encoder, normaliser in product(["bilstm", "cnn"], ["softmax", "softmax@0.5"]):
            own = runs[
                (runs.encoder == encoder) & (runs.normaliser == normaliser) & (runs.seed == seed)
            ]
            value = {run.attention: draws["tau_gain"][:, run.Index] for run in own.itertuples()}
            differences.append(value["additive"] - (value["deep"] + value["dot"]) / 2)
        np.testing.assert_allclose(found.values[:, seed], np.mean(differences, axis=0))


def test_a_difference_of_differences_and_sides_of_different_statistics() -> None:
    runs = runs_of()
    draws = drawn(runs)
    sides = (
        Side(1, "attention == 'additive' and encoder == 'bilstm'", "tau_gain"),
        Side(-1, "attention == 'additive' and encoder == 'cnn'", "gini"),
        Side(-1, "attention == 'dot' and encoder == 'bilstm'", "tau_gain"),
        Side(1, "attention == 'dot' and encoder == 'cnn'", "gini"),
    )
    found = effects_of(Contrast("x", sides, ("normaliser",), against=0.25), runs, draws)
    keyed = runs.reset_index().set_index(["encoder", "attention", "normaliser", "seed"])["index"]
    for seed in range(3):
        expected = np.mean(
            [
                sum(
                    sign * draws[name][0, keyed[encoder, attention, normaliser, seed]]
                    for sign, name, encoder, attention in (
                        (1, "tau_gain", "bilstm", "additive"),
                        (-1, "gini", "cnn", "additive"),
                        (-1, "tau_gain", "bilstm", "dot"),
                        (1, "gini", "cnn", "dot"),
                    )
                )
                for normaliser in ("softmax", "softmax@0.5")
            ]
        )
        assert found.values[0, seed] == pytest.approx(expected - 0.25)


def test_runs_left_out_are_counted_by_the_reason() -> None:
    runs = runs_of()
    draws = drawn(runs)
    tau = draws["tau_gain"]
    where = dict(zip(runs[RUN[1:]].itertuples(index=False, name=None), runs.index, strict=True))
    tau[:, where["bilstm", "deep", "softmax", "trained", 0]] = np.nan
    # In one resample only: still undefined.
    tau[3, where["cnn", "additive", "softmax", "trained", 1]] = np.nan
    found = effects_of(Contrast("x", SIDES, WITHIN), runs, draws)
    # Without its additive run, a stratum's other two have nothing to be compared with.
    assert (found.used, found.excluded, found.unpaired) == (36 - 2 - 2, 2, 2)
    assert np.isfinite(found.values).all() and found.values.shape[1] == 3


def test_what_a_contrast_does_not_name_is_no_side_and_is_not_counted() -> None:
    runs = runs_of()
    asked = Contrast("x", (Side(1, "attention == 'none'", "tau_gain"),))
    found = effects_of(asked, runs, drawn(runs))
    assert found.values.shape == (9, 0)
    assert (found.strata, found.used, found.excluded, found.unpaired) == (0, 0, 0, 0)


# Accuracy held fixed.


def test_the_adjusted_effect_is_that_of_a_regression_with_strata() -> None:
    runs = runs_of(seeds=4)
    draws = drawn(runs)
    found = effects_of(Contrast("x", SIDES, WITHIN, control="adjusted"), runs, draws)

    def regression(kept: list[int]) -> float:
        own = runs[runs["seed"].isin(kept)]
        strata = pd.get_dummies(own[["seed", *WITHIN]].astype(str).agg("/".join, axis=1))
        design = strata.astype(float).assign(
            side=(own["attention"] == "additive").astype(float),
            accuracy=draws["accuracy"][0, own.index],
        )
        return OLS(draws["tau_gain"][0, own.index], design).fit().params["side"]

    everyone = regression([0, 1, 2, 3])
    left_out = [regression([s for s in range(4) if s != out]) for out in range(4)]
    np.testing.assert_allclose(found.values[0], 4 * everyone - 3 * np.array(left_out))


def test_an_effect_that_is_accuracy_alone_vanishes_once_it_is_adjusted() -> None:
    runs = runs_of()
    draws = drawn(runs)
    draws["accuracy"] = draws["accuracy"] + 0.05 * (runs["attention"] == "additive").to_numpy()
    draws["tau_gain"] = 3 * draws["accuracy"]
    plain = effects_of(Contrast("x", SIDES, WITHIN), runs, draws)
    adjusted = effects_of(Contrast("x", SIDES, WITHIN, control="adjusted"), runs, draws)
    assert plain.values.mean() > 0.1
    np.testing.assert_allclose(adjusted.values, 0, atol=1e-9)


def test_accuracy_that_differs_between_the_sides_only_cannot_be_adjusted_for() -> None:
    runs = runs_of(attentions=("additive", "deep"))
    draws = drawn(runs)
    draws["accuracy"] = np.tile(0.7 + 0.1 * (runs["attention"] == "deep").to_numpy(), (9, 1))
    found = effects_of(Contrast("x", SIDES, WITHIN, control="adjusted"), runs, draws)
    assert found.values.shape[1] == 0 and found.used == 0


def test_matched_runs_are_pairs_of_the_same_accuracy() -> None:
    runs = runs_of()
    draws = drawn(runs)
    found = effects_of(Contrast("x", SIDES, WITHIN, control="matched"), runs, draws)
    used, seeds = set(), []
    weights: list[float]
    for _, replicate in runs.groupby("seed"):
        strata, weights = [], []
        for _, own in replicate.groupby(list(WITHIN)):
            pairs = [
                (i, j)
                for i, j in product(own.index, own.index)
                if own.attention[i] == "additive"
                and own.attention[j] != "additive"
                and abs(draws["accuracy"][0, i] - draws["accuracy"][0, j]) <= ACCURACY_TOLERANCE
            ]
            used |= {run for pair in pairs for run in pair}
            if pairs:
                strata.append(
                    np.mean([draws["tau_gain"][0, i] - draws["tau_gain"][0, j] for i, j in pairs])
                )
                sizes = (len({pair[side] for pair in pairs}) for side in (0, 1))
                weights.append(1 / sum(1 / size for size in sizes))
        if strata:
            seeds.append(np.average(strata, weights=weights))
    assert 0 < len(used) < len(runs)
    np.testing.assert_allclose(found.values[0], seeds)
    assert (found.used, found.unpaired) == (len(used), len(runs) - len(used))


def test_runs_of_one_accuracy_are_all_matched() -> None:
    runs = runs_of()
    draws = drawn(runs) | {"accuracy": np.full((9, len(runs)), 0.8)}
    plain, matched = (
        effects_of(Contrast("x", SIDES, WITHIN, control=c), runs, draws) for c in (None, "matched")
    )
    np.testing.assert_allclose(plain.values, matched.values)


def test_every_declared_contrast_finds_runs_in_a_study_that_has_all_blocks() -> None:
    normalisers = ["softmax", "gumbel_softmax@0.5", "gumbel_softmax@0.1", "softmax@0.5"]
    trained = product(
        ["bilstm", "cnn", "mlp"], ["additive", "deep", "scaled_dot"], normalisers, ["trained"]
    )
    ablations = ["frozen_scorer", "refitted_scorer", "untrained", "permuted", "label_shuffled"]
    ablated = product(
        ["bilstm"], ["additive", "deep", "scaled_dot"], ["softmax"], [*ablations, "uniform"]
    )
    rows = [("d", *cell, seed) for cell in (*trained, *ablated) for seed in (1, 2)]
    runs = describe_runs(pd.DataFrame(rows, columns=RUN))
    rng = np.random.default_rng(0)
    draws = {name: rng.normal(size=(5, len(runs))) for name in STATISTICS}
    draws["accuracy"] = 0.8 + 0.002 * rng.normal(size=(5, len(runs)))
    compared = Comparison(runs.assign(trained_enough=True), draws)
    blocks = {"encoder": ["bilstm"], "normaliser": ["softmax"]}
    for contrast in (one for own in CONTRASTS for one in own.repeated(blocks)):
        found = compared.effects(contrast)
        assert found.values.shape == (5, found.used if contrast.each else 2), contrast.statement
        assert np.isfinite(found.values).all() and found.used >= 2 * len(contrast.sides)
