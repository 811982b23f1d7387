"""Differences of attention weights between models, with the differences of their outputs."""

from matplotlib.figure import Figure
import numpy as np
import pandas as pd

from attinfo.figures.captions import cell_of, first, joined, over_cells, plain, replicates, shared
from attinfo.figures.drawing import Drawing, Missing
from attinfo.figures.marks import few, note
from attinfo.figures.style import (
    SHAPES,
    UNLINED,
    below,
    heading,
    in_order,
    legend,
    panels,
    wrapped,
)
from attinfo.figures.tables import Tables
from attinfo.keys import CELL
from attinfo.labels import counted, label_of, listed

LEAST_TEXTS = 20  # of a run in a bin: the mean of fewer is noise
BIN = [*CELL, "low", "high"]


def divergence(tables: Tables) -> Drawing:
    """Draw the divergence of the weights of two seeds, by the largest weight of a text."""
    rows = tables.distributions.dropna(subset=["value"])
    rows = rows[(rows["quantity"] == "seed_divergence") & (rows["texts"] >= LEAST_TEXTS)]
    if rows.empty:
        raise Missing(
            "No cell has two trained models, whose weights could differ: a second number in seeds "
            "would add one."
        )
    data, left = _one_normaliser(rows)
    label = "JSD of two seeds' weights, nats"
    figure, bins = _by_bin(tables, data, label)
    high = data[data["low"] == data["low"].max()]
    alike = data.merge(high[[*CELL, "seed"]].drop_duplicates())
    widest = bins.loc[bins["value"].idxmax()]
    caption = joined(
        f"Largest divergence: {cell_of(widest, but=['normaliser'])}, texts whose largest weight is "
        f"{widest['low']:g} to {widest['high']:g}, {widest['value']:.3f} nats "
        f"(0: the same weights; {np.log(2):.3f}: no token in common).",
        f"The runs that have texts whose largest weight is {high['low'].iloc[0]:g} to "
        f"{high['high'].iloc[0]:g} differ by {_mean(high):.3f} nats on these, and by "
        f"{_mean(alike):.3f} on all their texts.",
        "Jensen-Shannon divergence (JSD) between the weights that models of two seeds give the "
        "same text, mean over the texts in a bin and the other seeds. Line: mean over seeds; "
        "ticks: the seeds, where they are few. After Wiegreffe & Pinter 2019, figure 3.",
        f"{plain(data['normaliser'].iloc[0])}; {replicates(data)}; bins with fewer than "
        f"{LEAST_TEXTS} texts of a run are left out.",
        left,
    )
    return Drawing(figure, _numbers(data), caption)


def output_change(tables: Tables) -> Drawing:
    """Draw the change of the output under permuted weights, by the largest weight of a text."""
    rows = tables.distributions.dropna(subset=["value"])
    rows = rows[(rows["quantity"] == "output_change") & (rows["texts"] >= LEAST_TEXTS)]
    if rows.empty:
        raise Missing(
            "No weights were permuted, so no change of the output was measured: the name permuted "
            "in the key variant of a grid would add it."
        )
    data, left = _one_normaliser(rows)
    figure, bins = _by_bin(tables, data, "change of the output (TVD)")
    least, most = bins.loc[bins["value"].idxmin()], bins.loc[bins["value"].idxmax()]
    caption = joined(
        f"Largest: {cell_of(most, but=['normaliser'])}, texts whose largest weight is "
        f"{most['low']:g} to {most['high']:g}, {most['value']:.3f}; smallest: "
        f"{cell_of(least, but=['normaliser'])}, {least['low']:g} to {least['high']:g}, "
        f"{least['value']:.3f}.",
        "Total variation distance (TVD) between the class probabilities with the model's weights "
        "and with the weights of a text permuted among its tokens: median over permutations, mean "
        "over the texts in a bin. It is 0 where the output does not depend on which token has the "
        "weight. Line: mean over seeds; ticks: the seeds, where they are few. After Jain & Wallace "
        "2019, section 4.2.1.",
        f"{plain(data['normaliser'].iloc[0])}; {replicates(data)}; bins with fewer than "
        f"{LEAST_TEXTS} texts of a run are left out.",
        left,
    )
    return Drawing(figure, _numbers(data), caption)


def _mean(rows: pd.DataFrame) -> float:
    """Mean over texts."""
    return (rows["value"] * rows["texts"]).sum() / rows["texts"].sum()


def _numbers(data: pd.DataFrame) -> pd.DataFrame:
    return data[[*CELL, "variant", "seed", "low", "high", "texts", "value"]].reset_index(drop=True)


