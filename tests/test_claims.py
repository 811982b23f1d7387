"""Contrasts, intervals and verdicts, on tables of texts whose effects are planted."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest

from attinfo.agreement.gaps import GAP_BINS
from attinfo.claims.conclusions import BY_NUMERAL, CONCLUSIONS, CONTRASTS, table
from attinfo.claims.contrast import numbered, roman
from attinfo.claims.effects import Comparison
from attinfo.claims.run_statistics import STATISTICS
from attinfo.claims.sampled import Sampled
from attinfo.claims.settle import settle
from attinfo.claims.verdicts import judge, reason, verdict
from attinfo.config.sections.statistics import Statistics
from attinfo.keys import RUN
from attinfo.runtime.errors import InputError

TEXTS = 80
ENCODERS, SCORERS = ("bilstm", "mlp"), ("additive", "deep", "scaled_dot")
NORMALISERS = ("softmax", "gumbel_softmax@0.5", "softmax@0.5")
ABLATIONS = ("frozen_scorer", "permuted", "label_shuffled")
Frames = list[pd.DataFrame]
CELLS = [
    *product(ENCODERS, SCORERS, NORMALISERS, ["trained"]),
    *product(["bilstm"], ["additive"], ["softmax"], ABLATIONS),
]


def run_table(
    cell: tuple[str, ...], seed: int, effect: float, spread: float, number: int
) -> pd.DataFrame:
    """A run's table of texts in which conclusion (i) to (v) holds to the extent of `effect`."""
    encoder, attention, normaliser, variant = cell
    rng = np.random.default_rng([CELLS.index(cell), seed, number])

    def noisy(mean: float) -> np.ndarray:
        return mean + spread * rng.normal() + 0.05 * rng.normal(size=TEXTS)

    tau = 0.3 + effect * 0.2 * (
        (encoder == "bilstm" and attention == "additive") - 2 * (variant == "frozen_scorer")
    )
    label = np.arange(TEXTS) % 2
    tokens = rng.integers(5, 20, TEXTS)
    table = {
        "label": label,
        "predicted": np.where(np.arange(TEXTS) < 8, 1 - label, label),
        "tokens": tokens,
        "sum:linear_pvi_position": tokens * noisy(0.2 + 0.1 * effect * (attention != "scaled_dot")),
        "count:linear_pvi_position": tokens,
        "tau:linear_gain": noisy(tau),
        "tau:linear_pvi": noisy(tau),
        "entropy_ratio": noisy(0.7 - 0.2 * effect * normaliser.startswith("gumbel")),
    }
    for place in range(GAP_BINS):
        rate = 0.5 + (0.2 * effect if place == GAP_BINS - 1 else 0)
        table[f"pairs:{place}"] = np.full(TEXTS, 10)
        table[f"concordant:{place}"] = 10 * noisy(rate)
        table[f"gap:{place}"] = np.full(TEXTS, place / 10)
    run = dict(zip(RUN, ("planted", *cell, seed), strict=True))
    return pd.DataFrame(table).assign(**run)


def study(
    effect: float = 0,
    seeds: tuple[int, ...] = (1, 2, 3),
    spread: float = 0.01,
    keep: Callable[[tuple[str, ...]], bool] = lambda cell: True,
    number: int = 0,
) -> Frames:
    return [run_table(c, s, effect, spread, number) for c in CELLS if keep(c) for s in seeds]


def claims_of(frames: Frames) -> pd.DataFrame:
    """What `settle` makes of them, without the other tables."""
    runs = pd.concat([frame[RUN].head(1) for frame in frames])
    blocks = {kind: sorted(runs[kind].unique()) for kind in ("encoder", "normaliser")}
    contrasts = [one for contrast in CONTRASTS for one in contrast.repeated(blocks)]
    effects: dict = {contrast: {} for contrast in contrasts}
    used = set.union(*(contrast.statistics for contrast in contrasts))
    for dataset in sorted({frame["dataset"].iloc[0] for frame in frames}):
        own = [frame for frame in frames if frame["dataset"].iloc[0] == dataset]
        own = [f.assign(correct=f["label"].eq(f["predicted"])) for f in own]
        sampled = Sampled({tuple(frame[RUN].iloc[0]): frame for frame in own}, 300, 7)
        compared = Comparison(sampled.runs, sampled.draws(used))
        for contrast in contrasts:
            effects[contrast][dataset] = compared.effects(contrast)
    return judge(effects, level=0.95, seed=7)


