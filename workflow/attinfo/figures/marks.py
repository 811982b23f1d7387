"""The marks that figures share: dots with intervals and seeds, by scorer."""

from collections.abc import Sequence

from matplotlib.axes import Axes
import numpy as np
import pandas as pd

from attinfo.figures.style import GREY, HUES, INK, dodge, name_of, shape_of

SEED_MARKS = 300  # of a figure: more would be a cloud, and the interval tells


def dots(
    axis: Axes,
    cells: pd.DataFrame,
    attentions: Sequence[str],
    place: pd.Series,
    runs: pd.DataFrame | None = None,
    runs_place: pd.Series | None = None,
    across: bool = True,
    room: float = 0.6,
    hollow: bool = False,
) -> None:
    """Estimates as dots, intervals as bars, seeds as ticks, one scorer beside the other.

    Args:
        axis: to draw on.
        cells: rows with `attention`, `estimate`, `ci_low`, `ci_high`.
        attentions: all scorers of the figure.
        place: of each row, a whole number; scorers are dodged about it.
        runs: rows with `attention` and `value`, a seed each.
        runs_place: of each of those.
        across: values run to the right, places downwards; else upwards and to the right.
        room: that the scorers share.
        hollow: dots without a filling, for a second kind of the same thing.
    """
    for i, attention in enumerate(attentions):
        own = (cells["attention"] == attention).to_numpy()
        at = place.to_numpy()[own] + dodge(i, len(attentions), room)
        hue, part = HUES[attention], cells[own]
        bars(axis, at, part["ci_low"], part["ci_high"], hue, across)
        values = part["estimate"].to_numpy()
        axis.plot(
            *((values, at) if across else (at, values)),
            shape_of(attention),
            color=hue,
            markersize=5,
            markerfacecolor="white" if hollow else hue,
            zorder=3,
        )
        if runs is not None and runs_place is not None:
            one = (runs["attention"] == attention).to_numpy()
            beside = runs_place.to_numpy()[one] + dodge(i, len(attentions), room)
            seeds = runs["value"].to_numpy()[one]
            shift = min(0.1, room / max(len(attentions), 1) / 2.5)
            axis.plot(
                *((seeds, beside + shift) if across else (beside + shift, seeds)),
                "|" if across else "_",
                color=hue,
                markersize=4,
                markeredgewidth=0.9,
            )


def bars(
    axis: Axes,
    at: np.ndarray | pd.Series,
    low: pd.Series,
    high: pd.Series,
    hue: str,
    across: bool = False,
    width: float = 2,
) -> None:
    """Intervals as one broken line: in SVG a bar for each would take most of the room."""
    ends = np.column_stack([low, high, np.full(len(low), np.nan)]).ravel()
    beside = np.repeat(np.asarray(at, float), 3)
    style = {"color": hue, "linewidth": width, "alpha": 0.55, "solid_capstyle": "butt"}
    axis.plot(*((ends, beside) if across else (beside, ends)), **style)


def places(values: pd.Series, order: Sequence[str]) -> pd.Series:
    """The place of each value in an order."""
    return values.map({value: i for i, value in enumerate(order)}).astype(float)


def downwards(axis: Axes, names: Sequence[str]) -> None:
    """Name the places of a y axis that runs downwards."""
    axis.set_yticks(range(len(names)), [name_of(name) for name in names])
    axis.set_ylim(len(names) - 0.45, -0.55)
    axis.grid(axis="y", visible=False)
    for edge in np.arange(len(names) - 1) + 0.5:
        axis.axhline(edge, color="#eef0f3", linewidth=0.8, zorder=0)


def zero(axis: Axes, at: float = 0.0, across: bool = True) -> None:
    """The line of no effect."""
    (axis.axvline if across else axis.axhline)(at, color=INK, linewidth=0.8, zorder=1)


def seeds_of(runs: pd.DataFrame, statistic: str) -> pd.DataFrame:
    """The runs with `value`, that statistic; none where they are too many, or one a cell."""
    return few(runs.rename(columns={statistic: "value"}))


def few(runs: pd.DataFrame, most: int = SEED_MARKS) -> pd.DataFrame:
    """The runs that are drawn one by one: all, or none."""
    told = runs["seed"].nunique() > 1 and len(runs) <= most
    return runs if told else runs.iloc[:0]


def note(axis: Axes, text: str) -> None:
    """Words where a panel has nothing to show."""
    axis.text(
        0.5, 0.5, text, transform=axis.transAxes, ha="center", va="center", color=GREY, fontsize=8
    )