def _one_normaliser(rows: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    return first(rows[rows["normaliser"] == rows["normaliser"].iloc[0]], "encoder", 6, "encoder")


def _by_bin(tables: Tables, data: pd.DataFrame, label: str) -> tuple[Figure, pd.DataFrame]:
    """Draw a panel for each encoder with a line for each scorer; returns the means drawn too."""
    bins = data.groupby(BIN, sort=False)["value"].mean().reset_index()
    encoders, scorers = in_order(data["encoder"]), tables.looks(in_order(data["attention"]))
    figure, axes = wrapped(len(encoders), 3, 2.2, extra=0.6)
    seeds = few(data)
    for axis, encoder in zip(axes, encoders, strict=True):
        for i, (attention, look) in enumerate(scorers.items()):
            own = bins[(bins["encoder"] == encoder) & (bins["attention"] == attention)]
            own = own.sort_values("low")
            shift = 0.02 * (i - (len(scorers) - 1) / 2)
            middle = (own["low"] + own["high"]) / 2 + shift
            axis.plot(middle, own["value"], f"{look.shape}-", color=look.colour, markersize=5)
            runs = seeds[(seeds["encoder"] == encoder) & (seeds["attention"] == attention)]
            at = (runs["low"] + runs["high"]) / 2 + shift
            axis.plot(at, runs["value"], "_", color=look.colour, markersize=5, alpha=0.8)
        axis.set_xlim(0, 1)
        axis.set_title(heading(encoder, 3))
        axis.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", ".25", ".5", ".75", "1"])
    axes[0].set_ylim(bottom=0)
    below(axes, "largest weight of the text")
    axes[0].set_ylabel(label)
    legend(figure, scorers)
    return figure, bins


def distances(tables: Tables) -> Drawing:
    """Draw how far weights and outputs are apart, a mark for each ablation and cell."""
    rows = tables.distributions
    rows = rows[rows["quantity"].isin(["jsd", "tvd"])]
    wide = rows.pivot_table(
        index=[*CELL, "variant", "seed", "group"], columns="quantity", values="value", sort=False
    )
    if wide.empty or not {"jsd", "tvd"} <= set(wide.columns):
        raise Missing(
            "No two models of a cell to compare: a second number in seeds, or ablations such as "
            "adversarial in the key variant of a grid, would add some."
        )
    data = wide.dropna().reset_index()
    data["variant"] = data["variant"].where(data["group"] == "trained", "other seeds")
    data = data[data["normaliser"] == data["normaliser"].iloc[0]]
    data, left = first(data, "encoder", 4, "encoder")
    data, more = first(data, "variant", 8, "variant")
    encoders, variants = in_order(data["encoder"]), in_order(data["variant"])
    scorers = tables.looks(in_order(data["attention"]))
    means = data.groupby([*CELL, "variant"], sort=False)[["jsd", "tvd"]].mean().reset_index()
    figure, axes = panels(1, len(encoders), 3.4)
    for axis, encoder in zip(axes[0], encoders, strict=True):
        for row in means[means["encoder"] == encoder].itertuples():
            axis.plot(
                row.tvd,
                row.jsd,
                SHAPES[variants.index(row.variant)],
                color=scorers[row.attention].colour,
                markersize=6,
                alpha=0.85,
            )
        axis.margins(0.12)
        axis.set_title(heading(encoder, len(encoders)))
        axis.set_xlabel("outputs apart (TVD)")
        if not (means["encoder"] == encoder).any():
            note(axis, "no such cell")
    axes[0, 0].set_ylabel("weights apart (JSD, nats)")
    shapes = dict(zip(map(label_of, variants), SHAPES, strict=False))
    key = {name: {"marker": shape, **UNLINED} for name, shape in shapes.items()}
    legend(figure, scorers, key, marked=False)
    return Drawing(figure, means, _distances_caption(data, means, left, more))


def _distances_caption(data: pd.DataFrame, means: pd.DataFrame, left: str, more: str) -> str:
    alike = shared(means, "variant", [*CELL, "variant"])
    parts = [
        f"{plain(str(variant))} {own['jsd'].mean():.3f} and {own['tvd'].mean():.3f}"
        for variant, own in alike.groupby("variant", sort=False)
    ]
    adversarial = means[means["variant"].str.contains("adversarial")]
    claim = (
        f"Adversarial models move weights by {adversarial['jsd'].mean():.3f} nats and outputs by "
        f"{adversarial['tvd'].mean():.3f}."
        if len(adversarial)
        else "Marks at the upper left have other weights and nearly the same output."
    )
    return joined(
        claim,
        f"Jensen-Shannon divergence (JSD) of weights in nats and total variation distance (TVD) of "
        f"outputs, {over_cells(alike, CELL, 'with all of these')}: {listed(parts)}."
        if parts
        else "No cell has all of these, so means over cells do not compare.",
        "Each ablation against the trained model of its cell and seed, and models of other seeds "
        "against each other; a mark is the mean over texts and seeds. After Wiegreffe & Pinter "
        "2019, figure 5.",
        f"{plain(data['normaliser'].iloc[0])}; {replicates(data)}; {counted(len(means), 'mark')}.",
        left,
        more,
    )