def primary(claims: pd.DataFrame) -> pd.DataFrame:
    pooled = claims[(claims["role"] == "primary") & (claims["dataset"] == "all")]
    return pooled.set_index("claim")


# Contrasts.


def test_every_conclusion_has_one_primary_contrast() -> None:
    assert list(BY_NUMERAL) == [roman(i) for i in range(1, len(CONCLUSIONS) + 1)]
    assert [c.claim for c in CONTRASTS if c.primary] == list(BY_NUMERAL)
    assert {c.claim for c in CONTRASTS} == set(BY_NUMERAL)
    assert set.union(*(c.statistics for c in CONTRASTS)) <= set(STATISTICS)
    for own in CONCLUSIONS.values():
        first = own.specifications[0].contrast
        assert (first.sides, first.within) == (own.contrasts[0].sides, own.contrasts[0].within)
        assert {c.about for c in own.contrasts if c.co_primary} <= {c.about for c in own.contrasts}
        for one in own.specifications:
            assert one.contrast.statistics <= set(STATISTICS)
            assert len({axis for axis, _ in one.choices}) == len(one.choices)
        assert len({one.choices for one in own.specifications}) == len(own.specifications)
    assert len({(c.claim, c.statement) for c in CONTRASTS}) == len(CONTRASTS)


def test_contrasts_can_be_read_before_there_are_results() -> None:
    rows = table().splitlines()[2:]
    assert len(rows) == len(CONTRASTS)
    for row, contrast in zip(rows, CONTRASTS, strict=True):
        assert contrast.statement in row and all(side.runs in row for side in contrast.sides)


def test_an_effect_is_a_difference_unless_it_is_held_against_a_value() -> None:
    for contrast in CONTRASTS:
        weights = sum(side.weight for side in contrast.sides)
        assert weights == 0 or len(contrast.sides) == 1
        assert contrast.control in (None, "enough") or len(contrast.sides) == 2
        assert ("{}" in contrast.statement) == (contrast.by is not None)


@pytest.mark.parametrize(("effect", "expected"), [(1, "supported"), (-1, "contradicted")])
def test_verdicts_follow_the_planted_effect(effect: int, expected: str) -> None:
    table = primary(claims_of(study(effect)))
    assert table["verdict"].to_dict() == dict.fromkeys(BY_NUMERAL, expected)
    truth = {"i": 0.1 / np.log(2), "ii": 0.4, "iii": 0.2, "iv": 0.2, "v": 0.2}
    for claim, row in table.iterrows():
        assert row["estimate"] == pytest.approx(effect * truth[claim], abs=0.05)
        assert row["ci_low"] < row["estimate"] < row["ci_high"]
        assert row["n"] == 3


def test_without_an_effect_few_studies_reach_any_verdict() -> None:
    studies = [primary(claims_of(study(number=number))) for number in range(5)]
    wrong = sum((table["verdict"] != "undetermined").any() for table in studies)
    assert wrong <= 1  # one in twenty is expected


def test_adjusted_p_is_that_of_holm_and_never_below_the_raw_one() -> None:
    frames = study(effect=0.04)
    table = primary(claims_of(frames))
    assert table["p_joint"].nunique() > 1
    ranked = table["p_joint"].sort_values()
    expected = (ranked * np.arange(len(CONCLUSIONS), 0, -1)).cummax().clip(upper=1)
    np.testing.assert_allclose(table["p_holm"], expected[table.index])
    assert (table["p_holm"] >= table["p_joint"]).all()
    assert (table["p_joint"] >= table["p"]).all()
    secondary = claims_of(frames).query("role != 'primary' and p == p")
    assert set(secondary["role"]) == {"co-primary", "secondary", "control"}
    assert (secondary["p_bh"] >= secondary["p"]).all()
    assert secondary["p_holm"].isna().all()


