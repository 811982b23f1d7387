"""Which building block matters, and which cell is best."""

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
import pandas as pd

from attinfo.claims.run_statistics import STATISTICS
from attinfo.figures.captions import cell_of, first, joined, replicates
from attinfo.figures.drawing import Drawing, Missing
from attinfo.figures.marks import bars
from attinfo.figures.style import (
    GREY,
    PALE,
    SHAPES,
    UNLINED,
    Look,
    below,
    heading,
    in_order,
    legend,
    panels,
    wrapped,
)
from attinfo.figures.tables import Tables, trained
from attinfo.keys import CELL
from attinfo.labels import counted, label_of
from attinfo.statistics.variance import LABELS

MOST = 30  # cells that are ranked in a figure


def accuracy(tables: Tables) -> Drawing:
    """Draw agreement against accuracy, a mark for each cell and a panel for each normaliser."""
    runs = trained(tables.runs).dropna(subset=["accuracy", "tau_gain"])
    if runs.empty:
        raise Missing(
            "No trained cell has both an accuracy and weights with an order: a grid with the "
            "variant trained would add one."
        )
    runs, left = first(runs, "normaliser", 6, "normaliser")
    runs, more = first(runs, "encoder", len(SHAPES), "encoder")
    groups = runs.groupby(CELL, sort=False)[["accuracy", "tau_gain"]]
    cells = groups.mean().join(groups.std().add_suffix("_sd")).join(groups.size().rename("seeds"))
    cells = cells.reset_index()
    cells["on_front"] = [_unbeaten(row, cells) for row in cells.itertuples()]
    normalisers, encoders = in_order(cells["normaliser"]), in_order(cells["encoder"])
    shapes = dict(zip(encoders, SHAPES, strict=False))
    scorers = tables.looks(in_order(cells["attention"]))
    figure, axes = wrapped(len(normalisers), 3, 2.6, extra=0.6)
    for axis, normaliser in zip(axes, normalisers, strict=True):
        own = cells[cells["normaliser"] == normaliser]
        front = own[own["on_front"]].sort_values("accuracy")
        line: dict[str, Any] = {"color": PALE, "linewidth": 2.5, "zorder": 1}
        axis.step(front["accuracy"], front["tau_gain"], where="pre", **line)
        _marks(axis, own, scorers, shapes)
        axis.margins(0.12)
        axis.xaxis.set_major_locator(MaxNLocator(4))
        axis.set_title(heading(normaliser, 3))
    below(axes, "test accuracy")
    axes[0].set_ylabel("agreement, τ-b with gain")
    extra = {label_of(encoder): {"marker": s, **UNLINED} for encoder, s in shapes.items()}
    extra |= {"no cell is better in both": {"color": PALE, "linewidth": 2.5}}
    legend(figure, scorers, extra, marked=False)
    best = cells.loc[[cells["accuracy"].idxmax(), cells["tau_gain"].idxmax()]].to_dict("records")
    correlation = cells["accuracy"].corr(cells["tau_gain"]) if len(cells) > 2 else float("nan")
    caption = joined(
        f"Most accurate: {cell_of(best[0])}, {best[0]['accuracy']:.3f}, τ-b "
        f"{best[0]['tau_gain']:+.2f}; largest agreement: {cell_of(best[1])}, τ-b "
        f"{best[1]['tau_gain']:+.2f}, {best[1]['accuracy']:.3f}.",
        f"Correlation over cells: {correlation:+.2f}." if pd.notna(correlation) else "",
        "Mark: mean over seeds; bars: one standard deviation over seeds to either side. The line "
        "joins the cells that no other cell of the same normaliser beats in both.",
        f"{counted(len(cells), 'cell')}, {replicates(runs)}.",
        left,
        more,
    )
    return Drawing(figure, cells, caption)


def _unbeaten(cell: Any, cells: pd.DataFrame) -> bool:
    """Whether no other cell of the same normaliser is better in both."""
    own = cells[cells["normaliser"] == cell.normaliser]
    return not ((own["accuracy"] > cell.accuracy) & (own["tau_gain"] > cell.tau_gain)).any()


def _marks(
    axis: Axes, cells: pd.DataFrame, scorers: Mapping[str, Look], shapes: Mapping[str, str]
) -> None:
    """Draw a mark for each cell, and a cross of the standard deviations over seeds."""
    for attention, own in cells.groupby("attention", sort=False):
        colour, x, y = scorers[attention].colour, own["accuracy"], own["tau_gain"]
        dx, dy = own["accuracy_sd"], own["tau_gain_sd"]
        bars(axis, y, x - dx, x + dx, colour, across=True, width=0.9)
        bars(axis, x, y - dy, y + dy, colour, width=0.9)
        for encoder, part in own.groupby("encoder", sort=False):
            mark = shapes[encoder]
            axis.plot(part["accuracy"], part["tau_gain"], mark, color=colour, markersize=6)


