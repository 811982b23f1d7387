"""Which block matters, and which cell is best."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
import pandas as pd

from attinfo.claims.run_statistics import STATISTICS
from attinfo.figures.captions import cell_of, counted, first, joined, replicates
from attinfo.figures.drawing import Drawing, Missing
from attinfo.figures.marks import bars
from attinfo.figures.style import (
    GREY,
    HUES,
    PALE,
    SHAPES,
    UNLINED,
    below,
    heading,
    in_order,
    legend,
    name_of,
    panels,
    shape_of,
    wrapped,
)
from attinfo.figures.tables import CELL, Tables, trained

COMPONENTS = {
    "dataset": "data set",
    "attention": "attention scorer",
    "combination": "combination of blocks",
    "residual": "seeds within a cell",
    "seed": "seed, all cells alike",
}
MOST = 30  # cells that are ranked in a figure


def accuracy(tables: Tables) -> Drawing:
    """Accuracy and agreement: is there a price?"""
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
    figure, axes = wrapped(len(normalisers), 3, 2.6, extra=0.6)
    for axis, normaliser in zip(axes, normalisers, strict=True):
        own = cells[cells["normaliser"] == normaliser]
        front = own[own["on_front"]].sort_values("accuracy")
        line = {"color": PALE, "linewidth": 2.5, "zorder": 1}
        axis.step(front["accuracy"], front["tau_gain"], where="pre", **line)
        _marks(axis, own, shapes)
        axis.margins(0.12)
        axis.xaxis.set_major_locator(MaxNLocator(4))
        axis.set_title(heading(normaliser, 3))
    below(axes, "test accuracy")
    axes[0].set_ylabel("agreement, τ-b with gain")
    extra = {name_of(encoder): {"marker": s, **UNLINED} for encoder, s in shapes.items()}
    extra |= {"no cell is better in both": {"color": PALE, "linewidth": 2.5}}
    legend(figure, in_order(cells["attention"]), extra, marked=False)
    best = cells.loc[[cells["accuracy"].idxmax(), cells["tau_gain"].idxmax()]].to_dict("records")
    correlation = cells["accuracy"].corr(cells["tau_gain"]) if len(cells) > 2 else float("nan")
    caption = joined(
        f"Most accurate: {cell_of(best[0])}, {best[0]['accuracy']:.3f}, τ-b "
        f"{best[0]['tau_gain']:+.2f}; largest agreement: {cell_of(best[1])}, τ-b "
        f"{best[1]['tau_gain']:+.2f}, {best[1]['accuracy']:.3f}.",
        f"Correlation over cells: {correlation:+.2f}." if pd.notna(correlation) else "",
        "Mark: mean over seeds; bars: one standard deviation over seeds either way. The line joins "
        "cells that no other of the same normaliser beats in both.",
        f"{counted(len(cells), 'cell')}, {replicates(runs)}.",
        left,
        more,
    )
    return Drawing(figure, cells, caption)


def _unbeaten(cell: Any, cells: pd.DataFrame) -> bool:
    """Whether no other cell of the same normaliser is better in both."""
    own = cells[cells["normaliser"] == cell.normaliser]
    return not ((own["accuracy"] > cell.accuracy) & (own["tau_gain"] > cell.tau_gain)).any()


def _marks(axis: Axes, cells: pd.DataFrame, shapes: dict[str, str]) -> None:
    """A mark a cell, and a cross of the standard deviations over seeds."""
    for attention, own in cells.groupby("attention", sort=False):
        hue, x, y = HUES[attention], own["accuracy"], own["tau_gain"]
        dx, dy = own["accuracy_sd"], own["tau_gain_sd"]
        bars(axis, y, x - dx, x + dx, hue, across=True, width=0.9)
        bars(axis, x, y - dy, y + dy, hue, width=0.9)
        for encoder, part in own.groupby("encoder", sort=False):
            mark = shapes[encoder]
            axis.plot(part["accuracy"], part["tau_gain"], mark, color=hue, markersize=6)


def variance(tables: Tables) -> Drawing:
    """Which block the differences between models come from."""
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
        axis.set_yticks(range(len(components)), [COMPONENTS.get(c, c) for c in components])
        axis.set_ylim(len(components) - 0.5, -0.5)
        axis.margins(x=0.18)
        axis.set_xlim(left=0)
        axis.grid(axis="y", visible=False)
        axis.set_title(STATISTICS[statistic].label, fontsize=8.5)
        axis.set_xlabel("standard deviation (%: of variance)")
    told = []
    for statistic in statistics:
        own = data[(data["statistic"] == statistic) & data["share"].notna()]
        if len(own):
            top = own.loc[own["share"].idxmax()]
            source = COMPONENTS.get(top["component"], top["component"])
            told.append(
                f"{STATISTICS[statistic].label}: most from {source} ({top['share']:.0%}, standard "
                f"deviation {top['sd']:.3f})."
            )
    rough = sorted({n for n in data["note"].fillna("") if n})
    return Drawing(
        figure,
        data.reset_index(drop=True),
        joined(
            *told,
            "Variance over trained runs, split by crossed random effects (restricted maximum "
            "likelihood); what the study has one level of cannot be told.",
            f"Rough where levels are few ({', '.join(rough)})." if rough else "",
            f"{counted(int(data['runs'].max()), 'run')}.",
        ),
    )


def ranks(tables: Tables) -> Drawing:
    """The rank of each cell by agreement, with an interval."""
    data = tables.ranks[tables.ranks["statistic"] == "tau_gain"].dropna(subset=["estimate"])
    data = data.sort_values("rank")
    if len(data) < 2:
        raise Missing(
            "There are fewer than two trained cells to rank: a second name in a block of a grid "
            "would add one."
        )
    shown = data.head(MOST).reset_index(drop=True)
    left = (
        f"Not drawn, for want of room: {counted(len(data) - len(shown), 'cell')} of lower rank."
        if len(data) > len(shown)
        else ""
    )
    figure, axes = panels(1, 1, 0.8 + 0.19 * len(shown))
    axis = axes[0, 0]
    for place, row in shown.iterrows():
        hue = HUES[row["attention"]]
        axis.hlines(place, row["rank_low"], row["rank_high"], color=hue, linewidth=3, alpha=0.5)
        axis.plot(row["rank"], place, shape_of(row["attention"]), color=hue, markersize=5)
    axis.set_yticks(
        range(len(shown)), [cell_of(row) for row in shown.to_dict("records")], fontsize=8
    )
    axis.set_ylim(len(shown) - 0.5, -0.5)
    axis.set_xlim(0.5, shown["rank_high"].max() + 0.5)
    axis.set_xlabel("rank by τ-b of attention and gain (1: the largest)", loc="right")
    axis.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axis.grid(axis="y", visible=False)
    legend(figure, [a for a in HUES if a in set(shown["attention"])])
    top, open_ = data.iloc[0], int((data["rank_low"] == 1).sum())
    caption = joined(
        f"First: {cell_of(top)}, τ-b {top['estimate']:+.2f}; {counted(open_, 'cell')} of "
        f"{len(data)} may be the first.",
        "Bar: the ranks that a cell may have, by intervals that hold for all cells at once "
        f"({tables.level:.0%}, Tukey-Kramer over seeds and texts).",
        "; ".join(sorted({note for note in data["note"].fillna("") if note})),
        f"{counted(int(data['seeds'].max()), 'seed')} a cell at most.",
        left,
    )
    return Drawing(figure, shown, caption)
