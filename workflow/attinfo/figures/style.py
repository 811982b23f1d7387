"""One style for every figure: hues, names of blocks, panels, legends."""

from collections.abc import Mapping, Sequence
from colorsys import hls_to_rgb, rgb_to_hls
from contextlib import AbstractContextManager
from math import ceil
from textwrap import fill

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
import numpy as np
import pandas as pd
import seaborn as sns

from attinfo.blocks.catalogue import KINDS
from attinfo.blocks.normalisers import parse_normaliser

WIDTH = 7.2  # inches, of a figure that fills the page
LETTER = 0.075  # inches, of a legend


class Hues(dict):
    """One hue a scorer, everywhere: the colour-blind safe palette of seaborn, in registry order.

    A scorer that a config gives a name of its own takes the next hue that is left.
    """

    def __missing__(self, attention: str) -> str:
        palette = sns.color_palette("colorblind").as_hex()
        self[attention] = palette[len(self) % len(palette)]
        return self[attention]


HUES = Hues()
for _attention in KINDS["attention"]:
    HUES[_attention]  # takes the next hue
SHAPES = "osD^vPX*<>"  # one a scorer too: hues alone fail in print
UNLINED = {"color": "#5b6472", "linestyle": "none", "markersize": 6}  # a shape in a legend
VERDICT_HUES = {
    "supported": "#1a7f4b",
    "equivalent": "#1a7f4b",
    "contradicted": "#b3261e",
    "undetermined": "#5b6472",
}
GREY, PALE, INK = "#5b6472", "#c9ced6", "#111827"
CONTRAST = 4.5  # of text on white: WCAG 2, level AA
NAMES = {
    "bilstm": "BiLSTM",
    "lstm": "LSTM",
    "bigru": "BiGRU",
    "gru": "GRU",
    "cnn": "CNN",
    "mlp": "MLP (per token)",
    "transformer": "Transformer",
    "pretrained": "Pretrained",
    "additive": "Additive",
    "deep": "Deep",
    "scaled_dot": "Scaled dot",
    "dot": "Dot",
    "multiplicative": "Multiplicative",
    "softmax": "softmax",
    "gumbel_softmax": "Gumbel-softmax",
    "entmax15": "1.5-entmax",
    "frozen_scorer": "scorer frozen",
    "frozen_encoder": "encoder frozen",
    "refitted_scorer": "scorer refitted",
    "uniform_evaluation": "uniform at evaluation",
    "label_shuffled": "labels shuffled",
    "linear": "linear probe",
    "knn": "nearest neighbours",
    "stack": "pool of probes",
    "token_type": "the word alone",
}


def name_of(block: str) -> str:
    """How a building block is called in figures and tables."""
    if "@" in block:
        kind, temperature = parse_normaliser(block)
        return f"{name_of(kind)}, τ = {temperature:g}"
    return NAMES.get(block, block.replace("_", " "))


def heading(block: str, columns: int) -> str:
    """The name of a building block above one of so many columns: in lines if it is long."""
    return fill(name_of(block), 72 // max(columns, 2))


def in_order(values: pd.Series) -> list[str]:
    """The distinct values in the order in which the study has them."""
    return list(dict.fromkeys(values))


def contrast(hue: str) -> float:
    """Of a hue against white, from 1 to 21 (WCAG 2)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(hue)]
    return 1.05 / (np.dot(linear, (0.2126, 0.7152, 0.0722)) + 0.05)


def ink_of(hue: str) -> str:
    """The hue, darkened until text in it can be read on white."""
    h, lightness, s = rgb_to_hls(*to_rgb(hue))
    while contrast(hue) < CONTRAST:
        lightness -= 0.01
        hue = to_hex(hls_to_rgb(h, lightness, s))
    return hue


def shape_of(attention: str) -> str:
    """The mark of a scorer."""
    HUES[attention]  # has a place
    return SHAPES[list(HUES).index(attention) % len(SHAPES)]


def applied() -> AbstractContextManager[None]:
    """The style, as long as the context lasts: a notebook's own stays as it is."""
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
        # Text stays text: a third of the size, found by a search, read aloud. Verdana, which other
        # systems have, is as wide as DejaVu Sans.
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
    sharex: bool | str = True,
    sharey: bool | str = "row",
) -> tuple[Figure, np.ndarray]:
    """A grid of [rows, columns] axes; sizes in inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.06)
    axes = figure.subplots(rows, columns, sharex=sharex, sharey=sharey, squeeze=False)
    return figure, axes


def wrapped(
    count: int, per_row: int, height: float, extra: float = 0.6
) -> tuple[Figure, list[Axes]]:
    """`count` axes in rows of at most `per_row`, each `height` inches high, and `extra` for all.

    The last row may be shorter: what is above its gaps keeps the labels of its x axis.
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


def handle(label: str, **style: object) -> Line2D:
    """An entry of a legend."""
    return Line2D([], [], label=label, **style)


def legend(
    figure: Figure,
    attentions: Sequence[str],
    extra: Mapping[str, Mapping[str, object]] | None = None,
    marked: bool = True,
) -> None:
    """One legend below the panels: a scorer a hue and a shape, and what `extra` names.

    Where shapes tell something else, scorers are not `marked`.
    """
    shapes = {a: shape_of(a) if marked else "" for a in attentions}
    handles = [
        handle(name_of(a), color=HUES[a], marker=shapes[a], linewidth=1.5, markersize=5)
        for a in attentions
    ]
    handles += [handle(label, **style) for label, style in (extra or {}).items()]
    if handles:
        widest = max(len(h.get_label()) for h in handles) * LETTER + 0.7
        columns = max(1, min(len(handles), int(figure.get_figwidth() / widest)))
        figure.legend(handles=handles, loc="outside lower center", ncols=columns)


def within(axis: Axes, low: float, high: float, across: bool = True) -> None:
    """Let an axis go no further than values can, once all is drawn: intervals may."""
    ends = axis.get_xlim() if across else axis.get_ylim()
    room = 0.03 * (high - low)
    ends = max(ends[0], low - room), min(ends[1], high + room)
    (axis.set_xlim if across else axis.set_ylim)(*ends)
    own = axis.xaxis if across else axis.yaxis
    own.set_major_locator(MaxNLocator(5))
    own.set_major_formatter(lambda value, _: f"{value:g}".replace("-", "−"))


def dodge(i: int, count: int, room: float = 0.6) -> float:
    """Offset of the i-th of `count` marks that share a place."""
    return (i - (count - 1) / 2) * room / max(count, 1)
