"""Published numbers beside ours: the intervals, and tables that cannot be read."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from attinfo.claims.published import COLUMNS, beside, read_published
from attinfo.runtime.errors import InputError

CELL = {"dataset": "d", "encoder": "mlp", "attention": "additive", "normaliser": "softmax"}
JAIN_WALLACE = Path(__file__).parents[1] / "studies/jain_wallace.csv"


def runs_of(values: list[float], variant: str = "trained") -> pd.DataFrame:
    return pd.DataFrame([CELL | {"variant": variant, "tau_gradient": v} for v in values])


def published_of(*values: float) -> pd.DataFrame:
    rows = [
        CELL | {"statistic": "tau_gradient", "published": v, "source": "made up"} for v in values
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def test_one_more_run_is_in_its_range_as_often_as_said() -> None:
    rng = np.random.default_rng(0)
    inside = []
    for _ in range(1000):
        *values, more = norm.rvs(0.3, 0.05, size=4, random_state=rng)
        inside.append(beside(published_of(more), runs_of(values), 0.9)["within"][0])
    assert np.mean(inside) == pytest.approx(0.9, abs=0.03)


def test_only_trained_runs_of_the_cell_count_and_other_cells_are_left_out() -> None:
    runs = pd.concat([runs_of([0.1, 0.3]), runs_of([9.0], "permuted")])
    runs = pd.concat([runs, runs_of([5.0]).assign(encoder="cnn")])
    other = published_of(0.5).assign(encoder="gru")
    (row,) = beside(pd.concat([published_of(0.5), other]), runs, 0.95).to_dict("records")
    assert (row["ours"], row["seeds"]) == (pytest.approx(0.2), 2)
    assert row["run_low"] < row["ci_low"] < 0.2 < row["ci_high"] < row["run_high"]


@pytest.mark.parametrize("values", [[], [np.nan, np.nan], [0.4], [0.4, np.nan]])
def test_of_fewer_than_two_runs_nothing_is_said(values: list[float]) -> None:
    table = beside(published_of(0.4), runs_of([*values]) if values else runs_of([1])[:0], 0.95)
    assert len(table) == bool(values) and table["within"].isna().all()


def test_a_number_that_they_have_not_is_compared_with_nothing() -> None:
    assert beside(published_of(np.nan), runs_of([0.1, 0.2]), 0.95)["within"].isna().all()


def test_the_table_of_jain_and_wallace_is_read() -> None:
    table = read_published(JAIN_WALLACE)
    assert len(table) == 36 and table["published"].isna().sum() == 2


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("dataset,encoder\n1,2\n", "column 'attention': found none, expected"),
        ("", "no table with columns"),
        (",".join(COLUMNS) + "\nd,mlp,additive,softmax,tau_gradien,0.1,x\n", "'tau_gradien'"),
        (",".join(COLUMNS) + "\nd,mlp,additive,softmax,tau_gradient,much,x\n", "'much'"),
    ],
)
def test_a_table_that_cannot_be_read_ends_in_one_line(tmp_path: Path, text: str, line: str) -> None:
    (tmp_path / "table.csv").write_text(text, "utf-8")
    with pytest.raises(InputError, match=line) as caught:
        read_published(tmp_path / "table.csv")
    assert "table.csv" in str(caught.value) and "\n" not in str(caught.value)