def test_a_contrast_that_a_study_cannot_make_is_undetermined_and_says_so() -> None:
    only = ("mlp", "additive", "softmax", "trained")
    table = primary(claims_of(study(1, keep=lambda cell: cell == only)))
    for claim in ("i", "ii", "iv", "v"):
        row = table.loc[claim]
        assert (row["n"], row["verdict"]) == (0, "undetermined")
        assert row["note"] == "this study has no runs to compare"
        assert np.isnan(row["estimate"]) and np.isnan(row["p_holm"])
    assert table.loc["iii", "verdict"] == "supported" and table.loc["iii", "note"] == ""


def test_a_study_that_can_settle_nothing_still_gets_its_table() -> None:
    frames = study(keep=lambda cell: cell == ("mlp", "additive", "softmax", "trained"))
    table = claims_of([frame.assign(variant="uniform") for frame in frames])
    assert (table["verdict"] == "undetermined").all()
    assert (table["note"] != "").all()


def test_with_one_seed_nothing_is_called_and_the_interval_is_over_texts_alone() -> None:
    table = primary(claims_of(study(1, seeds=(4,))))
    assert (table["n"] == 1).all()
    assert table["note"].str.startswith("one seed").all()
    assert (table["ci_low"] > 0).all() and table["p"].isna().all()
    assert (table["verdict"] == "undetermined").all()
    assert table["reason"].str.contains("One seed shows nothing about retrained models").all()
    assert table["reason"].str.contains("over 1 seed.", regex=False).all()


def test_effects_are_paired_by_seed() -> None:
    frames = study(0.5)
    shift = {1: 0.3, 2: -0.2, 3: 0.05}
    columns = ["tau:linear_gain", "entropy_ratio"]
    moved = [f.assign(**{c: f[c] + shift[f["seed"].iloc[0]] for c in columns}) for f in frames]
    numbers = ["estimate", "ci_low", "ci_high", "p"]
    before, after = (primary(claims_of(f)).loc[["ii", "iv", "v"], numbers] for f in (frames, moved))
    np.testing.assert_allclose(before, after, atol=1e-9)


def test_effects_are_paired_by_text() -> None:
    # A text that every model finds easy widens no contrast between models.
    frames = study(0.5)
    common = np.random.default_rng(0).normal(size=TEXTS)
    moved = [f.assign(entropy_ratio=f["entropy_ratio"] + common) for f in frames]
    before, after = (primary(claims_of(f)).loc["iv"] for f in (frames, moved))
    for number in ("estimate", "ci_low", "ci_high"):
        assert before[number] == pytest.approx(after[number], abs=1e-9)


def test_how_the_tables_come_does_not_matter() -> None:
    frames = study(0.5, seeds=(1, 2))
    claims = claims_of(frames)
    order = np.random.default_rng(0).permutation(len(frames))
    pd.testing.assert_frame_equal(claims, claims_of([frames[i] for i in order]))
    settled = settle([pd.concat(frames)], Statistics(bootstrap=300))["claims"]
    pd.testing.assert_frame_equal(claims, settled.drop(columns=["robust", "hangs_on"]))


def test_a_run_in_which_a_statistic_is_undefined_takes_no_part() -> None:
    frames = study(1)
    broken = [
        f.assign(**{"tau:linear_gain": np.nan})
        if (f["variant"].iloc[0], f["seed"].iloc[0]) == ("frozen_scorer", 2)
        else f
        for f in frames
    ]
    table = primary(claims_of(broken))
    assert table["n"].to_dict() == {"i": 3, "ii": 2, "iii": 3, "iv": 3, "v": 3}
    assert table.loc["ii", "verdict"] == "supported"
    assert table["excluded"].to_dict() == {"i": 0, "ii": 1, "iii": 0, "iv": 0, "v": 0}
    assert "1 runs are left out" in table.loc["ii", "reason"]


