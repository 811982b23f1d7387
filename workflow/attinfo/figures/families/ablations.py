"""What each ablation changes."""

import pandas as pd

from attinfo.claims.run_statistics import STATISTICS, shown_in
from attinfo.claims.statistic import ABLATION_FIGURE
from attinfo.figures.captions import cell_of, estimate, first, joined, plain
from attinfo.figures.drawing import Drawing, Missing
from attinfo.figures.marks import dots, downwards, few, places, zero
from attinfo.figures.style import GREY, in_order, legend, panels
from attinfo.figures.tables import Tables, over_seeds, trained
from attinfo.keys import CELL
from attinfo.labels import counted


def ablations(tables: Tables) -> Drawing:
    """Draw the change of a few statistics from the trained model of the same cell and seed."""
    labels = shown_in(ABLATION_FIGURE)
    labels = dict(sorted(labels.items(), key=lambda own: not STATISTICS[own[0]].ranked))
    names, key = list(labels), [*CELL, "seed"]
    own = trained(tables.runs).set_index(key)[names]
    ablated = tables.runs[tables.runs["variant"] != "trained"].set_index(key)
    ablated = ablated[ablated.index.isin(own.index)]
    if ablated["accuracy"].isna().all():
        raise Missing(
            "This study has no ablations beside a trained model: names such as frozen_scorer, "
            "uniform or permuted in the key variant of a grid would add some."
        )
    changes = ablated[names] - own.reindex(ablated.index)
    changes = changes.assign(variant=ablated["variant"]).dropna(subset=["accuracy"]).reset_index()
    changes, more = first(changes, "variant", 10, "variant")
    drawn, left = _one_cell_per_scorer(changes)
    variants, scorers = in_order(drawn["variant"]), tables.looks(in_order(drawn["attention"]))
    long = drawn.melt([*key, "variant"], names, "statistic", "value")
    means = over_seeds(long, [*CELL, "variant", "statistic"], tables.level)
    seeds = few(long)
    height = 0.9 + len(variants) * (0.22 + 0.14 * len(scorers))
    figure, axes = panels(1, len(names), height, sharex=False)
    for axis, (statistic, label) in zip(axes[0], labels.items(), strict=True):
        cells = means[(means["statistic"] == statistic) & means["estimate"].notna()]
        runs = seeds[seeds["statistic"] == statistic]
        at = (places(t["variant"], variants) for t in (cells, runs))
        dots(axis, cells, scorers, next(at), runs, next(at))
        downwards(axis, variants)
        zero(axis)
        for place, variant in enumerate(variants):
            if variant not in set(cells["variant"]):
                note = axis.text(0, place, " undefined", color=GREY, fontsize=7.5, va="center")
                note.set_in_layout(False)
        axis.set_xlabel(f"{label}\nablation − trained")
    legend(figure, scorers)
    caption = _caption(means, drawn, tables.interval, "; ticks: the seeds" * bool(len(seeds)))
    return Drawing(figure, means, joined(caption, left, more))


def _one_cell_per_scorer(changes: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Keep the encoder and normaliser with the most ablations."""
    sizes = changes.groupby(["encoder", "normaliser"], sort=False).size()
    encoder, normaliser = sizes.idxmax()
    kept = changes[(changes["encoder"] == encoder) & (changes["normaliser"] == normaliser)]
    if len(sizes) == 1:
        return kept, ""
    left = counted(len(sizes) - 1, "other pair")
    return kept, f"For lack of room, {left} of encoder and normaliser are in the tables only."


def _caption(means: pd.DataFrame, drawn: pd.DataFrame, interval: str, ticks: str) -> str:
    tau = means[(means["statistic"] == "tau_gain") & means["estimate"].notna()]
    agreement = "No ablation leaves an order whose agreement could change."
    if len(tau):
        largest = tau.loc[tau["estimate"].abs().idxmax()]
        agreement = (
            f"Agreement changes most with {plain(largest['variant'])}: {cell_of(largest)}, "
            f"{estimate(largest)}."
        )
    accuracy = means[means["statistic"] == "accuracy"]
    ends = [
        accuracy.loc[accuracy["estimate"].idxmin()],
        accuracy.loc[accuracy["estimate"].idxmax()],
    ]
    low, high = (
        f"{row['estimate']:+.3f} ({plain(row['variant'])}, {plain(row['attention'])})"
        for row in ends
    )
    seeds = drawn["seed"].nunique()
    bar = f"Dot: mean over seeds; bar: {interval} over seeds (t)" if seeds > 1 else "Dot: the seed"
    return joined(
        agreement,
        f"The change of accuracy is between {low} and {high}.",
        "Each ablation less the trained model of the same cell and seed.",
        f"{bar}{ticks}. Undefined: equal weights have no order.",
        f"{counted(len(drawn), 'run')}, {counted(seeds, 'seed')}.",
    )
