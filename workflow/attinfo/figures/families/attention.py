"""How unequal attention weights are: by normaliser, by temperature."""

import pandas as pd

from attinfo.blocks.normalisers import parse_normaliser
from attinfo.figures.captions import (
    cell_of,
    estimate,
    first,
    joined,
    listed,
    means_of,
    plain,
    sizes,
)
from attinfo.figures.drawing import Drawing, Missing
from attinfo.figures.marks import bars, dots, places
from attinfo.figures.style import (
    HUES,
    INK,
    below,
    heading,
    in_order,
    legend,
    name_of,
    panels,
    shape_of,
    wrapped,
)
from attinfo.figures.tables import CELL, NUMBERS, Tables, trained

STATISTICS = {
    "entropy_ratio": "entropy / that of\nequal weights",
    "max_weight": "largest weight",
    "gini": "Gini coefficient",
}
AFTERWARDS = "softmax tempered after training"
NO_CELLS = "No trained cell has weights: a grid with the variant trained would add one."


def _skew(tables: Tables) -> pd.DataFrame:
    cells = trained(tables.cells)
    cells = cells[cells["statistic"].isin(STATISTICS) & cells["estimate"].notna()]
    if cells.empty:
        raise Missing(NO_CELLS)
    kinds = [parse_normaliser(name) for name in cells["normaliser"]]
    return cells.assign(kind=[k for k, _ in kinds], temperature=[t for _, t in kinds])


def _lowest(cells: pd.DataFrame) -> str:
    own = cells[cells["statistic"] == "entropy_ratio"]
    means = own.groupby("normaliser", sort=False)["estimate"].mean().sort_values()
    told = [f"{plain(name)} {value:.2f}" for name, value in means.items()]
    if len(told) == 1:
        return f"Entropy as a share of that of equal weights: {told[0]}, mean over cells."
    return (
        f"Entropy as a share of that of equal weights, mean over cells: {listed(told[:4])}"
        f"{', …' if len(told) > 4 else ''} (the lower, the more skewed)."
    )


def skew(tables: Tables) -> Drawing:
    """How unequal the weights are, by normaliser."""
    cells = _skew(tables)
    cells, left = first(cells, "encoder", 4, "encoder")
    room = max(2, 18 // cells["encoder"].nunique())
    cells, more = first(cells, "normaliser", room, "normaliser")
    encoders, normalisers = in_order(cells["encoder"]), in_order(cells["normaliser"])
    attentions = in_order(cells["attention"])
    figure, axes = panels(len(STATISTICS), len(encoders), 1.2 + 1.5 * len(STATISTICS))
    for row, (statistic, label) in enumerate(STATISTICS.items()):
        for axis, encoder in zip(axes[row], encoders, strict=True):
            own = cells[(cells["statistic"] == statistic) & (cells["encoder"] == encoder)]
            at = places(own["normaliser"], normalisers)
            dots(axis, own, attentions, at, across=False, room=0.5)
            axis.set_ylim(-0.03, 1.03)
            axis.set_xlim(-0.5, len(normalisers) - 0.5)
            axis.grid(axis="x", visible=False)
            if row == 0:
                axis.set_title(heading(encoder, len(encoders)))
        axes[row, 0].set_ylabel(label)
    names = [name_of(n).replace(", ", "\n") for n in normalisers]
    slant = {"rotation": 40, "ha": "right"} if len(names) * len(encoders) > 7 else {}
    for axis in axes[-1]:
        axis.set_xticks(range(len(names)), names, **slant)
    legend(figure, attentions)
    caption = joined(
        _lowest(cells),
        "How unequal the weights of a test text are, averaged over texts, Gumbel noise off.",
        means_of(cells, tables.interval),
        f"{sizes(cells)}.",
        left,
        more,
    )
    return Drawing(figure, cells[[*CELL, "statistic", *NUMBERS]], caption)


def temperature(tables: Tables) -> Drawing:
    """Skew by temperature, in training and afterwards."""
    cells = _skew(tables)
    cells = cells[cells["kind"].isin(["softmax", "gumbel_softmax"])]
    if cells["temperature"].nunique() < 2:
        raise Missing(
            "All cells are of one temperature, so there is no curve: a normaliser with another, "
            "such as softmax@0.5 or gumbel_softmax@0.5, would add one."
        )
    statistic = "entropy_ratio"
    drawn = cells[cells["statistic"] == statistic]
    drawn = drawn.assign(series=drawn["kind"].map(name_of))
    data = pd.concat([drawn, _afterwards(tables, drawn, statistic)], ignore_index=True)
    data, left = first(data, "encoder", 6, "encoder")
    encoders, attentions = in_order(data["encoder"]), in_order(data["attention"])
    figure, axes = wrapped(len(encoders), 3, 2.3, extra=0.8)
    lines = {"softmax": "-", "Gumbel-softmax": ":", AFTERWARDS: "--"}
    hollow = {"Gumbel-softmax": "white"}
    for axis, encoder in zip(axes, encoders, strict=True):
        own = data[data["encoder"] == encoder]
        for (attention, series), part in own.groupby(["attention", "series"], sort=False):
            part, hue = part.sort_values("temperature"), HUES[attention]
            shift = 1.03 ** (attentions.index(attention) - (len(attentions) - 1) / 2)
            at = part["temperature"] * shift
            bars(axis, at, part["ci_low"], part["ci_high"], hue)
            shape = "" if series == AFTERWARDS else shape_of(attention)
            face = hollow.get(series) or hue
            axis.plot(
                at,
                part["estimate"],
                f"{shape}{lines[series]}",
                color=hue,
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
    legend(figure, attentions, styles)
    columns = [*CELL, "series", "temperature", *NUMBERS]
    return Drawing(figure, data[columns], _temperature_caption(tables, data, left))


def _afterwards(tables: Tables, drawn: pd.DataFrame, statistic: str) -> pd.DataFrame:
    """The scores of models trained with plain softmax, tempered once they are trained."""
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
    means = coldest.groupby("series", sort=False)["estimate"].mean()
    told = [f"{value:.2f} for {series}" for series, value in means.items()]
    known = coldest.dropna(subset=["ci_low"])
    lowest = known.loc[known["estimate"].idxmin()]
    return joined(
        f"At temperature {coldest['temperature'].iloc[0]:g} entropy is {listed(told)}, mean over "
        f"cells, as a share of that of equal weights; most skewed: {cell_of(lowest)}, "
        f"{estimate(lowest, signed=False)}.",
        "Dashed: the scores of models trained at temperature 1, tempered afterwards, which is what "
        "temperature does alone. What Gumbel-softmax has beyond softmax of its temperature is the "
        "noise in training.",
        means_of(data, tables.interval, mark="Mark"),
        f"{sizes(data)}.",
        left,
    )
