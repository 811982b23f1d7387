"""How unequal attention weights are, by normaliser and by temperature."""

import pandas as pd

from attinfo.blocks.normalisers import parse_normaliser
from attinfo.claims.run_statistics import STATISTICS, shown_in
from attinfo.claims.statistic import SKEW_FIGURE
from attinfo.figures.captions import (
    cell_of,
    estimate,
    first,
    joined,
    means_of,
    over_cells,
    plain,
    shared,
    sizes,
)
from attinfo.figures.drawing import Drawing, Missing
from attinfo.figures.marks import bars, dots, places
from attinfo.figures.style import INK, below, heading, in_order, legend, panels, wrapped
from attinfo.figures.tables import NUMBERS, Tables, trained
from attinfo.keys import BLOCKS, CELL
from attinfo.labels import label_of, listed

AFTERWARDS = "softmax tempered after training"
NO_CELLS = "No trained cell has weights: a grid with the variant trained would add one."


def _skew(tables: Tables) -> pd.DataFrame:
    cells = trained(tables.cells)
    cells = cells[cells["statistic"].isin(shown_in(SKEW_FIGURE)) & cells["estimate"].notna()]
    if cells.empty:
        raise Missing(NO_CELLS)
    kinds = [parse_normaliser(name) for name in cells["normaliser"]]
    return cells.assign(kind=[k for k, _ in kinds], temperature=[t for _, t in kinds])


def _lowest(cells: pd.DataFrame) -> str:
    own = cells[cells["statistic"] == "entropy_ratio"]
    alike = shared(own, "normaliser")
    if alike.empty:
        return "No encoder and scorer have all normalisers, so means over cells do not compare."
    means = alike.groupby("normaliser", sort=False)["estimate"].mean().sort_values()
    parts = [f"{plain(str(name))} {value:.2f}" for name, value in means.items()]
    if len(parts) == 1:
        return f"Entropy as a share of that of equal weights: {parts[0]}, mean over cells."
    cells_ = over_cells(alike, BLOCKS[:2], "with all normalisers")
    return (
        f"Entropy as a share of that of equal weights, {cells_}: {listed(parts[:4])}"
        f"{', …' if len(parts) > 4 else ''} (lower: more skewed)."
    )


