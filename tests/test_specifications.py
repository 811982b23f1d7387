"""Specification curves, on tables of texts whose effects are planted in some specifications."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import pytest
from test_claims import Frames, primary, study

from attinfo.claims.conclusions import CONCLUSIONS
from attinfo.claims.settle import settle
from attinfo.claims.specifications import axes_of, declared, robustness, versions_of
from attinfo.config.sections.statistics import Statistics
from attinfo.keys import RUN
from attinfo.report.verdict_text import answers

COLUMNS = ("tau:linear_gain", "tau:linear_pvi")


def shifted(frames: Frames, by: Mapping[str, Callable[[pd.Series], float]]) -> Frames:
    """The same tables with a number added to columns, which depends on the run."""
    return [f.assign(**{c: f[c] + shift(f.iloc[0]) for c, shift in by.items()}) for f in frames]


def settled(frames: Frames, **more: object) -> tuple[pd.DataFrame, pd.DataFrame]:
    tables = settle(frames, Statistics(bootstrap=200), **more)
    return tables["claims"], tables["specifications"]


def answer(claims: pd.DataFrame, curve: pd.DataFrame, claim: str):
    return next(own for own in answers(claims, curve, 0.95) if own.claim == claim)


@pytest.fixture(scope="module")
def everywhere() -> tuple[pd.DataFrame, pd.DataFrame]:
    """A study in which each conclusion holds in every specification."""
    return settled(study(1))


def test_an_effect_that_is_everywhere_has_one_sign_in_all_specifications(everywhere) -> None:
    claims, curve = everywhere
    for claim, row in primary(claims).iterrows():
        own = curve[curve["claim"] == claim]
        assert len(own) > 1 and own["same_sign"].all()
        assert row["robust"] == 1 and row["hangs_on"] == ""
        # The first specification is the primary contrast itself.
        assert own.iloc[0]["estimate"] == pytest.approx(row["estimate"])
        said = answer(claims, curve, claim).robust
        assert said.startswith("It holds whatever reasonable choice is made")
        assert f"all of {len(own)} specifications" in said


def test_the_curve_finds_the_one_specification_that_carries_an_effect() -> None:
    # Additive attention learns to rank as pvi does, and learns the opposite of gain.
    def learnt(row: pd.Series) -> float:
        return 0.3 * (row["variant"] == "trained" and row["attention"] == "additive")

    frames = shifted(study(0), {"tau:linear_gain": lambda r: -learnt(r), "tau:linear_pvi": learnt})
    claims, curve = settled(frames)
    own = curve[curve["claim"] == "ii"]
    by_value = own.groupby("pointwise value")["estimate"]
    assert (by_value.max()["gain"] < -0.2) and (by_value.min()["pvi"] > 0.2)
    row = primary(claims).loc["ii"]
    assert row["hangs_on"] == "pointwise value: pvi" and 0 < row["robust"] < 1
    assert "hangs on a choice (pointwise value): with pvi" in answer(claims, curve, "ii").robust


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_conclusion_that_is_an_effect_of_the_encoder_is_said_to_be_one(sign: int) -> None:
    # Under every scorer the paper's encoder agrees more, or less; its scorers are alike.
    def of_encoder(row: pd.Series) -> float:
        return 0.3 * sign * (row["encoder"] == "bilstm")

    claims, curve = settled(shifted(study(0), dict.fromkeys(COLUMNS, of_encoder)))
    own = claims[(claims["claim"] == "v") & claims["role"].isin(["primary", "co-primary"])]
    between = own[own["about"] == "between encoders"]
    assert len(between) == 2 and (between["p"] < 0.05).all()
    assert (np.sign(between["estimate"]) == sign).all()
    row = primary(claims).loc["v"]
    assert row["verdict"] == "undetermined" and row["p_joint"] > 0.05
    found = answer(claims, curve, "v")
    assert "between encoders" in found.sentence
    assert "not settled between scorers on the BiLSTM" in found.sentence
    assert any("on a BiLSTM than on other encoders" in words for words in found.beside)


def test_parts_in_opposite_directions_are_no_verdict_and_named() -> None:
    def both(row: pd.Series) -> float:
        bilstm, additive = row["encoder"] == "bilstm", row["attention"] == "additive"
        return 0.2 * (bilstm and additive) - 0.5 * bilstm

    claims, curve = settled(shifted(study(0), dict.fromkeys(COLUMNS, both)))
    row = primary(claims).loc["v"]
    assert row["estimate"] > 0.15 and row["p_joint"] == 1 and row["verdict"] == "undetermined"
    found = answer(claims, curve, "v").sentence
    assert "opposite directions" in found
    assert "between scorers on the BiLSTM (more) and between encoders (less)" in found
    assert "co-primary contrasts do not all have this sign" in row["reason"]


def test_a_half_trained_run_is_left_out_where_that_is_asked() -> None:
    frames = study(0)
    runs = pd.concat([f[RUN].head(1) for f in frames], ignore_index=True)
    bad = (runs["encoder"] == "mlp") & (runs["normaliser"].str.startswith("gumbel"))
    # Runs that were stopped early have even attention: alone they turn conclusion (iv).
    frames = shifted(
        study(1),
        {
            "entropy_ratio": lambda r: (
                2.0 * (r["encoder"] == "mlp" and r["normaliser"].startswith("gumbel"))
            )
        },
    )
    claims, curve = settled(frames, training=runs.assign(trained_enough=~bad))
    own = claims[(claims["claim"] == "iv") & claims["contrast"].str.endswith("trained enough")]
    assert primary(claims).loc["iv", "estimate"] < 0 < own.iloc[0]["estimate"]
    assert own.iloc[0]["excluded"] == bad.sum()
    assert primary(claims).loc["iv", "hangs_on"] != ""
    enough = curve[(curve["claim"] == "iv") & (curve["runs"] == "trained enough")]
    assert enough["same_sign"].mean() < 0.5


def test_another_version_of_a_block_is_a_choice_and_no_part_of_the_contrast() -> None:
    frames = study(1)
    dots = [f for f in frames if f["attention"].iloc[0] == "scaled_dot"]
    wide = [
        f.assign(**{"attention": "wide", "sum:linear_pvi_position": f["count:linear_pvi_position"]})
        for f in dots
    ]
    names = {
        "attention": {n: n for n in ("additive", "deep", "scaled_dot")} | {"wide": "scaled_dot"}
    }
    assert versions_of(names)[0].names == ("scaled_dot", "wide")
    alone, _ = settled(frames)
    claims, curve = settled([*frames, *wide], names=names)
    numbers = ["n", "estimate", "ci_low", "ci_high", "p"]
    pd.testing.assert_frame_equal(claims[numbers], alone[numbers])
    own = curve[curve["claim"] == "i"]
    axis = "version of Scaled dot"
    assert set(own[axis]) == {"as registered", "wide"}
    assert (own[own[axis] == "wide"]["estimate"] < 0).all()
    assert primary(claims).loc["i", "hangs_on"] == f"{axis}: wide"


def test_choices_that_leave_the_same_runs_are_counted_once(everywhere) -> None:
    _, curve = everywhere
    # All runs were trained enough, and (ii) has one encoder and one normaliser.
    assert "trained enough" not in set(curve["runs"])
    own = curve[(curve["claim"] == "ii") & (curve["runs"] == "all")]
    assert set(own["models"]) == {"all"}
    assert not curve.duplicated().any()


def test_each_data_set_is_a_choice_where_there_are_several() -> None:
    frames = [f.assign(dataset=name) for name in ("a", "b") for f in study(1, seeds=(1, 2))]
    _, curve = settled(frames)
    assert set(curve["data set"]) == {"all", "a", "b"}
    wide = curve.pivot_table(
        index=["claim", "models", "runs"], columns="data set", values="estimate", aggfunc="first"
    )
    np.testing.assert_allclose(wide["all"], (wide["a"] + wide["b"]) / 2)


def test_the_choices_can_be_read_before_there_are_results() -> None:
    said = declared()
    for own in CONCLUSIONS.values():
        for one in own.specifications:
            for axis, choice in one.choices:
                assert any(
                    line.startswith(f"| ({own.numeral}) | {axis} |") and choice in line
                    for line in said.splitlines()
                )


def test_a_study_without_runs_to_compare_has_an_empty_curve() -> None:
    only = ("mlp", "additive", "softmax", "trained")
    frames = [f.assign(variant="uniform") for f in study(0, keep=lambda cell: cell == only)]
    claims, curve = settled(frames)
    assert curve.empty and claims["robust"].isna().all()
    assert robustness(curve) is None and axes_of(curve) == []
