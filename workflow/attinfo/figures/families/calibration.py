"""Estimates of each estimator on tasks whose information is known."""

import pandas as pd
import seaborn as sns

from attinfo.figures.captions import joined, plain
from attinfo.figures.drawing import Drawing, Missing
from attinfo.figures.marks import bars, note
from attinfo.figures.style import INK, handle, in_order, panels
from attinfo.figures.tables import Tables
from attinfo.labels import counted, label_of, listed

TASK = "gaussian"  # every estimator should find it, given enough texts
AXES = "to the right: true information, nats; upwards: estimate, nats"
FAR = 0.35  # of the height above 0: dots further below are triangles at the edge
NONLINEAR = ("xor", "spirals")  # tasks whose information no linear probe can use


def calibration(tables: Tables) -> Drawing:
    """Draw estimates against the truth, a row of panels for each estimator."""
    data = tables.calibration.dropna(subset=["estimate"])
    if data.empty:
        raise Missing("No task of known information was measured: calibration.levels names none.")
    tasks, estimators = in_order(data["task"]), in_order(data["estimator"])
    sizes = sorted(data["n"].unique())
    colours = dict(zip(sizes, sns.color_palette("crest", len(sizes)).as_hex(), strict=True))
    figure, axes = panels(len(estimators), len(tasks), 0.9 + 1.05 * len(estimators), sharey=True)
    most = 1.08 * max(data["truth"].max(), data["estimate"].max())
    least = max(-FAR * most, min(-0.05, 1.1 * data["estimate"].min()))
    for row, estimator in enumerate(estimators):
        for column, task in enumerate(tasks):
            axis = axes[row, column]
            axis.plot([0, most], [0, most], color=INK, linewidth=0.8)
            own = data[(data["estimator"] == estimator) & (data["task"] == task)]
            for n, part in own.groupby("n"):
                low, high = (part["estimate"] + sign * part["spread"] for sign in (-1, 1))
                bars(axis, part["truth"], low, high, colours[n], width=1)
                below = part["estimate"] < least
                inside, edge = part[~below], part[below]
                axis.plot(inside["truth"], inside["estimate"], "o", color=colours[n], markersize=3)
                if len(edge):
                    bottom, style = [least] * len(edge), {"markersize": 5, "clip_on": False}
                    axis.plot(edge["truth"], bottom, "v", color=colours[n], **style)
            axis.grid(visible=False)
            if own.empty:
                note(axis, "–")
            axis.set(xlim=(0, most), ylim=(least, most))
            if row == 0:
                axis.set_title(task.replace("_", "\n"), fontsize=8.5, va="bottom")
        axes[row, 0].set_ylabel(label_of(estimator).replace(" ", "\n", 1), fontsize=8)
    handles = [
        handle(f"{n:,} texts", color=colour, marker="o", linewidth=0)
        for n, colour in colours.items()
    ]
    handles.append(handle("estimate = truth", color=INK, linewidth=0.8))
    figure.legend(handles=handles, loc="outside lower center", ncols=5, title=AXES)
    columns = ["dataset", "task", "estimator", "n", "rank", "level", "truth", "estimate", "spread"]
    return Drawing(figure, data[columns], _caption(data, int((data["estimate"] < least).sum())))


def _caption(data: pd.DataFrame, below: int) -> str:
    known = data[(data["task"] == TASK) & (data["n"] == data["n"].max())]
    means = known.groupby("estimator")[["bias", "truth"]].mean()
    bias = (means["bias"] / means["truth"]).sort_values()
    parts = [f"{plain(str(name))} {value:+.0%}" for name, value in bias.items()]
    linear = data[(data["estimator"] == "linear") & data["task"].isin(NONLINEAR)]
    usable = (
        f"Linear probes find {linear['estimate'].mean() / linear['truth'].mean():.0%} of the "
        "information that only nonlinear probes can use (xor, spirals), as they should."
        if len(linear)
        else ""
    )
    return joined(
        f"Bias on normal classes with {counted(int(data['n'].max()), 'text')}, as a share of the "
        f"truth: {listed(parts)}."
        if parts
        else "",
        usable,
        "The tasks have the width of the study's states, its number of classes, and numbers of "
        "texts that its units have. Dot: mean of repeated data sets; bar: their standard "
        "deviation. Dots of one colour near one truth differ in effective rank.",
        f"{counted(data['task'].nunique(), 'task')}, {counted(len(data), 'setting')}"
        + (f", {below} of them below the axis (triangles)." if below else "."),
    )