def skew(tables: Tables) -> Drawing:
    """Draw the statistics of skew by normaliser, a column of panels for each encoder."""
    cells = _skew(tables)
    cells, left = first(cells, "encoder", 4, "encoder")
    room = max(2, 18 // cells["encoder"].nunique())
    cells, more = first(cells, "normaliser", room, "normaliser")
    encoders, normalisers = in_order(cells["encoder"]), in_order(cells["normaliser"])
    scorers, labels = tables.looks(in_order(cells["attention"])), shown_in(SKEW_FIGURE)
    figure, axes = panels(len(labels), len(encoders), 1.2 + 1.5 * len(labels))
    for row, (statistic, label) in enumerate(labels.items()):
        for axis, encoder in zip(axes[row], encoders, strict=True):
            own = cells[(cells["statistic"] == statistic) & (cells["encoder"] == encoder)]
            at = places(own["normaliser"], normalisers)
            dots(axis, own, scorers, at, across=False, room=0.5)
            if STATISTICS[statistic].bounds == (0, 1):
                axis.set_ylim(-0.03, 1.03)
            axis.set_xlim(-0.5, len(normalisers) - 0.5)
            axis.grid(axis="x", visible=False)
            if row == 0:
                axis.set_title(heading(encoder, len(encoders)))
        axes[row, 0].set_ylabel(label)
    names = [label_of(n).replace(", ", "\n") for n in normalisers]
    slant = {"rotation": 40, "ha": "right"} if len(names) * len(encoders) > 7 else {}
    for axis in axes[-1]:
        axis.set_xticks(range(len(names)), names, **slant)
    legend(figure, scorers)
    caption = joined(
        _lowest(cells),
        "How unequal the weights of a test text are, averaged over texts, without Gumbel noise.",
        means_of(cells, tables.interval),
        f"{sizes(cells)}.",
        left,
        more,
    )
    return Drawing(figure, cells[[*CELL, "statistic", *NUMBERS]], caption)


def temperature(tables: Tables) -> Drawing:
    """Draw the entropy of the weights by temperature, a panel for each encoder."""
    cells = _skew(tables)
    cells = cells[cells["kind"].isin(["softmax", "gumbel_softmax"])]
    if cells["temperature"].nunique() < 2:
        raise Missing(
            "All cells are of one temperature, so there is no curve: a normaliser with another, "
            "such as softmax@0.5 or gumbel_softmax@0.5, would add one."
        )
    statistic = "entropy_ratio"
    drawn = cells[cells["statistic"] == statistic]
    drawn = drawn.assign(series=drawn["kind"].map(label_of))
    data = pd.concat([drawn, _afterwards(tables, drawn, statistic)], ignore_index=True)
    data, left = first(data, "encoder", 6, "encoder")
    encoders, attentions = in_order(data["encoder"]), in_order(data["attention"])
    scorers = tables.looks(attentions)
    figure, axes = wrapped(len(encoders), 3, 2.3, extra=0.8)
    lines = {"softmax": "-", "Gumbel-softmax": ":", AFTERWARDS: "--"}
    hollow = {"Gumbel-softmax": "white"}
    for axis, encoder in zip(axes, encoders, strict=True):
        own = data[data["encoder"] == encoder]
        for (attention, series), part in own.groupby(["attention", "series"], sort=False):
            part, look = part.sort_values("temperature"), scorers[attention]
            shift = 1.03 ** (attentions.index(attention) - (len(attentions) - 1) / 2)
            at = part["temperature"] * shift
            bars(axis, at, part["ci_low"], part["ci_high"], look.colour)
            shape = "" if series == AFTERWARDS else look.shape
            face = hollow.get(series) or look.colour
            axis.plot(
                at,
                part["estimate"],
                f"{shape}{lines[series]}",
                color=look.colour,
                markerfacecolor=face,
                markersize=5,
                linewidth=1.3,
            )
        axis.set_xscale("log")
        axis.grid(axis="x", visible=False)
        ticks = sorted(data["temperature"].unique())
        axis.set_xticks(ticks, [f"{t:g}" for t in ticks])
        axis.minorticks_off()
        axis.set_xlim(min(ticks) / 1.25, max(ticks) * 1.25)
        axis.set_ylim(-0.05, 1.05)
        axis.set_title(heading(encoder, 3))
    below(axes, "temperature τ")
    axes[0].set_ylabel("entropy of the weights /\nthat of equal weights")
    styles = {
        series: {"color": INK, "linestyle": lines[series], "linewidth": 1.3}
        | ({} if series == AFTERWARDS else {"marker": "o", "markersize": 5})
        | ({"markerfacecolor": "white"} if hollow.get(series) else {})
        for series in lines
        if series in set(data["series"])
    }
    legend(figure, scorers, styles)
    columns = [*CELL, "series", "temperature", *NUMBERS]
    return Drawing(figure, data[columns], _temperature_caption(tables, data, left))


def _afterwards(tables: Tables, drawn: pd.DataFrame, statistic: str) -> pd.DataFrame:
    """The skew of the scores of models that were trained with softmax and tempered afterwards."""
    rows = trained(tables.distributions)
    rows = rows[(rows["quantity"] == f"{statistic}_afterwards") & (rows["normaliser"] == "softmax")]
    if rows.empty:
        return rows.assign(series="", temperature=0.0, estimate=0.0, ci_low=0.0, ci_high=0.0)
    means = (
        rows.groupby([*CELL, "group"], sort=False)
        .agg(estimate=("value", "mean"), seeds=("seed", "nunique"))
        .reset_index()
    )
    means = means.assign(temperature=means["group"].astype(float), series=AFTERWARDS)
    start = drawn[(drawn["normaliser"] == "softmax")].assign(series=AFTERWARDS)
    start = start.assign(ci_low=float("nan"), ci_high=float("nan"))
    return pd.concat([means, start], ignore_index=True)[[*CELL, "series", "temperature", *NUMBERS]]


def _temperature_caption(tables: Tables, data: pd.DataFrame, left: str) -> str:
    coldest = data[data["temperature"] == data["temperature"].min()]
    known = coldest.dropna(subset=["ci_low"])
    lowest = known.loc[known["estimate"].idxmin()]
    return joined(
        _by_series(coldest),
        f"Most skewed: {cell_of(lowest)}, {estimate(lowest, signed=False)}.",
        "Dashed: the scores of models that were trained at temperature 1, with another temperature "
        "afterwards. They show the effect of temperature alone. Gumbel-softmax differs from "
        "softmax of the same temperature by the noise in training.",
        means_of(data, tables.interval, mark="Mark"),
        f"{sizes(data[data['series'] != AFTERWARDS])}.",
        left,
    )


def _by_series(coldest: pd.DataFrame) -> str:
    """Mean entropy of each series at the lowest temperature, over the cells that all have."""
    alike = shared(coldest, "series", [*BLOCKS[:2], "series"])
    at = f"At temperature {coldest['temperature'].iloc[0]:g}"
    if alike.empty:
        return f"{at} no encoder and scorer have every series, so means over cells do not compare."
    means = alike.groupby("series", sort=False)["estimate"].mean()
    parts = [f"{value:.2f} for {series}" for series, value in means.items()]
    cells = over_cells(alike, BLOCKS[:2], "with all of these" if len(parts) > 1 else "with it")
    return f"{at} entropy as a share of that of equal weights is {listed(parts)}, {cells}."
