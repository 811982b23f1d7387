"""The marks that figures share: dots with intervals and seeds, by scorer."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
import numpy as np
import pandas as pd

from attinfo.figures.style import GREY, INK, Look, dodge
from attinfo.labels import label_of

SEED_MARKS = 300  # per figure; more would hide the intervals


def dots(
    axis: Axes,
    cells: pd.DataFrame,
    scorers: Mapping[str, Look],
    place: pd.Series,
    runs: pd.DataFrame | None = None,
    runs_place: pd.Series | None = None,
    across: bool = True,
    room: float = 0.6,
) -> None:
    """Draw estimates as dots, intervals as bars and seeds as ticks, the scorers side by side.

    Args:
        axis: to draw on.
        cells: rows with `attention`, `estimate`, `ci_low`, `ci_high`.
        scorers: all scorers of the figure.
        place: of each row, a whole number; the scorers are dodged about it.
        runs: rows with `attention` and `value`, one per seed.
        runs_place: of each of those rows.
        across: values run to the right and places downwards; otherwise upwards and to the right.
        room: the space that the scorers of a place share.
    """
    for i, (attention, look) in enumerate(scorers.items()):
        own = (cells["attention"] == attention).to_numpy()
        at = place.to_numpy()[own] + dodge(i, len(scorers), room)
        part = cells[own]
        bars(axis, at, part["ci_low"], part["ci_high"], look.colour, across)
        values = part["estimate"].to_numpy()
        axis.plot(
            *((values, at) if across else (at, values)),
            look.shape,
            color=look.colour,
            markersize=5,
            zorder=3,
        )
        if runs is not None and runs_place is not None:
            one = (runs["attention"] == attention).to_numpy()
            beside = runs_place.to_numpy()[one] + dodge(i, len(scorers), room)
            seeds = runs["value"].to_numpy()[one]
            shift = min(0.1, room / max(len(scorers), 1) / 2.5)
            axis.plot(
                *((seeds, beside + shift) if across else (beside + shift, seeds)),
                "|" if across else "_",
                color=look.colour,
                markersize=4,
                markeredgewidth=0.9,
            )


def bars(
    axis: Axes,
    at: np.ndarray | pd.Series | Sequence[float],
    low: pd.Series | Sequence[float],
    high: pd.Series | Sequence[float],
    colour: str,
    across: bool = False,
    width: float = 2,
) -> None:
    """Draw intervals as one broken line, which takes far less room in an SVG than single bars."""
    ends = np.column_stack([low, high, np.full(len(low), np.nan)]).ravel()
    beside = np.repeat(np.asarray(at, float), 3)
    axis.plot(
        *((ends, beside) if across else (beside, ends)),
        color=colour,
        linewidth=width,
        alpha=0.55,
        solid_capstyle="butt",
    )


def places(values: pd.Series, order: Sequence[str]) -> pd.Series:
    """The place of each value in an order."""
    return values.map({value: i for i, value in enumerate(order)}).astype(float)


def downwards(axis: Axes, names: Sequence[str]) -> None:
    """Label the places of a y axis that runs downwards."""
    axis.set_yticks(range(len(names)), [label_of(name) for name in names])
    axis.set_ylim(len(names) - 0.45, -0.55)
    axis.grid(axis="y", visible=False)
    for edge in np.arange(len(names) - 1) + 0.5:
        axis.axhline(edge, color="#eef0f3", linewidth=0.8, zorder=0)


def zero(axis: Axes, at: float = 0.0, across: bool = True) -> None:
    """Draw the line of no effect."""
    (axis.axvline if across else axis.axhline)(at, color=INK, linewidth=0.8, zorder=1)


def seeds_of(runs: pd.DataFrame, statistic: str) -> pd.DataFrame:
    """The runs to draw one by one, with the statistic as `value`; see `few`."""
    return few(runs.rename(columns={statistic: "value"}))


def few(runs: pd.DataFrame, most: int = SEED_MARKS) -> pd.DataFrame:
    """All runs if they are to be drawn one by one; none if there is one seed, or too many runs."""
    several = runs["seed"].nunique() > 1 and len(runs) <= most
    return runs if several else runs.iloc[:0]


def note(axis: Axes, text: str) -> None:
    """Write a remark in a panel that has nothing to show."""
    axis.text(
        0.5, 0.5, text, transform=axis.transAxes, ha="center", va="center", color=GREY, fontsize=8
    )


def line_title(axis: Axes, y: float, words: str, colour: str, above: float, size: float) -> None:
    """Write the title of a line of a figure above the line, from the left end of the panel.

    Args:
        axis: to draw on.
        y: the place of the line.
        words: of the title.
        colour: of the words.
        above: distance from the line, in points.
        size: of the letters, in points.
    """
    axis.annotate(
        words,
        (0, y),
        xycoords=("axes fraction", "data"),
        xytext=(0, above),
        textcoords="offset points",
        color=colour,
        fontsize=size,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},  # above the line at 0
    )


def titled_lines(axis: Axes, below: float) -> None:
    """Set up a panel whose lines are effects with titles, the first line on top.

    Args:
        axis: to draw on.
        below: the lower end of the panel, as a place of lines.
    """
    axis.set(
        ylim=(below, -0.75),
        yticks=[],
        xlabel="effect, in the unit of its statistic; to the right supports the conclusion",
    )
    axis.grid(axis="y", visible=False)
    axis.spines["left"].set_visible(False)
