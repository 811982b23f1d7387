"""What is added to the estimates of a study: extrapolation, reliability, calibration, flags."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from attinfo.information.flags import FLAGS
from attinfo.information.trust import trusted

RUN = {
    "dataset": "mine",
    "encoder": "mlp",
    "attention": "deep",
    "normaliser": "softmax",
    "variant": "trained",
    "seed": 1,
}


def row(**changes: Any) -> dict[str, Any]:
    """An estimate that nothing speaks against; its interval lies about it."""
    values = {
        **RUN,
        "index": "position",
        "unit": 0,
        "estimator": "linear",
        "spot_check": False,
        "n": 400,
        "mi_nats": 0.2,
        "h_output": 0.7,
        "flags": "",
        "effective_rank": 4.0,
        "half_1": 0.2,
        "half_2": 0.2,
    } | changes
    near = {"ci_low": values["mi_nats"] - 0.01, "ci_high": values["mi_nats"] + 0.01}
    over = {"mi_over_h": values["mi_nats"] / values["h_output"]}
    return near | over | values


def calibration(bias: float = 0.001, **changes: Any) -> pd.DataFrame:
    """As of two estimators on two tasks; every row of the linear one has a bias of its own."""
    rows = []
    for task in ("gaussian", "xor"):
        for estimator in ("linear", "knn"):
            for n in (200, 600, 1800):
                for rank in (4.0, 16.0):
                    for level in (0.1, 0.3, 0.7):
                        place = {"n": n, "rank": rank, "level": level}
                        values = {"truth": 0.7 * level, "bias": bias, "spread": 0.02}
                        rows.append({"estimator": estimator, "task": task, **place, **values})
    return pd.DataFrame(rows).assign(dataset="mine", **changes)


def trusted_rows(*rows: dict[str, Any], known: pd.DataFrame | None = None) -> pd.DataFrame:
    return trusted(pd.DataFrame(rows), calibration() if known is None else known)


def flags_of(*rows: dict[str, Any], known: pd.DataFrame | None = None) -> list[list[str]]:
    return [flags.split() for flags in trusted_rows(*rows, known=known)["flags"]]


# The table.


def test_rows_and_columns_stay_as_they_are_and_in_order() -> None:
    rows = [
        row(unit=unit, estimator=estimator, seed=seed, mi_nats=0.1 * unit + 0.05)
        for unit in (2, 0, 1)
        for seed in (3, 1)
        for estimator in ("knn", "linear", "stack")
    ]
    table = pd.DataFrame(rows)
    table.index = [0] * len(table)  # as of tables put together
    before = table.copy()
    found = trusted(table, calibration())
    pd.testing.assert_frame_equal(table, before)
    pd.testing.assert_frame_equal(found[list(table)], table.reset_index(drop=True))
    assert set(found) - set(table) == {
        "mi_extrapolated",
        "ranking_reliability",
        "calibrated_bias",
        "calibrated_spread",
    }


def test_nothing_is_flagged_that_nothing_speaks_against() -> None:
    rows = [row(unit=u, mi_nats=v, half_1=v, half_2=v) for u, v in enumerate((0.1, 0.2, 0.3))]
    assert flags_of(*rows) == [[], [], []]


def test_flags_are_added_to_those_there_are_and_all_are_known() -> None:
    known = calibration(bias=-0.3)
    found = flags_of(row(flags="below_floor rare_class"), row(unit=1), known=known)
    assert found == [["below_floor", "rare_class", "too_few_texts"], ["too_few_texts"]]
    assert {"too_few_texts", "estimators_disagree", "ranking_unreliable"} <= set(FLAGS)


@pytest.mark.parametrize("flag", ["constant_output", "constant_states"])
def test_where_there_is_nothing_to_tell_nothing_more_is_flagged(flag: str) -> None:
    order = [(0, 0.0, 0.3), (1, 0.1, 0.2), (2, 0.2, 0.1)]  # the halves rank it backwards
    rows = [row(unit=u, half_1=a, half_2=b, flags=flag) for u, a, b in order]
    rows.append(row(estimator="knn", mi_nats=0.6, flags=flag))
    known = calibration(bias=0.5)
    assert flags_of(*rows, known=known) == [[flag]] * 4
    plain = [r | {"flags": ""} for r in rows]
    assert all(len(flags) >= 2 for flags in flags_of(*plain, known=known)[:3])


# Extrapolation.


@pytest.mark.parametrize("bias", [0.0, 40.0, -15.0])
def test_a_bias_that_falls_with_the_number_of_texts_is_taken_off(bias: float) -> None:
    truth, n = 0.25, 400
    halves = {"half_1": truth + bias / 200 + 0.03, "half_2": truth + bias / 200 - 0.03}
    found = trusted_rows(row(mi_nats=truth + bias / n, n=n, **halves))
    assert found["mi_extrapolated"].item() == pytest.approx(truth)


def test_without_halves_nothing_is_extrapolated() -> None:
    found = trusted_rows(row(spot_check=True, half_1=np.nan, half_2=np.nan))
    assert found["mi_extrapolated"].isna().all()


# Reliability of rankings.


def reliability(
    one: list[float], other: list[float], **changes: Any
) -> tuple[list[float], list[list[str]]]:
    """Of the ranking of units whose estimates in the halves are these, and the flags."""
    rows = [
        row(unit=unit, half_1=a, half_2=b, **changes)
        for unit, (a, b) in enumerate(zip(one, other, strict=True))
    ]
    found = trusted_rows(*rows)
    return found["ranking_reliability"].tolist(), [f.split() for f in found["flags"]]


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ([0.2, 0.3, 0.4, 0.5], 1.0),
        ([0.2, 0.1, 0.4, 0.3], 0.75),  # Spearman's 0.6 in halves, stepped up
        ([0.4, 0.3, 0.2, 0.1], -1.0),
        ([0.3, 0.1, 0.4, 0.2], 0.0),
    ],
)
def test_reliability_is_that_of_the_order_in_halves_stepped_up(
    other: list[float], expected: float
) -> None:
    found, flags = reliability([0.1, 0.2, 0.3, 0.4], other)
    assert found == pytest.approx([expected] * 4, abs=1e-12)
    assert flags == [["ranking_unreliable"] if expected < 0.7 else []] * 4


def test_two_units_are_no_ranking() -> None:
    found, flags = reliability([0.1, 0.2], [0.2, 0.1])
    assert np.isnan(found).all() and flags == [[], []]


@pytest.mark.parametrize(
    "changes",
    [{"index": "instance"}, {"half_1": np.nan, "half_2": np.nan, "spot_check": True}],
    ids=["instance", "spot check"],
)
def test_what_is_not_ranked_has_no_reliability(changes: dict[str, Any]) -> None:
    rows = [row(**{"unit": unit, "half_1": unit, "half_2": -unit} | changes) for unit in range(4)]
    found = trusted_rows(*rows)
    assert found["ranking_reliability"].isna().all() and (found["flags"] == "").all()


@pytest.mark.parametrize(
    "apart",
    [{key: "other"} for key in RUN] + [{"index": "rank"}, {"estimator": "knn"}],
    ids=lambda apart: next(iter(apart)),
)
def test_every_run_index_and_estimator_is_a_ranking_of_its_own(apart: dict[str, Any]) -> None:
    up = [row(unit=unit, half_1=unit, half_2=unit) for unit in range(3)]
    down = [row(**{"unit": unit, "half_1": unit, "half_2": -unit} | apart) for unit in range(3)]
    mixed = [r for pair in zip(up, down, strict=True) for r in pair]
    assert trusted_rows(*mixed)["ranking_reliability"].tolist() == [1, -1] * 3


# Calibration.


def numbered() -> pd.DataFrame:
    """A calibration in which every row has a bias and a spread of its own."""
    known = calibration()
    number = np.arange(len(known), dtype=float)
    return known.assign(bias=number / 1e6, spread=number / 1e5)


@pytest.mark.parametrize(
    ("n", "rank", "over_h", "nearest"),
    [
        (200, 4.0, 0.1, (200, 4.0, 0.1)),
        (90, 1.3, -0.2, (200, 4.0, 0.1)),
        (9000, 60.0, 1.1, (1800, 16.0, 0.7)),
        # In ratio: 346 lies between 200 and 600, 8 between 4 and 16.
        (340, 7.9, 0.19, (200, 4.0, 0.1)),
        (352, 8.1, 0.21, (600, 16.0, 0.3)),
        (1030, 4.0, 0.49, (600, 4.0, 0.3)),
        (1050, 4.0, 0.51, (1800, 4.0, 0.7)),
        (600, 4.0, np.nan, (600, 4.0, 0.1)),
    ],
)
@pytest.mark.parametrize("estimator", ["linear", "knn"])
def test_bias_and_spread_are_those_of_the_nearest_size(
    n: int, rank: float, over_h: float, nearest: tuple[float, ...], estimator: str
) -> None:
    known = numbered()
    asked = row(n=n, effective_rank=rank, mi_over_h=over_h, estimator=estimator)
    found = trusted_rows(asked, known=known.sample(frac=1, random_state=0)).iloc[0]
    of_task = known[(known["task"] == "gaussian") & (known["estimator"] == estimator)]
    expected = of_task.set_index(["n", "rank", "level"]).loc[nearest]
    assert found["calibrated_bias"] == expected["bias"]
    assert found["calibrated_spread"] == expected["spread"]


def test_each_row_has_the_calibration_of_its_own_data_set() -> None:
    other = calibration(bias=-0.05).assign(dataset="yours", spread=0.5)
    rows = [row(), row(dataset="yours"), row(unit=1)]
    found = trusted_rows(*rows, known=pd.concat([calibration(), other]))
    assert found["calibrated_bias"].tolist() == [0.001, -0.05, 0.001]
    assert found["calibrated_spread"].tolist() == [0.02, 0.5, 0.02]


@pytest.mark.parametrize("missing", [{"estimator": "token_type"}, {"dataset": "yours"}])
def test_what_was_not_calibrated_has_no_bias_and_no_flag(missing: dict[str, Any]) -> None:
    found = trusted_rows(row(**missing), known=calibration(bias=0.5)).iloc[0]
    assert np.isnan(found["calibrated_bias"]) and np.isnan(found["calibrated_spread"])
    assert found["flags"] == ""


@pytest.mark.parametrize(
    ("biases", "few"),
    [
        # The truths are 0.07, 0.21 and 0.49, of which the mean is 0.2567.
        ((0.05, 0.05, 0.05), False),
        ((0.0, 0.0, 0.15), False),
        ((0.0, 0.0, 0.16), True),
        ((-0.06, 0.06, -0.06), True),
        ((-0.06, 0.0, 0.06), False),
    ],
)
def test_texts_are_too_few_where_the_bias_is_over_a_fifth_of_the_truth(
    biases: tuple[float, ...], few: bool
) -> None:
    known = calibration()
    place = (known["n"] == 600) & (known["rank"] == 4)
    known["bias"] = np.where(
        place, known["level"].map(dict(zip((0.1, 0.3, 0.7), biases, strict=True))), 0
    )
    flags = flags_of(row(n=600), row(n=600, effective_rank=16.0), row(n=1800), known=known)
    assert flags == [["too_few_texts"] if few else [], [], []]


def test_what_counts_is_the_task_that_every_estimator_should_solve() -> None:
    known = calibration()
    known.loc[known["task"] == "xor", "bias"] = -0.4
    assert flags_of(row(), known=known) == [[]]


# Disagreement.


@pytest.mark.parametrize(
    ("knn", "apart"),
    [
        # H(output) is 0.7: a tenth is 0.07; the interval of the other is 0.19 to 0.21.
        ({"mi_nats": 0.28, "ci_low": 0.27, "ci_high": 0.29}, True),
        ({"mi_nats": 0.12, "ci_low": 0.11, "ci_high": 0.13}, True),
        ({"mi_nats": 0.28, "ci_low": 0.205, "ci_high": 0.36}, False),  # the intervals meet
        ({"mi_nats": 0.26, "ci_low": 0.25, "ci_high": 0.27}, False),  # apart, but not far
    ],
)
def test_estimators_disagree_where_they_are_far_apart_and_their_intervals_too(
    knn: dict[str, float], apart: bool
) -> None:
    flags = flags_of(row(), row(estimator="knn", **knn))
    assert flags == [["estimators_disagree"] if apart else []] * 2


def test_those_that_agree_with_some_and_not_with_others_disagree() -> None:
    values = {"linear": 0.2, "knn": 0.26, "stack": 0.32}
    rows = [row(estimator=name, mi_nats=value) for name, value in values.items()]
    assert [len(flags) for flags in flags_of(*rows)] == [1, 0, 1]


@pytest.mark.parametrize(
    "other",
    [{"unit": 1}, {"index": "rank"}] + [{key: "other"} for key in RUN],
    ids=lambda other: next(iter(other)),
)
def test_only_estimates_of_the_same_unit_of_the_same_run_can_disagree(
    other: dict[str, Any],
) -> None:
    far = row(**{"estimator": "knn", "mi_nats": 0.6} | other)
    assert flags_of(row(), far) == [[], []]


def test_a_spot_check_can_disagree() -> None:
    check = row(estimator="stack", mi_nats=0.4, spot_check=True, half_1=np.nan, half_2=np.nan)
    assert flags_of(row(), check) == [["estimators_disagree"]] * 2


@pytest.mark.parametrize("name", ["token_type", "output_layer"])
def test_the_information_in_the_word_itself_or_for_the_output_layer_takes_no_part(
    name: str,
) -> None:
    instance = {"index": "instance", "half_1": np.nan, "half_2": np.nan}
    other = row(estimator=name, mi_nats=0.6, **instance)
    assert flags_of(row(**instance), other) == [[], []]