def test_tables_of_runs_and_cells_hold_the_means() -> None:
    frames = study(1)
    tables = settle(frames, Statistics(bootstrap=200))
    runs = tables["runs"].set_index(RUN)
    for frame in frames[::7]:
        row = runs.loc[tuple(frame[RUN].iloc[0])]
        assert row["accuracy"] == pytest.approx((frame["label"] == frame["predicted"]).mean())
        assert row["tau_gain"] == pytest.approx(frame["tau:linear_gain"].mean())
        assert row["entropy_ratio"] == pytest.approx(frame["entropy_ratio"].mean())
        mean = frame["sum:linear_pvi_position"].sum() / frame["count:linear_pvi_position"].sum()
        assert row["information_position"] == pytest.approx(mean / np.log(2))
        assert np.isnan(row["information_rank"])
    cells = tables["cells"].query("statistic == 'tau_gain'")
    assert len(cells) == len(CELLS) and (cells["seeds"] == 3).all()
    means = tables["runs"].groupby(RUN[:-1])["tau_gain"].mean()
    for row in cells.itertuples():
        cell = (row.dataset, row.encoder, row.attention, row.normaliser, row.variant)
        assert row.estimate == pytest.approx(means[cell])


# Several data sets.


def renamed(frames: Frames, name: str, shift: float = 0.0) -> Frames:
    column = "tau:linear_gain"
    better = [
        f.assign(**{column: f[column] + shift * (f["variant"].iloc[0] == "trained")})
        for f in frames
    ]
    return [f.assign(dataset=name) for f in better]


def test_the_pooled_effect_is_the_mean_over_data_sets_which_have_rows_of_their_own() -> None:
    frames = renamed(study(0.5), "a") + renamed(study(0.5, number=1), "b", shift=0.3)
    claims = claims_of(frames).query("claim == 'ii' and role == 'primary'").set_index("dataset")
    assert list(claims.index) == ["all", "a", "b"]
    assert claims.loc["b", "estimate"] == pytest.approx(claims.loc["a", "estimate"] + 0.3, abs=0.05)
    assert claims.loc["all", "estimate"] == pytest.approx(claims.loc[["a", "b"], "estimate"].mean())
    assert claims["n"].to_dict() == {"all": 6, "a": 3, "b": 3}
    assert claims["p_holm"].notna().to_dict() == {"all": True, "a": False, "b": False}
    assert "positive on 2 of 2 data sets" in claims.loc["all", "reason"]


def test_data_sets_with_other_numbers_of_texts_and_seeds_are_pooled() -> None:
    small = [f.iloc[:40] for f in study(0.5, seeds=(8, 9))]
    claims = primary(claims_of(renamed(study(0.5), "a") + renamed(small, "b")))
    assert (claims["n"] == 5).all() and (claims["datasets"] == 2).all()
    assert (claims["verdict"] != "contradicted").all()


def test_a_contrast_of_one_data_set_alone_says_so() -> None:
    frames = renamed(study(1), "a")
    frames += renamed(study(1, keep=lambda cell: cell[1] == "additive"), "b")
    claims = claims_of(frames).query("role == 'primary' and claim == 'i'")
    assert list(claims["dataset"]) == ["all"] and list(claims["note"]) == ["on a alone"]


def test_tables_of_a_data_set_must_stand_together_and_have_the_same_texts() -> None:
    frames = study(seeds=(1,))
    apart = [*renamed(frames[:1], "a"), *renamed(frames[:1], "b"), *renamed(frames[1:2], "a")]
    with pytest.raises(ValueError, match="'a' do not follow each other"):
        settle(apart, Statistics(bootstrap=200))
    with pytest.raises(InputError, match="has 70 texts, expected 80"):
        settle([*frames[:-1], frames[-1].iloc[:70]], Statistics(bootstrap=200))


# Verdicts and their reasons.


