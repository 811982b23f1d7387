"""Contrasts, intervals and verdicts, on tables of texts whose effects are planted."""

from collections.abc import Callable
from itertools import product

import numpy as np
import pandas as pd
import pytest

from attinfo.agreement import GAP_BINS
from attinfo.claims import RUN, settle
from attinfo.contrasts import CONCLUSIONS, CONTRASTS
from attinfo.quantities import STATISTICS
from attinfo.statistics import Interval, Ratios, interval, mean_of, text_weights

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
    return settle(frames, level=0.95, repeats=300, seed=7)["claims"]


def primary(claims: pd.DataFrame) -> pd.DataFrame:
    return claims[claims["role"] == "primary"].set_index("claim")


# Contrasts.


def test_every_conclusion_has_one_primary_contrast() -> None:
    assert list(CONCLUSIONS) == ["i", "ii", "iii", "iv", "v"]
    assert [c.claim for c in CONTRASTS if c.primary] == list(CONCLUSIONS)
    assert {c.claim for c in CONTRASTS} == set(CONCLUSIONS)
    assert set().union(*(c.statistics for c in CONTRASTS)) <= set(STATISTICS)
    assert len({(c.claim, c.statement) for c in CONTRASTS}) == len(CONTRASTS)


@pytest.mark.parametrize(("effect", "expected"), [(1, "supported"), (-1, "contradicted")])
def test_verdicts_follow_the_planted_effect(effect: int, expected: str) -> None:
    table = primary(claims_of(study(effect)))
    assert table["verdict"].to_dict() == dict.fromkeys(CONCLUSIONS, expected)
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
    assert table["p"].nunique() > 1
    ranked = table["p"].sort_values()
    expected = (ranked * np.arange(5, 0, -1)).cummax().clip(upper=1)
    np.testing.assert_allclose(table["p_holm"], expected[table.index])
    assert (table["p_holm"] >= table["p"]).all()
    secondary = claims_of(frames).query("role == 'secondary' and p == p")
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


def test_with_one_seed_the_table_says_that_the_interval_is_over_texts_alone() -> None:
    table = primary(claims_of(study(1, seeds=(4,))))
    assert (table["n"] == 1).all()
    assert table["note"].str.startswith("one seed").all()


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
    pd.testing.assert_frame_equal(claims, settle([pd.concat(frames)], 0.95, 300, 7)["claims"])


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


def test_tables_of_runs_and_cells_hold_the_means() -> None:
    frames = study(1)
    tables = settle(frames, 0.95, 200, 7)
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


# The hierarchical bootstrap.


def simulated(
    replicates: int, seed_sd: float, text_sd: float, number: int, texts: int = 60
) -> Interval:
    """The interval of a mean that is zero; half of what a text does, it does to every seed."""
    rng = np.random.default_rng([number, replicates])
    values = (
        seed_sd * rng.normal(size=replicates)
        + text_sd * rng.normal(size=(texts, 1)) * np.sqrt(0.5)
        + text_sd * rng.normal(size=(texts, replicates)) * np.sqrt(0.5)
    )
    draws = Ratios(values, np.ones_like(values)).over(text_weights(texts, 400, number))
    return interval(mean_of([draws], number, replicates).draws, 0.95)


@pytest.mark.parametrize("replicates", [3, 5, 10])
@pytest.mark.parametrize(
    ("seed_sd", "text_sd"),
    [(1.0, 0.0), (1.0, 4.0), (0.0, 4.0)],
    ids=["seeds vary", "both vary", "texts vary"],
)
def test_the_interval_covers_a_mean_about_as_often_as_it_says(
    replicates: int, seed_sd: float, text_sd: float
) -> None:
    found = [simulated(replicates, seed_sd, text_sd, number) for number in range(300)]
    assert np.mean([f.low <= 0 <= f.high for f in found]) > 0.91  # 0.95, less three errors
    assert np.mean([f.p < 0.05 for f in found]) < 0.09


def test_the_interval_widens_with_the_variance_of_seeds_and_of_texts() -> None:
    def width(**changes: float) -> float:
        settings = {"replicates": 3, "seed_sd": 0.3, "text_sd": 1.0} | changes
        found = [simulated(**settings, number=number) for number in range(30)]
        return float(np.mean([f.high - f.low for f in found]))

    assert width(seed_sd=0.0) < width() < width(seed_sd=1.0)
    assert width(text_sd=0.1) < width() < width(text_sd=4.0)
    assert width(replicates=10) < width()
    assert width(texts=600) < width()


def test_the_estimate_is_the_plain_mean_and_resampling_is_seeded() -> None:
    values = np.random.default_rng(0).normal(size=(50, 3))
    draws = Ratios(values, np.ones_like(values)).over(text_weights(50, 200, 1))
    assert interval(draws.mean(1), 0.95).estimate == pytest.approx(values.mean())
    one, again, other = (mean_of([draws], key).draws for key in (1, 1, 2))
    assert (one == again).all() and (one != other).any()
    assert one[0] == pytest.approx(values.mean())


def test_a_text_in_which_a_ratio_is_undefined_does_not_count() -> None:
    numerator, denominator = np.array([[2.0], [0.0], [6.0]]), np.array([[1.0], [0.0], [2.0]])
    weights = np.array([[1, 1, 1], [1, 5, 0]])
    np.testing.assert_allclose(Ratios(numerator, denominator).over(weights), [[8 / 3], [2.0]])


def test_an_effect_is_less_probable_the_further_its_draws_are_from_none() -> None:
    draws = np.random.default_rng(0).normal(size=1001)
    found = [interval(draws + shift, 0.95) for shift in (0, 1, 2, 5)]
    assert found[0].p > 0.5 > found[1].p > found[2].p > found[3].p == pytest.approx(2 / 1001)
    for result, shift in zip(found, (0, 1, 2, 5), strict=True):
        assert result.low == pytest.approx(shift - 1.96, abs=0.2)
        assert result.high == pytest.approx(shift + 1.96, abs=0.2)
