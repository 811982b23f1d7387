"""The effect of each conclusion under every defensible choice of analysis."""

from matplotlib.axes import Axes
import numpy as np
import pandas as pd

from attinfo.claims.specifications import axes_of, robustness
from attinfo.figures.captions import joined
from attinfo.figures.drawing import Drawing, Missing
from attinfo.figures.style import FAINT, GREY, INK, PALE, VERDICT_COLOURS, panels
from attinfo.figures.tables import Tables
from attinfo.labels import counted

CURVE, ROW = 1.3, 0.145  # inches: the height of a curve, and of a row of choices below it
# Marks below this zorder are pixels in the SVG: thousands of specifications as elements of their
# own take megabytes.
AS_PIXELS = 2


def specifications(tables: Tables) -> Drawing:
    """Draw the specification curve of each conclusion: effects in order, the choices below."""
    known = tables.specifications.dropna(subset=["estimate"])
    curves = dict(tuple(known.groupby("claim", sort=False)))
    if not curves:
        raise Missing(
            "No conclusion has runs to be compared: a grid with two scorers, softmax and "
            "gumbel_softmax@0.5, or the variant frozen_scorer would add some."
        )
    ordered = {
        claim: own.sort_values("estimate", kind="stable").reset_index(drop=True)
        for claim, own in curves.items()
    }
    rows = {claim: _choices(own) for claim, own in curves.items()}
    heights = [h for own in rows.values() for h in (CURVE, max(len(own), 1) * ROW)]
    figure, axes = panels(2 * len(ordered), 1, sum(heights) + 0.45 * len(ordered), sharex=False)
    axes[0, 0].get_gridspec().set_height_ratios(heights)
    for place, (claim, own) in enumerate(ordered.items()):
        _curve(axes[2 * place, 0], str(claim), own)
        _matrix(axes[2 * place + 1, 0], own, rows[claim])
    data = pd.concat(ordered.values(), ignore_index=True)
    return Drawing(figure, data, _caption(ordered, tables.interval))


def _choices(own: pd.DataFrame) -> list[tuple[str, str]]:
    """The rows of the matrix: each choice of each axis on which there is more than one."""
    return [
        (axis, str(choice))
        for axis in axes_of(own)
        for choice in own[axis].dropna().unique()
        if own[axis].nunique() > 1
    ]


def _colours(own: pd.DataFrame) -> np.ndarray:
    """Of each specification: as in verdicts, grey where it would not be called."""
    called = np.where(
        own["estimate"] > 0, VERDICT_COLOURS["supported"], VERDICT_COLOURS["contradicted"]
    )
    return np.where(own["called"], called, FAINT)


def _curve(axis: Axes, claim: str, own: pd.DataFrame) -> None:
    place, colours = np.arange(len(own)), _colours(own)
    low, high = own["ci_low"], own["ci_high"]
    axis.vlines(place, low, high, color=colours, linewidth=0.8, alpha=0.45, zorder=0)
    axis.scatter(place, own["estimate"], c=colours, s=7, zorder=1)
    axis.axhline(0, color=GREY, linewidth=0.8)
    axis.set_rasterization_zorder(AS_PIXELS)
    bounds = own[["ci_low", "ci_high"]].fillna({"ci_low": own["estimate"]})
    bounds = bounds.fillna({"ci_high": own["estimate"]})
    ends = np.quantile(bounds.to_numpy(), [0.01, 0.99])
    room = 0.08 * (ends[1] - ends[0])
    axis.set(
        xlim=(-1, len(own)),
        ylim=(min(ends[0], 0) - room, max(ends[1], 0) + room),
        xticks=[],
        ylabel="effect",
    )
    axis.set_title(f"({claim})", loc="left", color=INK, fontweight="bold")


def _matrix(axis: Axes, own: pd.DataFrame, rows: list[tuple[str, str]]) -> None:
    """One row per choice, a mark where a specification has it."""
    colours, names = _colours(own), []
    before = ""
    for y, (name, choice) in enumerate(rows):
        has = np.flatnonzero((own[name].astype(str) == choice).to_numpy())
        axis.vlines(has, y - 0.3, y + 0.3, color=colours[has], linewidth=0.9, zorder=0)
        names.append(f"{name}: {choice}" if name != before else choice)
        if name != before and y:
            axis.axhline(y - 0.5, color=PALE, linewidth=0.6)
        before = name
    axis.set_rasterization_zorder(AS_PIXELS)
    axis.set(xlim=(-1, len(own)), ylim=(len(rows) - 0.5, -0.5), xticks=[], yticks=range(len(rows)))
    axis.set_yticklabels(names, fontsize=6.5)
    axis.grid(visible=False)
    axis.spines["left"].set_visible(False)
    axis.tick_params(length=0)


def _caption(curves: dict[object, pd.DataFrame], interval: str) -> str:
    sentences = []
    for claim, own in curves.items():
        found = robustness(own)
        if found is not None:
            sentences.append(
                f"({claim}): {found.same:.0%} of {counted(found.specifications, 'specification')} "
                f"have the sign of the primary contrast."
            )
    return joined(
        *sentences,
        f"Each column is one way to compute the effect; dot: effect; line: {interval}; below: what "
        "was chosen. Blue: significant support, vermilion: significant and against the conclusion, "
        "grey: not significant. A positive effect supports the conclusion.",
    )