def variance(tables: Tables) -> Drawing:
    """Draw the standard deviation between the levels of each block, a panel for each statistic."""
    data = tables.variance.dropna(subset=["sd"])
    if data.empty:
        raise Missing(
            "The trained runs are too few, or too alike, to split their variance: more seeds, or a "
            "second name in a block of a grid, would allow it."
        )
    statistics, components = in_order(data["statistic"]), in_order(data["component"])
    figure, axes = panels(1, len(statistics), 0.8 + 0.32 * len(components), sharex=False)
    for axis, statistic in zip(axes[0], statistics, strict=True):
        own = data[data["statistic"] == statistic].set_index("component")
        for place, component in enumerate(components):
            if component not in own.index:
                continue
            row = own.loc[component]
            axis.barh(place, row["sd"], color=PALE, edgecolor=GREY, linewidth=0.6, height=0.6)
            share = f" {row['share']:.0%}" if pd.notna(row["share"]) else ""
            axis.annotate(share, (row["sd"], place), va="center", fontsize=8)
        axis.set_yticks(range(len(components)), [LABELS.get(c, c) for c in components])
        axis.set_ylim(len(components) - 0.5, -0.5)
        axis.margins(x=0.18)
        axis.set_xlim(left=0)
        axis.grid(axis="y", visible=False)
        axis.set_title(STATISTICS[statistic].label, fontsize=8.5)
        axis.set_xlabel("standard deviation (%: of variance)")
    sources = []
    for statistic in statistics:
        own = data[(data["statistic"] == statistic) & data["share"].notna()]
        if len(own):
            top = own.loc[own["share"].idxmax()]
            source = LABELS.get(top["component"], top["component"])
            sources.append(
                f"{STATISTICS[statistic].label}: most variance comes from {source} "
                f"({top['share']:.0%}, standard deviation {top['sd']:.3f})."
            )
    rough = notes_of(data)
    return Drawing(
        figure,
        data.reset_index(drop=True),
        joined(
            *sources,
            "Variance over trained runs, split by crossed random effects (restricted maximum "
            "likelihood). Blocks with a single level are left out.",
            f"Estimates from few levels are rough ({', '.join(rough)})." if rough else "",
            f"{counted(int(data['runs'].max()), 'run')}.",
        ),
    )


def ranks(tables: Tables) -> Drawing:
    """Draw the rank of each cell by agreement, with the interval of the rank."""
    data = tables.ranks[tables.ranks["statistic"] == "tau_gain"].dropna(subset=["estimate"])
    data = data.sort_values("rank")
    if len(data) < 2:
        raise Missing(
            "There are fewer than two trained cells to rank: a second name in a block of a grid "
            "would add one."
        )
    shown = data.head(MOST).reset_index(drop=True)
    left = (
        f"For lack of room, {counted(len(data) - len(shown), 'cell')} of lower rank are in the "
        "tables only."
        if len(data) > len(shown)
        else ""
    )
    figure, axes = panels(1, 1, 0.8 + 0.19 * len(shown))
    axis = axes[0, 0]
    scorers = tables.looks(sorted(set(shown["attention"])))
    for place, row in enumerate(shown.to_dict("records")):
        colour, shape = scorers[row["attention"]]
        axis.hlines(place, row["rank_low"], row["rank_high"], color=colour, linewidth=3, alpha=0.5)
        axis.plot(row["rank"], place, shape, color=colour, markersize=5)
    axis.set_yticks(
        range(len(shown)), [cell_of(row) for row in shown.to_dict("records")], fontsize=8
    )
    axis.set_ylim(len(shown) - 0.5, -0.5)
    axis.set_xlim(0.5, shown["rank_high"].max() + 0.5)
    axis.set_xlabel("rank by τ-b of attention and gain (1: the largest)", loc="right")
    axis.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axis.grid(axis="y", visible=False)
    legend(figure, scorers)
    top, open_ = data.iloc[0], int((data["rank_low"] == 1).sum())
    caption = joined(
        f"First: {cell_of(top)}, τ-b {top['estimate']:+.2f}; {counted(open_, 'cell')} of "
        f"{len(data)} could be first.",
        "Bar: the ranks that a cell could have, by intervals that hold for all cells at once "
        f"({tables.level:.0%}, Tukey-Kramer over seeds and texts).",
        "; ".join(notes_of(data)),
        f"At most {counted(int(data['seeds'].max()), 'seed')} per cell.",
        left,
    )
    return Drawing(figure, shown, caption)


def notes_of(table: pd.DataFrame) -> list[str]:
    """The distinct notes of a table; a column without any is read as numbers."""
    return sorted(set(table["note"].dropna().astype(str)) - {""})
