"""The effect of each conclusion on each data set, their mean, and the range on a new one."""

from math import ceil

from matplotlib.axes import Axes
import numpy as np
import pandas as pd

from attinfo.claims.across_data_sets import LEAST
from attinfo.figures.captions import estimate, joined, plain
from attinfo.figures.drawing import Drawing, Missing
from attinfo.figures.marks import zero
from attinfo.figures.style import GREY, INK, VERDICT_COLOURS, panels
from attinfo.figures.tables import Tables
from attinfo.keys import ALL
from attinfo.labels import counted, label_of, listed

COLUMNS = ["claim", "dataset", "estimate", "ci_low", "ci_high", "verdict"]
ROW, ROOM = 0.17, 0.75  # inches: the height of a data set, and of what else a panel has
MEAN, NEW = "mean", "a new data set"


def across(tables: Tables) -> Drawing:
    """Draw the effect of each primary contrast on each data set, a panel for each conclusion."""
    claims, means = tables.claims, tables.across[tables.across["role"] == "primary"]
    own = claims[(claims["role"] == "primary") & (claims["dataset"] != ALL)]
    own = own[own["claim"].isin(means["claim"])].dropna(subset=["estimate"])
    if own.empty:
        raise Missing(
            f"The spread of effects between data sets needs {LEAST} data sets or more: further "
            "names in the key dataset of a grid would add them."
        )
    effects = dict(tuple(own.groupby("claim", sort=False)))
    columns = min(len(effects), 2)
    rows = ceil(len(effects) / columns)
    most = max(len(one) for one in effects.values()) + 2
    figure, axes = panels(rows, columns, rows * (most * ROW + ROOM), sharex=False, sharey=False)
    for axis in axes.ravel()[len(effects) :]:
        axis.remove()
    for axis, (claim, one) in zip(axes.ravel(), effects.items(), strict=False):
        mean = means[means["claim"] == claim].iloc[0]
        _panel(axis, str(claim), one.sort_values("estimate", ascending=False), mean)
    return Drawing(figure, _numbers(own, means), _caption(means, tables.interval))


def _panel(axis: Axes, claim: str, effects: pd.DataFrame, mean: "pd.Series[float]") -> None:
    """Data sets by effect, then the mean with its interval and with that of a new data set."""
    zero(axis)
    for y, row in enumerate(effects.to_dict("records")):
        colour = VERDICT_COLOURS[row["verdict"]]
        axis.hlines(y, row["ci_low"], row["ci_high"], color=colour, linewidth=1.4, alpha=0.6)
        axis.plot(row["estimate"], y, "o", color=colour, markersize=4)
    k = len(effects)
    axis.axhline(k - 0.5, color=GREY, linewidth=0.6)
    axis.hlines(k, mean["ci_low"], mean["ci_high"], color=INK, linewidth=2.4)
    axis.plot(mean["estimate"], k, "D", color=INK, markersize=5)
    axis.hlines(k + 1, mean["new_low"], mean["new_high"], color=INK, linewidth=1.2, linestyle=":")
    axis.set(ylim=(k + 1.6, -0.6), yticks=np.arange(k + 2), xlabel="effect")
    axis.set_yticklabels([*map(label_of, effects["dataset"]), MEAN, NEW], fontsize=7)
    axis.set_title(f"({claim})", loc="left", color=INK, fontweight="bold")
    axis.grid(axis="y", visible=False)
    axis.spines["left"].set_visible(False)
    axis.tick_params(axis="y", length=0)


def _numbers(effects: pd.DataFrame, means: pd.DataFrame) -> pd.DataFrame:
    """The rows of all panels, as they are drawn."""
    mean = means.assign(dataset=MEAN)
    new = means.assign(dataset=NEW, estimate=np.nan, ci_low=means["new_low"])
    new["ci_high"] = means["new_high"]
    together = [effects, mean, new]
    return pd.concat([table.reindex(columns=COLUMNS) for table in together], ignore_index=True)


def _caption(means: pd.DataFrame, interval: str) -> str:
    sentences = [
        f"({row['claim']}): positive on {row['positive']} of "
        f"{counted(row['data_sets'], 'data set')}, mean {estimate(row)}; on a new data set "
        f"{row['new_low']:+.2f} to {row['new_high']:+.2f}."
        for row in means.to_dict("records")
    ]
    pairs = zip(means["claim"], means["contrast"], strict=True)
    names = listed([f"({claim}) {plain(contrast)}" for claim, contrast in pairs])
    return joined(
        *sentences,
        f"Dot: effect on a data set; bar: {interval}. Diamond: mean of a random-effects model; "
        "dotted: its prediction interval for a new data set. Blue: significant support, vermilion: "
        "significant and against the conclusion, grey: not significant.",
        f"Effects: {names}.",
    )
