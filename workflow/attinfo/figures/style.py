"""One style for every figure: colours and shapes of scorers, panels, legends."""

from collections.abc import Iterable, Mapping, Sequence
from colorsys import hls_to_rgb, rgb_to_hls
from contextlib import AbstractContextManager
from math import ceil
from textwrap import fill
from typing import Any, NamedTuple
from zlib import crc32

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
import numpy as np
import pandas as pd
import seaborn as sns

from attinfo.blocks.scorers import SCORERS
from attinfo.labels import label_of

WIDTH = 7.2  # inches, of a figure that fills the page
LETTER = 0.075  # inches, of a letter in a legend
COLOURS: list[str] = list(sns.color_palette("colorblind").as_hex())
SHAPES = "osD^vPX*<>"  # one per scorer too, as colours are lost in a black-and-white print
UNLINED = {"color": "#5b6472", "linestyle": "none", "markersize": 6}  # a shape in a legend
# Red-green colour-blind readers can distinguish blue and vermilion, also from grey.
VERDICT_COLOURS = {
    "supported": "#1261a8",
    "equivalent": "#1261a8",
    "contradicted": "#b23a00",
    "undetermined": "#5b6472",
}
GREY, FAINT, PALE, INK = "#5b6472", "#9aa2ae", "#c9ced6", "#111827"
CONTRAST = 4.5  # of text on white: WCAG 2, level AA


class Look(NamedTuple):
    """How a scorer is drawn."""

    colour: str
    shape: str


def _places(names: Iterable[str]) -> dict[str, int]:
    """The place of each scorer among colours and shapes.

    A registered scorer has its place in the registry. Any other takes a place that its name gives,
    or the next free one.
    """
    names = list(dict.fromkeys(names))
    places = {name: place for place, name in enumerate(SCORERS) if name in names}
    registered = len(SCORERS)
    room = max(len(COLOURS) - registered, 1)
    for name in sorted(set(names) - set(places)):
        first = crc32(name.encode()) % room
        around = (registered + (first + step) % room for step in range(room))
        taken = set(places.values())
        places[name] = next((place for place in around if place not in taken), registered + first)
    return {name: places[name] for name in names}


def palette(names: Iterable[str]) -> dict[str, str]:
    """The colour of each scorer, from a palette that is safe for colour-blind readers.

    A colour depends on the names alone, not on what was drawn before.
    """
    return {name: COLOURS[place % len(COLOURS)] for name, place in _places(names).items()}


def looks(names: Iterable[str], study: Iterable[str] = ()) -> dict[str, Look]:
    """Colour and shape of each scorer.

    Args:
        names: of the scorers of a figure.
        study: of all scorers of the study. With them, scorers that are not registered have the same
            look in every figure of the study.
    """
    names = list(names)
    places = _places([*study, *names])
    return {
        name: Look(COLOURS[places[name] % len(COLOURS)], SHAPES[places[name] % len(SHAPES)])
        for name in names
    }


