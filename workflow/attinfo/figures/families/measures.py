"""Agreement of attention with each measure of importance, and by the gap between weights."""

import pandas as pd

from attinfo.agreement.gaps import GAP_BINS
from attinfo.blocks.measures import MEASURES
from attinfo.claims.run_statistics import STATISTICS, shown_in
from attinfo.claims.statistic import MEASURE_FIGURE
from attinfo.figures.captions import cell_of, estimate, first, joined, means_of, plain, sizes
from attinfo.figures.drawing import Drawing, Missing
from attinfo.figures.marks import dots, places, zero
from attinfo.figures.style import GREY, below, heading, in_order, legend, within, wrapped
from attinfo.figures.tables import NUMBERS, Tables, trained
from attinfo.keys import CELL
from attinfo.labels import listed


def measures(tables: Tables) -> Drawing:
    """Draw τ-b of attention and each measure, a panel for each encoder."""
    labels = dict(sorted(shown_in(MEASURE_FIGURE).items(), key=lambda s: STATISTICS[s[0]].control))
    cells = trained(tables.cells)
    cells = cells[cells["statistic"].isin(labels) & cells["estimate"].notna()]
    if cells.empty:
        raise Missing(
            "No trained cell has an agreement with any measure: a grid with the variant trained, "
            "and names under importance.measures, would add some."
        )
    cells = cells[cells["normaliser"] == cells["normaliser"].iloc[0]]
    cells, left = first(cells, "encoder", 6, "encoder")
    encoders, scorers = in_order(cells["encoder"]), tables.looks(in_order(cells["attention"]))
    statistics = [name for name in labels if name in set(cells["statistic"])]
    figure, axes = wrapped(len(encoders), 3, 0.5 + 0.3 * len(statistics), extra=0.5)
    for axis, encoder in zip(axes, encoders, strict=True):
        own = cells[cells["encoder"] == encoder]
        dots(axis, own, scorers, places(own["statistic"], statistics), room=0.5)
        axis.set_yticks(range(len(statistics)), [labels[s] for s in statistics])
        axis.set_ylim(len(statistics) - 0.45, -0.55)
        axis.grid(axis="y", visible=False)
        axis.axhline(
            sum(not STATISTICS[s].control for s in statistics) - 0.5, color=GREY, linewidth=0.8
        )
        zero(axis)
        axis.set_title(heading(encoder, 3))
    within(axes[0], -1, 1)
    below(axes, "τ-b with attention")
    legend(figure, scorers)
    means = cells.groupby("statistic")["estimate"].mean()
    # Measures that hold the weight agree with attention by construction.
    holding = [f"tau_{m.name}" for m in MEASURES.values() if m.holds_weights]
    own = means[[s for s in statistics if not STATISTICS[s].control and s not in holding]]
    aside = listed([labels[s] for s in statistics if s in holding] or [""])
    extremes = (
        f"Attention agrees most with {labels[own.idxmax()]}, {own.max():+.2f}, and least with "
        f"{labels[own.idxmin()]}, {own.min():+.2f}, mean over cells"
        f"{f' (without {aside}, of which the weight is a factor)' if aside else ''}."
        if len(own)
        else ""
    )
    caption = joined(
        extremes,
        "Kendall's τ-b within texts. Below the grey line stand controls: an agreement that "
        "attention has with them too says nothing of importance.",
        means_of(cells, tables.interval),
        f"{plain(cells['normaliser'].iloc[0])}; {sizes(cells)}.",
        left,
    )
    return Drawing(
        figure, cells[[*CELL, "variant", "statistic", *NUMBERS]].reset_index(drop=True), caption
    )


def concordance(tables: Tables) -> Drawing:
    """Draw the share of concordant pairs by the decile of the gap, a panel for each encoder."""
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
    scorers = tables.looks(in_order(data["attention"]))
    figure, axes = wrapped(len(encoders), 3, 2.3, extra=0.6)
    for axis, encoder in zip(axes, encoders, strict=True):
        zero(axis, 0.5, across=False)
        of_encoder = data[data["encoder"] == encoder]
        for (attention, variant), part in of_encoder.groupby(["attention", "variant"], sort=False):
            look, own_ = scorers[attention], variant == "trained"
            colour, line, shape = (look.colour, "-", look.shape) if own_ else (GREY, ":", "")
            axis.fill_between(
                part["decile"],
                part["ci_low"],
                part["ci_high"],
                color=colour,
                alpha=0.15,
                linewidth=0,
            )
            axis.plot(
                part["decile"], part["estimate"], f"{shape}{line}", color=colour, markersize=4
            )
        axis.set_title(heading(encoder, 3))
        axis.set_xticks(range(1, GAP_BINS + 1))
        axis.grid(axis="x", visible=False)
    within(axes[0], 0, 1, across=False)
    below(axes, "decile of the gap (1: nearly equal)")
    axes[0].set_ylabel("share of pairs in which the\nlarger weight has more gain")
    permuted = {"weights permuted": {"color": GREY, "linestyle": ":"}}
    legend(figure, scorers, permuted if "permuted" in set(data["variant"]) else {})
    shown = data[[*CELL, "variant", "decile", *NUMBERS]].reset_index(drop=True)
    return Drawing(figure, shown, _concordance_caption(tables, trained(data), left))


def _concordance_caption(tables: Tables, data: pd.DataFrame, left: str) -> str:
    ends = {}
    for decile, name in ((1, "nearly equal weights"), (GAP_BINS, "the largest gaps")):
        own = data[data["decile"] == decile]
        ends[name] = f"{own['estimate'].mean():.2f}" if len(own) else "undefined"
    shares = " and ".join(f"{share} of pairs with {name}" for name, share in ends.items())
    top = data[data["decile"] == data["decile"].max()]
    best = top.loc[top["estimate"].idxmax()]
    return joined(
        f"The token with more weight also has more information in {shares}, mean over cells; 0.50 "
        f"is chance. Highest at the largest gaps: {cell_of(best, but=['normaliser'])}, "
        f"{estimate(best, signed=False)}.",
        "Pairs of tokens of the same text, by deciles of the gap between their weights in each "
        "model; pairs that are tied in score or in gain are left out.",
        means_of(data, tables.interval, mark="Line", spread="band"),
        f"{plain(best['normaliser'])}; {sizes(data)}.",
        left,
    )
