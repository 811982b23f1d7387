"""How often verdicts are wrong, and how often right, over simulated studies."""

import numpy as np
import pytest
from scipy.stats import binom
from simulate import SEEN, Spread, primary_claims, simulated_claims, study_tables


def most(studies: int, rate: float = 0.05) -> int:
    """The most false alarms that a rate of 5 % gives, but in one of a thousand runs of a test."""
    return int(binom.ppf(0.999, studies, rate))


def false_alarms(seeds: int, studies: int) -> None:
    claims = simulated_claims({}, seeds, studies)
    for claim in SEEN:
        own = claims.loc[claim]
        assert (own["verdict"] != "undetermined").sum() <= most(studies)
        # What Holm comes to where the other four conclusions are beyond doubt.
        assert (own["p"] < 0.05).sum() <= most(studies)
    wrong = (claims["p_holm"] < 0.05).groupby(claims["study"]).any()
    assert wrong.sum() <= most(studies)


def test_a_null_conclusion_is_seldom_called() -> None:
    false_alarms(seeds=3, studies=40)


@pytest.mark.slow
def test_null_conclusions_are_called_in_at_most_five_percent() -> None:
    false_alarms(seeds=3, studies=200)  # with ten seeds: benchmarks.verdicts


@pytest.mark.slow
def test_a_null_conclusion_among_true_ones_is_called_in_at_most_five_percent() -> None:
    strong = {claim: 20 * effect for claim, effect in SEEN.items()}
    for null in ("i", "v"):
        claims = simulated_claims(strong | {null: 0.0}, 3, 60)
        assert (claims.loc[null, "verdict"] != "undetermined").sum() <= most(60)


@pytest.mark.slow
def test_the_effects_seen_are_called_with_ten_seeds_where_seeds_allow_it() -> None:
    claims = simulated_claims(SEEN, 10, 100)
    right = {"ii": "supported", "iii": "supported", "iv": "supported", "v": "contradicted"}
    for claim, verdict in right.items():
        assert (claims.loc[claim, "verdict"] == verdict).mean() >= 0.8
        assert (claims.loc[claim, "mde"] < abs(SEEN[claim])).mean() >= 0.8
    # (i) is a third of the SD of its own seeds: ten are too few, and the table says so.
    first = claims.loc["i"]
    assert (first["verdict"] == "supported").mean() < 0.5
    assert first["mde"].median() > 2 * SEEN["i"]


def test_the_detectable_effect_that_is_told_is_that_of_the_true_variance() -> None:
    # Of (ii): a difference of two runs, no strata.
    claims = simulated_claims({}, 10, 15).loc["ii"]
    sd, texts = Spread().tau
    error = np.sqrt(2 * (0.8 * sd**2 + 0.5 * texts**2) / 10)
    assert claims["se_seeds"].median() == pytest.approx(error, rel=0.25)
    assert claims["mde"].median() > 3 * error


def test_what_the_simulation_plants_is_what_is_estimated() -> None:
    quiet = Spread(*((1e-6, 1e-6) for _ in Spread._fields))
    found = primary_claims(study_tables(SEEN, 3, 0, quiet))
    for claim, effect in SEEN.items():
        assert found.loc[claim, "estimate"] == pytest.approx(effect, abs=1e-4)
