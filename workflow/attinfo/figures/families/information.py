"""Information in hidden states, by position and by attention rank."""

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
import numpy as np
import pandas as pd

from attinfo.figures.captions import cell_of, first, joined, plain, replicates, shared
from attinfo.figures.drawing import Drawing, Missing
from attinfo.figures.marks import few
from attinfo.figures.style import GREY, INK, Look, heading, in_order, legend, panels
from attinfo.figures.tables import Tables, trained
from attinfo.keys import BLOCKS, CELL
from attinfo.labels import counted, label_of

COLUMNS = [*CELL, "seed", "estimator", "unit", "n"]
SEED_POINTS = 1000  # of the thin lines of single seeds
AXES = {"position": "position in the text", "rank": "attention rank"}


def information_by_position(tables: Tables) -> Drawing:
    """Draw the information of the state at each position."""
    return _by_unit(tables, "position")


def information_by_rank(tables: Tables) -> Drawing:
    """Draw the information of the state of the r-th most attended token."""
    return _by_unit(tables, "rank")


def _by_unit(tables: Tables, index: str) -> Drawing:
    data = trained(tables.information)
    data = data[(data["index"] == index) & ~data["spot_check"] & data["mi_nats"].notna()]
    if data.empty:
        raise Missing(
            f"No {index} has an estimate, as fewer than information.min_texts texts are long "
            f"enough: a smaller information.{index}s, or more texts, would add some."
        )
    data = data[data["normaliser"] == data["normaliser"].iloc[0]]
    data, left = first(data, "encoder", 4, "encoder")
    data, more = first(data, "estimator", 3, "estimator")
    encoders, estimators = in_order(data["encoder"]), in_order(data["estimator"])
    seeds = len(few(data, SEED_POINTS)) > 0
    scorers = tables.looks(in_order(data["attention"]))
    figure, axes = panels(len(estimators), len(encoders), 0.7 + 1.9 * len(estimators))
    for row, estimator in enumerate(estimators):
        for column, encoder in enumerate(encoders):
            own = data[(data["encoder"] == encoder) & (data["estimator"] == estimator)]
            _lines(axes[row, column], own, scorers, seeds)
        axes[row, 0].set_ylabel(f"information, nats\n({label_of(estimator)})")
        axes[row, 0].set_ylim(bottom=min(0, data["mi_nats"].min()))
    for column, encoder in enumerate(encoders):
        axes[0, column].set_title(heading(encoder, len(encoders)))
        axes[-1, column].set_xlabel(AXES[index])
        axes[-1, column].xaxis.set_major_locator(MaxNLocator(6, integer=True))
    ceiling = {"color": INK, "linestyle": "--", "linewidth": 1}
    floor = {"color": GREY, "linewidth": 6, "alpha": 0.3}
    legend(
        figure,
        scorers,
        {"H(Ŷ), the ceiling": ceiling, "permutation null": floor},
    )
    shown = data[[*COLUMNS, "mi_nats", "h_output", "floor_upper"]].reset_index(drop=True)
    return Drawing(figure, shown, _caption(data, index, seeds, left, more))


def _lines(axis: Axes, own: pd.DataFrame, scorers: Mapping[str, Look], seeds: bool) -> None:
    """Draw a line for each scorer, thin lines for seeds, the ceiling and the permutation null."""
    axis.axhline(own["h_output"].mean(), color=INK, linewidth=1, linestyle="--")
    floor = own.groupby("unit")["floor_upper"].mean()
    axis.fill_between(floor.index + 1, 0, floor, color=GREY, alpha=0.3, linewidth=0)
    for attention, part in own.groupby("attention", sort=False):
        look = scorers[attention]
        if seeds:
            for _, run in part.groupby("seed"):
                axis.plot(
                    run["unit"] + 1, run["mi_nats"], color=look.colour, alpha=0.3, linewidth=0.8
                )
        mean = part.groupby("unit")["mi_nats"].mean()
        style: dict[str, Any] = {
            "markersize": 3.5,
            "linewidth": 1.5,
            "markevery": max(1, len(mean) // 5),
        }
        axis.plot(mean.index + 1, mean, f"{look.shape}-", color=look.colour, **style)


def _caption(data: pd.DataFrame, index: str, seeds: bool, left: str, more: str) -> str:
    main = data[data["estimator"] == data["estimator"].iloc[0]]
    means = main.groupby([*BLOCKS, "unit"], sort=False)[["mi_nats", "h_output"]].mean()
    means = means.reset_index()
    last = means["unit"].max()
    both = shared(means[means["unit"].isin([0, last])], "unit", [*BLOCKS, "unit"])
    ends = [both.loc[both["unit"] == unit, "mi_nats"].mean() for unit in (0, last)]
    highest = means.loc[means["mi_nats"].idxmax()]
    share = (means["mi_nats"] / means["h_output"]).mean()
    ceiling = "" if np.isnan(share) else f"; on average {share:.0%} of H(Ŷ)"
    what = "most attended token" if index == "rank" else "first token"
    lead = (
        f"From the {what} to {index} {last + 1} information goes from {ends[0]:.2f} to "
        f"{ends[1]:.2f} nats, mean over cells ({plain(main['estimator'].iloc[0])}); "
        if last and len(both)
        else ""
    )
    falls = (index == "rank") * "If attention ranked tokens as information does, lines would fall."
    return joined(
        f"{lead}highest: {cell_of(highest, but=['normaliser'])}, {index} {highest['unit'] + 1}, "
        f"{highest['mi_nats']:.2f} nats{ceiling}."
        if lead
        else f"Highest: {cell_of(highest, but=['normaliser'])}, {highest['mi_nats']:.2f} nats.",
        falls,
        f"Usable information of a state about the predicted class, over the same "
        f"{_texts(data)} at every {index}, those long enough for the last"
        + ("; rank 1 is the most attended." if index == "rank" else "."),
        f"Thick: mean over seeds{'; thin: the seeds' * seeds}. Dashed: H(Ŷ), the largest value "
        "possible; grey: up to the 95% point of the permutation null.",
        f"{plain(data['normaliser'].iloc[0])}; {replicates(data)}.",
        left,
        more,
    )


def _texts(data: pd.DataFrame) -> str:
    low, high = int(data["n"].min()), int(data["n"].max())
    return counted(high, "text") if low == high else f"{low:,} to {high:,} texts"
