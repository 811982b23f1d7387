"""One style for every figure: hues, names of blocks, panels, legends."""

from collections.abc import Mapping

import matplotlib as mpl

mpl.use("Agg")  # before pyplot: no display is needed

from matplotlib.figure import Figure
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

from attinfo.registry import entries, parse_normaliser


class Hues(dict):
    """One hue a scorer, everywhere: the colour-blind safe palette of seaborn, in registry order.

    A scorer that a config gives a name of its own takes the next hue that is left.
    """

    def __missing__(self, attention: str) -> str:
        palette = sns.color_palette("colorblind").as_hex()
        self[attention] = palette[len(self) % len(palette)]
        return self[attention]


HUES = Hues()
for _attention in entries("attention"):
    HUES[_attention]  # takes the next hue
VERDICT_HUES = {
    "supported": "#1a7f4b",
    "equivalent": "#1a7f4b",
    "contradicted": "#b3261e",
    "undetermined": "#6b7280",
}
GREY, INK = "#6b7280", "#111827"
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


def in_order(values: pd.Series) -> list[str]:
    """The distinct values in the order in which the study has them."""
    return list(dict.fromkeys(values))


def apply() -> None:
    """Set the style for all figures of the process."""
    sns.set_theme(
        style="whitegrid",
        rc={
            "font.size": 9,
            "axes.titlesize": 9,
            "axes.labelsize": 8,
            "xtick.labelsize": 8,
            "ytick.labelsize": 8,
            "legend.fontsize": 8,
            "legend.frameon": False,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "grid.color": "#e5e7eb",
            "svg.hashsalt": "attinfo",
            "figure.dpi": 120,
        },
    )


def panels(rows: int, columns: int, width: float, height: float) -> tuple[Figure, np.ndarray]:
    """A grid of axes that share x, and y along each row; sizes in inches."""
    return plt.subplots(
        rows,
        columns,
        figsize=(width, height),
        sharex=True,
        sharey="row",
        squeeze=False,
        layout="constrained",
    )


def legend(figure: Figure, attentions: list[str], extra: Mapping[str, dict] | None = None) -> None:
    """One legend below the panels: a scorer a hue, and what else is named in `extra`."""
    handles = [
        plt.Line2D([], [], color=HUES[a], marker="o", linewidth=1.5, label=name_of(a))
        for a in attentions
    ]
    handles += [plt.Line2D([], [], label=label, **kw) for label, kw in (extra or {}).items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))


def dodge(i: int, count: int, room: float = 0.6) -> float:
    """Offset of the i-th of `count` marks that share a place."""
    return (i - (count - 1) / 2) * room / max(count, 1)
