"""How often verdicts are right, and wrong beside true effects, over simulated studies."""

import numpy as np
import pytest
from simulate import (
    CLAIMS,
    SEEN,
    Spread,
    most,
    primary_claims,
    simulated_claims,
    study_tables,
    verdicts_of,
)


@pytest.mark.slow
def test_a_null_conclusion_among_true_ones_is_called_in_at_most_five_percent() -> None:
    strong = {claim: 20 * SEEN[claim] for claim in CLAIMS}
    for null in ("i", "v"):
        claims = simulated_claims(strong | {null: 0.0}, 3, 60)
        assert (verdicts_of(claims).loc[null, "verdict"] != "undetermined").sum() <= most(60)


@pytest.mark.slow
def test_a_conjunction_is_not_called_where_one_of_its_parts_is_null() -> None:
    # The encoder differs beyond doubt, the scorers on it do not: the worst case for (v).
    for sign in (-1, 1):
        own = verdicts_of(simulated_claims({"encoder": 0.5 * sign}, 5, 200)).loc["v"]
        assert (own["verdict"] != "undetermined").sum() <= most(200)


@pytest.mark.slow
def test_the_effects_seen_are_called_with_five_seeds_where_seeds_allow_it() -> None:
    claims = simulated_claims(SEEN, 5, 100)
    for claim in ("iii", "iv"):
        own = verdicts_of(claims).loc[claim]
        assert (own["verdict"] == "supported").mean() >= 0.8
        assert (own["mde"] < abs(SEEN[claim])).mean() >= 0.8
    # (ii) is near what five seeds can detect, and the table says that, too.
    second = verdicts_of(claims).loc["ii"]
    assert 0.3 < (second["verdict"] == "supported").mean() < 0.8
    assert SEEN["ii"] < second["mde"].median() < 2 * SEEN["ii"]
    # (i) is a third of the SD of its own seeds: five are too few, and the table says so.
    first = verdicts_of(claims).loc["i"]
    assert (first["verdict"] == "supported").mean() < 0.5
    assert first["mde"].median() > 2 * SEEN["i"]
    # (v) points in two directions: the parts are called, the conclusion is not.
    fifth = claims.loc["v"]
    assert (verdicts_of(fifth)["verdict"] == "undetermined").all()
    encoders = fifth[fifth["about"] == "between encoders"]
    assert (encoders["verdict"] == "contradicted").mean() >= 0.8


def test_the_detectable_effect_is_that_of_the_true_variance() -> None:
    # Of (ii): a difference of two runs, no strata.
    claims = simulated_claims({}, 10, 15).loc["ii"]
    sd, texts = Spread().tau
    error = np.sqrt(2 * (0.8 * sd**2 + 0.5 * texts**2) / 10)
    assert claims["se_seeds"].median() == pytest.approx(error, rel=0.25)
    assert claims["mde"].median() > 3 * error


def test_what_the_simulation_plants_is_what_is_estimated() -> None:
    quiet = Spread(*((1e-6, 1e-6) for _ in Spread._fields))
    found = primary_claims(study_tables(SEEN, 3, 0, quiet))
    own = verdicts_of(found)
    for claim in CLAIMS:
        assert own.loc[claim, "estimate"] == pytest.approx(SEEN[claim], abs=1e-4)
    between = found[found["about"] == "between encoders"]["estimate"]
    np.testing.assert_allclose(between, SEEN["v"] + SEEN["encoder"], atol=1e-4)
