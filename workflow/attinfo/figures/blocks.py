"""Which block matters, and which cell is best."""

import pandas as pd

from attinfo.figures.captions import cell_of, counted, first, joined, replicates
from attinfo.figures.drawing import Drawing, Missing
from attinfo.figures.tables import Tables, trained
from attinfo.quantities import STATISTICS
from attinfo.style import (
    GREY,
    HUES,
    PALE,
    in_order,
    ink_of,
    legend,
    name_of,
    panels,
    shape_of,
    wrapped,
)

KEY = ["dataset", "encoder", "attention", "normaliser"]
LABELS = 24  # cells that are told apart by words


def accuracy(tables: Tables) -> Drawing:
    """Accuracy and agreement: is there a price?"""
    runs = trained(tables.runs).dropna(subset=["accuracy", "tau_gain"])
    if runs.empty:
        raise Missing(
            "No trained cell has both an accuracy and weights with an order: a grid with the "
            "variant trained would add one."
        )
    runs, left = first(runs, "normaliser", 3, "normaliser")
    groups = runs.groupby(KEY, sort=False)[["accuracy", "tau_gain"]]
    cells = groups.mean().join(groups.std().add_suffix("_sd")).join(groups.size().rename("seeds"))
    cells = cells.reset_index()
    cells["on_front"] = [
        not ((cells["accuracy"] > row.accuracy) & (cells["tau_gain"] > row.tau_gain)).any()
        for row in cells.itertuples()
    ]
    normalisers = in_order(cells["normaliser"])
    figure, axes = wrapped(len(normalisers), 3, 3.0, extra=0.5)
    front = cells[cells["on_front"]].sort_values("accuracy")
    for axis, normaliser in zip(axes, normalisers, strict=True):
        axis.step(
            front["accuracy"], front["tau_gain"], where="pre", color=PALE, linewidth=2, zorder=1
        )
        for row in cells[cells["normaliser"] == normaliser].itertuples():
            _mark(axis, row, words=len(cells) <= LABELS)
        axis.margins(0.15)
        axis.set_title(name_of(normaliser))
        axis.set_xlabel("test accuracy")
    axes[0].set_ylabel("agreement, τ-b with gain")
    extra = {"no cell is better in both": {"color": PALE, "linewidth": 2}}
    legend(figure, in_order(cells["attention"]), extra)
    correlation = cells["accuracy"].corr(cells["tau_gain"]) if len(cells) > 2 else float("nan")
    best = [cell_of(row) for row in front.to_dict("records")]
    told = "; ".join(best[:3]) + ("; …" if len(best) > 3 else "")
    caption = joined(
        f"{counted(len(front), 'cell')} of {len(cells)} no other beats in both: {told}.",
        f"Correlation over cells: {correlation:+.2f}." if pd.notna(correlation) else "",
        "Mark: mean over seeds; bars: one standard deviation over seeds either way."
        if cells["seeds"].max() > 1
        else "Mark: the one seed.",
        f"{replicates(runs)}.",
        left,
    )
    return Drawing(figure, cells, caption)


def _mark(axis, row, words: bool) -> None:
    hue = HUES[row.attention]
    axis.errorbar(
        row.accuracy,
        row.tau_gain,
        xerr=None if pd.isna(row.accuracy_sd) else row.accuracy_sd,
        yerr=None if pd.isna(row.tau_gain_sd) else row.tau_gain_sd,
        fmt=shape_of(row.attention),
        color=hue,
        markersize=5,
        linewidth=1,
        alpha=0.9,
    )
    if words:
        short = name_of(row.encoder).split(" (")[0]
        axis.annotate(
            short,
            (row.accuracy, row.tau_gain),
            (4, 4),
            textcoords="offset points",
            fontsize=7,
            color=ink_of(hue),
        )


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
        axis.set_xlabel("standard deviation; in words: share of the variance")
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


COMPONENTS = {
    "dataset": "data set",
    "attention": "attention scorer",
    "combination": "combination of blocks",
    "residual": "seeds within a cell",
    "seed": "seed, all cells alike",
}


def ranks(tables: Tables) -> Drawing:
    """The rank of each cell by agreement, with an interval."""
    data = tables.ranks[tables.ranks["statistic"] == "tau_gain"].sort_values("rank")
    if len(data) < 2:
        raise Missing(
            "There are fewer than two trained cells to rank: a second name in a block of a grid "
            "would add one."
        )
    shown = data.head(30).reset_index(drop=True)
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
    axis.set_xlim(0.5, data["cells"].max() + 0.5)
    axis.set_xlabel("rank by τ-b of attention and gain (1: the largest)")
    axis.grid(axis="y", visible=False)
    legend(figure, in_order(shown["attention"]))
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
