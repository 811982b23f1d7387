"""Attention beside each measure of importance, and by the gap of its weights."""

import pandas as pd

from attinfo.agreement.gaps import GAP_BINS
from attinfo.claims.run_statistics import MEASURES
from attinfo.figures.captions import (
    cell_of,
    estimate,
    first,
    joined,
    means_of,
    plain,
    sizes,
)
from attinfo.figures.drawing import Drawing, Missing
from attinfo.figures.marks import dots, places, zero
from attinfo.figures.style import (
    GREY,
    HUES,
    below,
    heading,
    in_order,
    legend,
    shape_of,
    within,
    wrapped,
)
from attinfo.figures.tables import CELL, NUMBERS, Tables, trained

OF_WEIGHTS = "tau_attention_norm"  # has the weight in it: agrees by construction
CONTROLS = {
    "position": "position",
    "frequency": "word frequency",
    "permuted_gain": "gain, permuted",
}


def measures(tables: Tables) -> Drawing:
    """Agreement of attention with each measure of importance."""
    labels = {f"tau_{name}": label for name, (_, label) in MEASURES.items()}
    labels |= {f"tau_{name}": label for name, label in CONTROLS.items()}
    cells = trained(tables.cells)
    cells = cells[cells["statistic"].isin(labels) & cells["estimate"].notna()]
    if cells.empty:
        raise Missing(
            "No trained cell has an agreement with any measure: a grid with the variant trained, "
            "and names under importance.measures, would add some."
        )
    cells = cells[cells["normaliser"] == cells["normaliser"].iloc[0]]
    cells, left = first(cells, "encoder", 6, "encoder")
    encoders, attentions = in_order(cells["encoder"]), in_order(cells["attention"])
    statistics = [name for name in labels if name in set(cells["statistic"])]
    figure, axes = wrapped(len(encoders), 3, 0.5 + 0.3 * len(statistics), extra=0.5)
    for axis, encoder in zip(axes, encoders, strict=True):
        own = cells[cells["encoder"] == encoder]
        dots(axis, own, attentions, places(own["statistic"], statistics), room=0.5)
        axis.set_yticks(range(len(statistics)), [labels[s] for s in statistics])
        axis.set_ylim(len(statistics) - 0.45, -0.55)
        axis.grid(axis="y", visible=False)
        axis.axhline(sum(s[4:] in MEASURES for s in statistics) - 0.5, color=GREY, linewidth=0.8)
        zero(axis)
        axis.set_title(heading(encoder, 3))
    within(axes[0], -1, 1)
    below(axes, "τ-b with attention")
    legend(figure, attentions)
    means = cells.groupby("statistic")["estimate"].mean()
    yardsticks = means[[s for s in statistics if s[4:] in MEASURES and s != OF_WEIGHTS]]
    aside = " (attention × state norm aside)" * (OF_WEIGHTS in statistics)
    caption = joined(
        f"Attention agrees most with {labels[yardsticks.idxmax()]}, {yardsticks.max():+.2f}, and "
        f"least with {labels[yardsticks.idxmin()]}, {yardsticks.min():+.2f}, mean over "
        f"cells{aside}.",
        "Kendall's τ-b within texts. Below the grey line controls: an agreement that they share is "
        "none of its own.",
        means_of(cells, tables.interval),
        f"{plain(cells['normaliser'].iloc[0])}; {sizes(cells)}.",
        left,
    )
    return Drawing(
        figure, cells[[*CELL, "variant", "statistic", *NUMBERS]].reset_index(drop=True), caption
    )


def concordance(tables: Tables) -> Drawing:
    """Do larger weights have more information? By the gap of two weights."""
    names = [f"concordance_{b}" for b in range(GAP_BINS)]
    cells = tables.cells[tables.cells["statistic"].isin(names) & tables.cells["estimate"].notna()]
    cells = cells.assign(decile=cells["statistic"].str.removeprefix("concordance_").astype(int) + 1)
    if trained(cells).empty:
        raise Missing(
            "No trained cell has weights with an order, so no pairs of tokens to compare: a grid "
            "with the variant trained would add some."
        )
    normaliser = trained(cells)["normaliser"].iloc[0]
    own = cells["variant"].isin(["trained", "permuted"])
    data = cells[(cells["normaliser"] == normaliser) & own]
    data, left = first(data, "encoder", 6, "encoder")
    encoders = in_order(trained(data)["encoder"])
    figure, axes = wrapped(len(encoders), 3, 2.3, extra=0.6)
    for axis, encoder in zip(axes, encoders, strict=True):
        zero(axis, 0.5, across=False)
        of_encoder = data[data["encoder"] == encoder]
        for (attention, variant), part in of_encoder.groupby(["attention", "variant"], sort=False):
            hue = HUES[attention] if variant == "trained" else GREY
            line = "-" if variant == "trained" else ":"
            shape = shape_of(attention) if variant == "trained" else ""
            axis.fill_between(
                part["decile"], part["ci_low"], part["ci_high"], color=hue, alpha=0.15, linewidth=0
            )
            axis.plot(part["decile"], part["estimate"], f"{shape}{line}", color=hue, markersize=4)
        axis.set_title(heading(encoder, 3))
        axis.set_xticks(range(1, GAP_BINS + 1))
        axis.grid(axis="x", visible=False)
    within(axes[0], 0, 1, across=False)
    below(axes, "decile of the gap (1: nearly equal)")
    axes[0].set_ylabel("share of pairs in which the\nlarger weight has more gain")
    permuted = {"weights permuted": {"color": GREY, "linestyle": ":"}}
    legend(
        figure, in_order(data["attention"]), permuted if "permuted" in set(data["variant"]) else {}
    )
    shown = data[[*CELL, "variant", "decile", *NUMBERS]].reset_index(drop=True)
    return Drawing(figure, shown, _concordance_caption(tables, trained(data), left))


def _concordance_caption(tables: Tables, data: pd.DataFrame, left: str) -> str:
    ends = {}
    for decile, name in ((1, "nearly equal weights"), (GAP_BINS, "the largest gaps")):
        own = data[data["decile"] == decile]
        ends[name] = f"{own['estimate'].mean():.2f}" if len(own) else "undefined"
    told = " and ".join(f"{share} of pairs with {name}" for name, share in ends.items())
    top = data[data["decile"] == data["decile"].max()]
    best = top.loc[top["estimate"].idxmax()]
    return joined(
        f"The token with more weight also has more information in {told}, mean over cells; 0.50 is "
        f"chance. Highest at the largest gaps: {cell_of(best, but=['normaliser'])}, "
        f"{estimate(best, signed=False)}.",
        "Pairs of tokens of the same text, by tenths of the gap between their weights; deciles are "
        "each model's own, and pairs tied in score or in gain are left out.",
        means_of(data, tables.interval, mark="Line", spread="band"),
        f"{plain(best['normaliser'])}; {sizes(data)}.",
        left,
    )