def heading(block: str, columns: int) -> str:
    """The label of a building block, wrapped to fit above one of so many columns."""
    return fill(label_of(block), 72 // max(columns, 2))


def in_order(values: "pd.Series[Any]") -> list[str]:
    """The distinct values, in the order of their first appearance."""
    return list(dict.fromkeys(values))


def contrast(colour: str) -> float:
    """Contrast of a colour to white, from 1 to 21 (WCAG 2)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return float(1.05 / (np.dot(linear, (0.2126, 0.7152, 0.0722)) + 0.05))


def ink_of(colour: str) -> str:
    """The colour, darkened until text in it can be read on white."""
    h, lightness, s = rgb_to_hls(*to_rgb(colour))
    while contrast(colour) < CONTRAST:
        lightness -= 0.01
        colour = to_hex(hls_to_rgb(h, lightness, s))
    return colour


def applied() -> AbstractContextManager[None]:
    """Apply the style within the context; the style of a notebook returns afterwards."""
    style = sns.axes_style("whitegrid") | {
        "font.family": ["sans-serif"],
        "font.sans-serif": ["DejaVu Sans", "Verdana"],  # the first comes with matplotlib
        "font.size": 9,
        "axes.titlesize": 9,
        "axes.labelsize": 8.5,
        "xtick.labelsize": 8,
        "ytick.labelsize": 8.5,
        "legend.fontsize": 8.5,
        "legend.frameon": False,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": PALE,
        "text.parse_math": False,  # names of classes may have dollars in them
        "text.color": INK,
        "axes.labelcolor": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "grid.color": "#e5e7eb",
        # Text stays text: it takes a third of the size, and a search or a screen reader finds it.
        # Verdana, which other systems have, is as wide as DejaVu Sans.
        "svg.fonttype": "none",
        "svg.hashsalt": "attinfo",
        "path.simplify_threshold": 0.2,
        "figure.dpi": 100,
        "savefig.dpi": 144,
    }
    return mpl.rc_context(style)


def panels(
    rows: int,
    columns: int,
    height: float,
    width: float = WIDTH,
    sharex: Any = True,
    sharey: Any = "row",
) -> tuple[Figure, np.ndarray]:
    """A figure with a grid of [rows, columns] axes; sizes in inches."""
    engine = ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.06)
    figure = Figure(figsize=(width, height), layout=engine)
    axes = figure.subplots(rows, columns, sharex=sharex, sharey=sharey, squeeze=False)
    return figure, axes


def wrapped(
    count: int, per_row: int, height: float, extra: float = 0.6
) -> tuple[Figure, list[Axes]]:
    """A figure with `count` axes in rows of at most `per_row`.

    Each row is `height` inches high, and `extra` inches are added for all. If the last row is
    shorter, the axes above its gaps keep the labels of their x axis.
    """
    columns = min(count, per_row)
    rows = ceil(count / columns)
    figure, axes = panels(rows, columns, rows * height + extra, sharey=True)
    flat = list(axes.ravel())
    for place, axis in enumerate(flat[:count]):
        axis.tick_params(labelbottom=place + columns >= count)
    for axis in flat[count:]:
        axis.remove()
    return figure, flat[:count]


def below(axes: Sequence[Axes], label: str) -> None:
    """Label the x axes whose ticks have labels."""
    for axis in axes:
        if axis.xaxis.get_tick_params()["labelbottom"]:
            axis.set_xlabel(label)


def handle(label: str, **style: Any) -> Line2D:
    """An entry of a legend."""
    return Line2D([], [], label=label, **style)


def legend(
    figure: Figure,
    scorers: Mapping[str, Look],
    extra: Mapping[str, Mapping[str, Any]] | None = None,
    marked: bool = True,
) -> None:
    """Draw one legend below the panels: the scorers, then the line styles in `extra`.

    With `marked` false, scorers have no shape in the legend, as shapes mean something else.
    """
    handles = [
        handle(
            label_of(name),
            color=look.colour,
            marker=look.shape if marked else "",
            linewidth=1.5,
            markersize=5,
        )
        for name, look in scorers.items()
    ]
    handles += [handle(label, **style) for label, style in (extra or {}).items()]
    if handles:
        widest = max(len(str(h.get_label())) for h in handles) * LETTER + 0.7
        columns = max(1, min(len(handles), int(figure.get_figwidth() / widest)))
        figure.legend(handles=handles, loc="outside lower center", ncols=columns)


def within(axis: Axes, low: float, high: float, across: bool = True) -> None:
    """Limit an axis to the possible values; call it last, as intervals may reach beyond them."""
    ends = axis.get_xlim() if across else axis.get_ylim()
    room = 0.03 * (high - low)
    (axis.set_xlim if across else axis.set_ylim)(
        max(ends[0], low - room), min(ends[1], high + room)
    )
    own = axis.xaxis if across else axis.yaxis
    own.set_major_locator(MaxNLocator(5))
    own.set_major_formatter(lambda value, _: f"{value:g}".replace("-", "−"))


def dodge(i: int, count: int, room: float = 0.6) -> float:
    """Offset of the i-th of `count` marks that share a place."""
    return (i - (count - 1) / 2) * room / max(count, 1)
