"""Agreement of attention with information: by cell, by data set, by text."""

from textwrap import shorten
from typing import Any

import numpy as np
import pandas as pd

from attinfo.agreement.kendall import null_variance
from attinfo.figures.captions import (
    cell_of,
    estimate,
    first,
    joined,
    means_of,
    plain,
    replicates,
    shared,
    sizes,
)
from attinfo.figures.drawing import Drawing, Missing
from attinfo.figures.marks import dots, downwards, note, places, seeds_of, zero
from attinfo.figures.style import INK, below, heading, in_order, ink_of, legend, within, wrapped
from attinfo.figures.tables import Tables, trained
from attinfo.keys import CELL
from attinfo.labels import counted, label_of

TAU = "τ-b of attention and gain"
NO_ORDER = (
    "No trained cell has weights with an order, so there is no agreement to draw: a grid with the "
    "variant trained would add one."
)


def _statistic(tables: Tables, statistic: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The trained cells in which a statistic is defined, and the trained runs, as `value`."""
    cells = trained(tables.cells)
    cells = cells[(cells["statistic"] == statistic) & cells["estimate"].notna()]
    if cells.empty:
        raise Missing(NO_ORDER)
    return cells, seeds_of(trained(tables.runs), statistic)


def agreement(tables: Tables) -> Drawing:
    """Draw τ-b of attention and gain by encoder, a panel for each normaliser."""
    cells, seeds = _statistic(tables, "tau_gain")
    cells, left = first(cells, "normaliser", 6, "normaliser")
    cells, more = first(cells, "encoder", 8, "encoder")
    normalisers, encoders = in_order(cells["normaliser"]), in_order(cells["encoder"])
    scorers = tables.looks(in_order(cells["attention"]))
    height = 0.5 + len(encoders) * (0.2 + 0.14 * len(scorers))
    figure, axes = wrapped(len(normalisers), 3, height, extra=0.5)
    for axis, normaliser in zip(axes, normalisers, strict=True):
        own = cells[cells["normaliser"] == normaliser]
        runs = seeds[(seeds["normaliser"] == normaliser) & seeds["encoder"].isin(encoders)]
        at = (places(t["encoder"], encoders) for t in (own, runs))
        dots(axis, own, scorers, next(at), runs, next(at))
        downwards(axis, encoders)
        zero(axis)
        axis.set_title(heading(normaliser, 3))
    within(axes[0], -1, 1)
    below(axes, TAU)
    legend(figure, scorers)
    most, least = cells.loc[cells["estimate"].idxmax()], cells.loc[cells["estimate"].idxmin()]
    caption = joined(
        f"Largest: {cell_of(most)}, {estimate(most)}; smallest: {cell_of(least)}, "
        f"{estimate(least)}.",
        "Kendall's τ-b within texts between attention and the information of each state about the "
        "predicted class (gain), mean over test texts; permuted weights give 0.",
        means_of(cells, tables.interval, ticks=len(seeds) > 0),
        f"{sizes(cells)}.",
        left,
        more,
    )
    return Drawing(figure, _with_seeds(cells, seeds), caption)


def _with_seeds(cells: pd.DataFrame, seeds: pd.DataFrame) -> pd.DataFrame:
    """The numbers drawn: one row per dot, and one per tick, with a seed and without interval."""
    ticks = seeds.merge(cells[CELL].drop_duplicates(), on=CELL)
    ticks = ticks[[*CELL, "seed", "value"]].rename(columns={"value": "estimate"})
    dots_ = cells[[*CELL, "statistic", "seeds", "estimate", "ci_low", "ci_high"]]
    return pd.concat([dots_, ticks], ignore_index=True)


def agreement_by_data_set(tables: Tables) -> Drawing:
    """Draw τ-b of attention and gain by data set, a panel for each encoder."""
    cells, seeds = _statistic(tables, "tau_gain")
    datasets = in_order(cells["dataset"])
    if len(datasets) < 2:
        raise Missing(
            "This study has one data set, so there is none to compare it with: a second name in "
            "the key dataset of a grid would add one."
        )
    normaliser = cells["normaliser"].iloc[0]
    cells = cells[cells["normaliser"] == normaliser]
    cells, left = first(cells, "encoder", 6, "encoder")
    cells, more = first(cells, "dataset", 12, "data set")
    datasets, encoders = in_order(cells["dataset"]), in_order(cells["encoder"])
    scorers = tables.looks(in_order(cells["attention"]))
    seeds = seeds[(seeds["normaliser"] == normaliser) & seeds["dataset"].isin(datasets)]
    height = 0.5 + len(datasets) * (0.2 + 0.14 * len(scorers))
    figure, axes = wrapped(len(encoders), 3, height, extra=0.5)
    for axis, encoder in zip(axes, encoders, strict=True):
        own, runs = cells[cells["encoder"] == encoder], seeds[seeds["encoder"] == encoder]
        at = (places(t["dataset"], datasets) for t in (own, runs))
        dots(axis, own, scorers, next(at), runs, next(at))
        downwards(axis, datasets)
        zero(axis)
        axis.set_title(heading(encoder, 3))
    within(axes[0], -1, 1)
    below(axes, TAU)
    legend(figure, scorers)
    means = shared(cells, "dataset").groupby("dataset", sort=False)["estimate"].mean()
    caption = joined(
        f"Mean over the cells that all data sets have: from {means.min():+.2f} on "
        f"{plain(means.idxmin())} to {means.max():+.2f} on {plain(means.idxmax())}."
        if len(means)
        else "The data sets have no cell in common.",
        f"Kendall's τ-b within texts between attention and gain, {plain(normaliser)}.",
        means_of(cells, tables.interval, ticks=len(seeds) > 0),
        f"{counted(len(datasets), 'data set')}, {sizes(cells)}.",
        left,
        more,
    )
    return Drawing(figure, _with_seeds(cells, seeds), caption)


def agreement_by_text(tables: Tables) -> Drawing:
    """Draw histograms of τ-b in single texts, a panel for each encoder and scorer."""
    data = trained(tables.distributions)
    data = data[data["quantity"] == "tau_gain"]
    if data["texts"].sum() == 0:
        raise Missing(NO_ORDER)
    data = data[data["normaliser"] == data["normaliser"].iloc[0]]
    data, left = first(data, "encoder", 4, "encoder")
    data, more = first(data, "attention", 5, "scorer")
    data, less = first(data, "group", 6, "class")
    counts = (
        data.groupby(["encoder", "attention", "normaliser", "group", "low", "high"], sort=False)
        .agg(texts=("texts", "sum"))
        .reset_index()
    )
    of_class = counts.groupby(["encoder", "attention", "group"], sort=False)["texts"]
    counts["share"] = counts["texts"] / of_class.transform("sum").clip(lower=1)
    encoders, attentions = in_order(counts["encoder"]), in_order(counts["attention"])
    scorers = tables.looks(attentions)
    figure, axes = wrapped(len(encoders) * len(attentions), len(attentions), 1.15, extra=0.75)
    styles = _class_styles(in_order(counts["group"]))
    for place, axis in enumerate(axes):
        encoder, attention = encoders[place // len(attentions)], attentions[place % len(attentions)]
        own = counts[(counts["encoder"] == encoder) & (counts["attention"] == attention)]
        if own["texts"].sum() == 0:
            note(axis, "no such cell" if own.empty else "undefined")
        for group, part in own.groupby("group", sort=False):
            edges = np.append(part["low"], part["high"].iloc[-1])
            axis.stairs(part["share"], edges, color=scorers[attention].colour, **styles[group])
        zero(axis)
        axis.grid(visible=False)
        axis.set_xlim(-1, 1)
        if place < len(attentions):
            axis.set_title(
                heading(attention, len(attentions)), color=ink_of(scorers[attention].colour)
            )
        if place % len(attentions) == 0:
            axis.set_ylabel(f"{label_of(encoder)}\nshare of texts", fontsize=8)
    below(axes, "τ-b within a text")
    extra = {
        f"predicted: {shorten(str(group), 40)}": {"color": INK, **style}
        for group, style in styles.items()
    }
    legend(figure, {}, extra)
    positive = counts.loc[counts["low"] >= 0, "texts"].sum() / max(counts["texts"].sum(), 1)
    middle = (counts["low"] + counts["high"]) / 2
    mean = (middle * counts["texts"]).sum() / max(counts["texts"].sum(), 1)
    spread = np.sqrt(((middle - mean) ** 2 * counts["texts"]).sum() / max(counts["texts"].sum(), 1))
    noise = np.sqrt(null_variance(np.array([5, 20])))
    caption = joined(
        f"τ-b is 0 or more in {positive:.0%} of the texts; its mean over texts is {mean:+.2f}, its "
        f"standard deviation {spread:.2f}.",
        f"Histograms of Kendall's τ-b of attention and gain, "
        f"{plain(counts['normaliser'].iloc[0])}, all seeds together, one line per predicted class; "
        f"{counted(int(counts['texts'].sum()), 'text')} of {replicates(data)}.",
        f"Short texts are noisy: τ-b of unrelated orders has a standard deviation of "
        f"{noise[0]:.2f} over 5 tokens and {noise[1]:.2f} over 20.",
        left,
        more,
        less,
    )
    return Drawing(figure, counts, caption)


def _class_styles(groups: list[str]) -> dict[str, dict[str, Any]]:
    lines: list[Any] = ["-", (0, (3, 1.5)), ":", "-.", (0, (1, 3)), (0, (6, 2, 1, 2, 1, 2))]
    return {group: {"linestyle": lines[i % 6], "linewidth": 1.3} for i, group in enumerate(groups)}
