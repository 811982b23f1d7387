"""How often verdicts are wrong over simulated studies without any effect."""

import pytest
from simulate import CLAIMS, most, simulated_claims, verdicts_of


def false_alarms(seeds: int, studies: int) -> None:
    claims = simulated_claims({}, seeds, studies)
    for claim in CLAIMS:
        own = verdicts_of(claims).loc[claim]
        assert (own["verdict"] != "undetermined").sum() <= most(studies)
    for _, own in claims.groupby(["claim", "contrast"]):
        # What Holm comes to where the other four conclusions are beyond doubt.
        assert (own["p"] < 0.05).sum() <= most(studies)
    wrong = (verdicts_of(claims)["p_holm"] < 0.05).groupby(verdicts_of(claims)["study"]).any()
    assert wrong.sum() <= most(studies)


def test_a_null_conclusion_is_seldom_called() -> None:
    false_alarms(seeds=5, studies=40)


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [3, 5])
def test_null_conclusions_are_called_in_at_most_five_percent(seeds: int) -> None:
    false_alarms(seeds=seeds, studies=200)  # with ten seeds: benchmarks.verdicts
