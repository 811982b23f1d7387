"""Variance components against the classical analysis of variance, and against planted ones."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from attinfo.statistics.variance import FACTORS, decompose

SDS = {"encoder": 0.2, "attention": 0.1, "normaliser": 0.05, "seed": 0.03, "residual": 0.04}


def runs_of(levels: dict[str, int], sds: dict[str, float], number: int = 0) -> pd.DataFrame:
    """Every combination of levels, with normal effects of each factor and of the run."""
    rng = np.random.default_rng(number)
    sizes = {factor: levels.get(factor, 1) for factor in FACTORS}
    rows = list(product(*(range(size) for size in sizes.values())))
    runs = pd.DataFrame(rows, columns=list(FACTORS))
    value = sds.get("residual", 0) * rng.normal(size=len(runs))
    for factor, size in sizes.items():
        value += sds.get(factor, 0) * rng.normal(size=size)[runs[factor]]
    return runs.assign(tau=value, variant="trained")


def components(runs: pd.DataFrame) -> pd.DataFrame:
    return decompose(runs, "tau").set_index("component")


def test_two_crossed_factors_are_those_of_the_analysis_of_variance() -> None:
    runs = runs_of({"encoder": 6, "attention": 5, "seed": 4}, SDS | {"seed": 0.2})
    runs = runs[runs["attention"] == 0]  # encoders by seeds, one run each
    found = components(runs)["variance"]
    cube = runs["tau"].to_numpy().reshape(6, 4)
    of_encoders = 4 * cube.mean(1).var(ddof=1)
    of_seeds = 6 * cube.mean(0).var(ddof=1)
    rest = cube - cube.mean(1, keepdims=True) - cube.mean(0) + cube.mean()
    error = (rest**2).sum() / 15
    assert found["residual"] == pytest.approx(error, rel=1e-3)
    assert found["encoder"] == pytest.approx((of_encoders - error) / 4, rel=1e-3)
    assert found["seed"] == pytest.approx((of_seeds - error) / 6, rel=1e-3)


def test_planted_variances_are_found_on_average() -> None:
    levels = {"encoder": 8, "attention": 5, "normaliser": 3, "seed": 2}
    found = pd.DataFrame([components(runs_of(levels, SDS, n))["variance"] for n in range(8)])
    mean = found.mean()
    for component, sd in SDS.items():
        assert mean[component] == pytest.approx(sd**2, rel=0.7 if component != "residual" else 0.1)
    assert mean["combination"] < 0.25 * SDS["residual"] ** 2
    assert (found["encoder"] > found["normaliser"]).mean() > 0.9


def test_what_a_combination_does_beyond_its_parts_is_its_own_component() -> None:
    runs = runs_of({"encoder": 6, "attention": 6, "seed": 3}, SDS)
    own = np.random.default_rng(1).normal(size=(6, 6)) * 0.3
    runs["tau"] += own[runs["encoder"], runs["attention"]]
    found = components(runs)
    assert found.loc["combination", "sd"] == pytest.approx(0.3, rel=0.25)
    assert found.loc["residual", "sd"] == pytest.approx(0.04, rel=0.25)
    assert found["share"].sum() == pytest.approx(1)


def test_shares_do_not_depend_on_the_unit() -> None:
    runs = runs_of({"encoder": 4, "attention": 3, "seed": 3}, SDS)
    one, other = components(runs), components(runs.assign(tau=1000 * runs["tau"] - 7))
    assert one.loc[["encoder", "attention", "seed"], "share"].notna().all()
    np.testing.assert_allclose(one["share"], other["share"], atol=1e-4)
    assert other.loc["encoder", "sd"] == pytest.approx(1000 * one.loc["encoder", "sd"], rel=1e-3)


def test_what_a_study_cannot_tell_is_missing_and_says_why() -> None:
    one_seed = components(runs_of({"encoder": 3, "attention": 3}, SDS))
    assert one_seed.loc["seed", "note"] == "one level only"
    assert one_seed.loc["combination", "note"].startswith("one seed a cell")
    assert np.isnan(one_seed.loc["combination", "variance"])
    assert one_seed.loc["encoder", "note"] == "3 levels: rough"
    one_cell = components(runs_of({"seed": 3}, SDS))
    assert np.isnan(one_cell.drop("residual")["variance"]).sum() >= 5
    for runs in (runs_of({}, SDS), runs_of({}, SDS).iloc[:0]):
        nothing = components(runs)
        assert nothing["variance"].isna().all() and (nothing["note"] != "").all()


def test_undefined_and_ablated_runs_are_left_out_and_the_first_are_counted() -> None:
    runs = runs_of({"encoder": 4, "attention": 3, "seed": 3}, SDS)
    more = pd.concat([runs, runs.assign(variant="permuted", tau=99.0)], ignore_index=True)
    more.loc[[0, 5], "tau"] = np.nan
    found = components(more)
    assert (found["excluded"] == 2).all() and (found["runs"] == len(runs) - 2).all()
    assert found["variance"].max() < 1


def test_equal_values_have_no_variance() -> None:
    runs = runs_of({"encoder": 3, "attention": 3, "seed": 2}, {})
    assert (components(runs)["variance"].dropna() == 0).all()
