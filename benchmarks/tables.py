"""The tables and figures of the benchmarks."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns

from attinfo.figures.style import GREY, INK, applied, in_order
from attinfo.runtime.atomic import whole

MET = {True: "met", False: "missed", None: ""}


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown, with the column titles `head`."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def speed(rows: list[dict[str, Any]]) -> str:
    """Table of the rows of `timing.measure`."""

    def line(row: Mapping[str, Any]) -> list[str]:
        sign = "≤" if row["lower_is_better"] else "≥"
        return [
            row["work"],
            row["against"],
            row["size"],
            str(row["threads"]),
            f"{row['seconds']:.3g} s",
            f"{row['ratio']:.3g}× ({row['ratio_min']:.3g} to {row['ratio_max']:.3g})",
            "" if row["target"] is None else f"{sign} {row['target']:g}×: {MET[row['met']]}",
            "" if row["difference"] is None else f"{row['difference']:.1g}",
            row["note"],
        ]

    head = (
        "work",
        "against",
        "size",
        "threads",
        "our time",
        "ratio",
        "target",
        "largest difference",
        "note",
    )
    return markdown(head, map(line, rows))


def accuracy(table: pd.DataFrame) -> str:
    """Table of bias and spread by estimator and task, for the largest number of texts."""
    own = table[table["n"] == table["n"].max()]
    tasks = in_order(own["task"])
    text = own["bias"].map("{:+.3f}".format) + " ± " + own["spread"].map("{:.3f}".format)
    cells = own.assign(text=text).pivot(index="estimator", columns="task", values="text")
    rows = ([name, *cells.loc[name, tasks]] for name in in_order(own["estimator"]))
    return markdown(["estimator", *tasks], rows)


def memory(rows: list[dict[str, Any]]) -> str:
    """Table of peak memory by stage and number of texts."""

    def line(row: Mapping[str, Any]) -> list[str]:
        growth = "" if row["growth"] is None else f"{row['growth']:.2f}"
        sizes = [f"{row['size']:,}", f"{row['peak_mb']:.0f}", f"{row['own_mb']:.0f}"]
        return [row["stage"], *sizes, growth]

    head = ("stage", "texts", "peak, MB", "added by the work, MB", "growth exponent")
    return markdown(head, map(line, rows))


def draw(result: Mapping[str, Any], folder: Path) -> None:
    """Draw the figures of accuracy, speed and memory into `folder`, as SVG and PNG."""
    with applied():
        drawn = {
            "accuracy": _accuracy(pd.DataFrame(result["accuracy"])),
            "speed": _speed(pd.DataFrame(result["rows"])),
            "memory": _memory(pd.DataFrame(result["memory"])),
        }
        for name, figure in drawn.items():
            for ending in ("svg", "png"):
                with whole(folder / f"{name}.{ending}") as path:
                    figure.savefig(path, metadata={"Date": None} if ending == "svg" else None)
            plt.close(figure)


def _accuracy(table: pd.DataFrame) -> plt.Figure:
    """Bias by estimator: a panel for each task, a colour for each number of texts."""
    tasks, estimators = in_order(table["task"]), in_order(table["estimator"])
    sizes = sorted(table["n"].unique())
    figure, axes = plt.subplots(
        1, len(tasks), figsize=(9, 3.2), sharex=True, sharey=True, layout="constrained"
    )
    colours = sns.color_palette("crest", len(sizes))
    for axis, task in zip(axes, tasks, strict=True):
        axis.axvline(0, color=INK, linewidth=0.8)
        for place, (n, colour) in enumerate(zip(sizes, colours, strict=True)):
            own = table[(table["task"] == task) & (table["n"] == n)].set_index("estimator")
            own = own.loc[estimators]
            rows = [row + 0.3 * (place - (len(sizes) - 1) / 2) for row in range(len(own))]
            style = {"fmt": "o", "markersize": 3, "linewidth": 1, "color": colour}
            # A bias beyond the axis is drawn at its edge.
            bias = own["bias"].clip(-0.22, 0.22)
            axis.errorbar(bias, rows, xerr=own["spread"], label=f"{n:,} texts", **style)
        axis.set(title=task.replace("_", " "), xlim=(-0.24, 0.24), yticks=range(len(estimators)))
        axis.set_yticklabels(estimators)
    axes[0].invert_yaxis()
    figure.supxlabel(
        "bias ± standard deviation over data sets, nats; a bias beyond 0.22 is drawn at the edge",
        x=0.07,
        ha="left",
        size=8,
    )
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower right", ncols=len(sizes))
    return figure


def _speed(rows: pd.DataFrame) -> plt.Figure:
    """Ratios that have a target, with their ranges."""
    aimed = rows[rows["target"].notna()].iloc[::-1]
    figure, axis = plt.subplots(figsize=(7.6, 0.8 + 0.26 * len(aimed)), layout="constrained")
    places = range(len(aimed))
    around = aimed["ratio"] - aimed["ratio_min"], aimed["ratio_max"] - aimed["ratio"]
    axis.errorbar(aimed["ratio"], places, xerr=around, fmt="o", color=INK, markersize=4)
    axis.plot(aimed["target"], places, "|", color=GREY, markersize=11, label="target")
    signs = aimed["lower_is_better"].map({True: "at most", False: "at least"})
    names = aimed["work"] + " / " + aimed["against"] + ", " + aimed["size"] + " (" + signs + ")"
    axis.set(yticks=list(places), xscale="log", xlabel="ratio of times, with its range")
    axis.set_yticklabels(names, fontsize=7)
    axis.xaxis.set_major_formatter("{x:g}")
    axis.margins(y=0.08)
    figure.legend(loc="outside lower right")
    return figure


def _memory(rows: pd.DataFrame) -> plt.Figure:
    """Memory that the work adds, by number of texts: a line for each stage."""
    figure, axis = plt.subplots(figsize=(6.4, 3), layout="constrained")
    for stage, own in rows.groupby("stage", sort=False):
        axis.plot(own["size"], own["own_mb"], marker="o", markersize=3, label=stage)
    axis.set(xlabel="texts", ylabel="memory added by the work, MB")
    axis.xaxis.set_major_formatter("{x:,.0f}")
    figure.legend(loc="outside right upper")
    return figure