def test_equivalence_is_a_verdict_only_where_sameness_is_claimed() -> None:
    claims = claims_of(study(1))
    assert set(claims.loc[claims["verdict"] == "equivalent", "margin"].dropna()) == {0.05}
    assert claims.loc[claims["margin"].isna(), "verdict"].ne("equivalent").all()
    smallest = claims[claims["statistic"] == "concordance_0"].iloc[0]
    assert smallest["verdict"] == "equivalent" and abs(smallest["estimate"]) < 0.05

    def moved(by: float) -> str:
        frames = [f.assign(**{"concordant:0": f["concordant:0"] + 10 * by}) for f in study(1)]
        claims = claims_of(frames)
        return claims[claims["statistic"] == "concordance_0"].iloc[0]["verdict"]

    assert (moved(0.03), moved(0.2), moved(-0.2)) == (
        "undetermined",
        "contradicted",
        "contradicted",
    )


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (-0.04, 0.04, "undetermined"),
        (-0.02, 0.20, "undetermined"),
        (-0.20, 0.02, "undetermined"),
        (0.06, 0.20, "contradicted"),
        (-0.20, -0.06, "contradicted"),
        # An interval that touches the margin does not lie beyond it.
        (0.05, 0.20, "undetermined"),
        (-0.20, -0.05, "undetermined"),
    ],
)
def test_sameness_is_contradicted_only_beyond_the_margin(low, high, expected) -> None:
    row = {"margin": 0.05, "ci_low": low, "ci_high": high, "p_holm": np.nan, "p_bh": 0.3}
    row |= {"beyond": 0}
    assert verdict(row, 0.95) == expected
    assert verdict(row | {"beyond": 1}, 0.95) == "contradicted"
    assert verdict(row | {"p_bh": 0.01}, 0.95) == "equivalent"


def test_a_conclusion_has_exactly_one_primary_contrast_and_the_numeral_of_its_place() -> None:
    assert [roman(i) for i in (1, 4, 5, 6, 9, 10, 14)] == ["i", "iv", "v", "vi", "ix", "x", "xiv"]
    one = CONCLUSIONS["learning"]
    assert numbered([("a", one), ("b", one)])["b"].contrasts[0].claim == "ii"
    with pytest.raises(ValueError, match="'a' has 0 primary contrasts, expected one"):
        numbered([("a", replace(one, declared=one.declared[1:]))])


def test_reasons_say_what_was_found_and_what_would_change_it() -> None:
    called = primary(claims_of(study(1)))
    for row in called.itertuples():
        assert f"Effect {row.estimate:+.3f}" in row.reason
        assert "times as wide" in row.reason and "Its other contrasts" in row.reason
    open_ = primary(claims_of(study(0.1, spread=0.05)))
    missed = open_[(open_["verdict"] == "undetermined") & (open_["p"] > 0.05)]
    assert len(missed) >= 3
    for row in missed.itertuples():
        assert "The interval covers 0" in row.reason
        assert f"effects below {row.mde:.3f} may well be missed" in row.reason
    assert (open_["mde"] > called["mde"]).all()


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("datasets", [1, 2])
def test_a_called_effect_says_how_far_its_interval_is_from_zero(sign: int, datasets: int) -> None:
    low, high = sorted((0.2 * sign, 0.5 * sign))  # three times 0.1 from the estimate is 0
    row = {"estimate": 0.3 * sign, "ci_low": low, "ci_high": high, "margin": np.nan, "note": ""}
    row |= {"n": 6, "datasets": datasets, "positive": 1, "excluded": 0, "verdict": "supported"}
    row |= {"each": False, "role": "secondary"}
    found = reason(row, 0.95, 0.01, 5)
    assert "The interval would reach 0 if it were 3.0 times as wide." in found
    several = datasets > 1
    assert ("The effect is positive on 1 of 2 data sets." in found) == several
    assert ("over 3 seeds on each of 2 data sets." if several else "over 6 seeds.") in found


def test_the_reason_names_the_yardsticks_that_disagree() -> None:
    turned = [f.assign(**{"tau:linear_pvi": -f["tau:linear_gain"]}) for f in study(1)]
    reason = primary(claims_of(turned)).loc["v", "reason"]
    assert "Of the opposite sign: agreement by pvi" in reason and "contradicted)" in reason
    assert "Of the opposite sign" not in primary(claims_of(study(1))).loc["iv", "reason"]


def test_a_primary_that_only_correction_takes_away_says_so() -> None:
    claims = claims_of(study(0.06, spread=0.012))
    near = primary(claims).query("p < 0.05 and p_holm >= 0.05")
    assert len(near) and near["reason"].str.contains("adjusted for the 5 conclusions").all()
    assert (near["verdict"] == "undetermined").all()
