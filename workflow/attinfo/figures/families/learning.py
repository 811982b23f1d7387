"""The learning curves of the trained models."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
import numpy as np
import pandas as pd

from attinfo.figures.captions import first, joined, replicates
from attinfo.figures.drawing import Drawing, Missing
from attinfo.figures.marks import note
from attinfo.figures.style import GREY, UNLINED, heading, in_order, legend, panels
from attinfo.figures.tables import Tables, trained
from attinfo.keys import CELL, RUN
from attinfo.labels import counted, label_of

MODELS = 300  # in the figure; more would hide each other
LINES = {"dev_loss": "-", "train_loss": ":"}


def learning(tables: Tables) -> Drawing:
    """Draw the losses of each trained model by epoch, a panel for each encoder and normaliser."""
    curves = trained(tables.learning)
    curves = curves[curves["epoch"] > 0].dropna(subset=["dev_loss"])
    if curves.empty:
        raise Missing(
            "No trained model has losses of its epochs: a grid with the variant trained would add "
            "one."
        )
    curves, left = first(curves, "encoder", 4, "encoder")
    curves, more = first(curves, "normaliser", 4, "normaliser")
    cells = len(curves[CELL].drop_duplicates())
    curves, rest = first(curves, "seed", max(1, MODELS // cells), "seed")
    encoders, normalisers = in_order(curves["encoder"]), in_order(curves["normaliser"])
    scorers = tables.looks(in_order(curves["attention"]))
    rows = len(normalisers)
    figure, axes = panels(rows, len(encoders), 0.9 + 1.6 * rows, sharey=True)
    for row, normaliser in zip(axes, normalisers, strict=True):
        for axis, encoder in zip(row, encoders, strict=True):
            own = curves[(curves["encoder"] == encoder) & (curves["normaliser"] == normaliser)]
            for name, look in scorers.items():
                _lines(axis, own[own["attention"] == name], look.colour)
            axis.xaxis.set_major_locator(MaxNLocator(5, integer=True))
            if own.empty:
                note(axis, "no such cell")
        label = label_of(normaliser).replace(", ", "\n")
        row[0].set_ylabel(f"{label}\nloss, nats")
    for axis, encoder in zip(axes[0], encoders, strict=True):
        axis.set_title(heading(encoder, len(encoders)))
    for axis in axes[-1]:
        axis.set_xlabel("epoch")
    extra: dict[str, dict[str, Any]] = {
        "dev loss": {"color": GREY, "linestyle": "-"},
        "training loss": {"color": GREY, "linestyle": ":"},
        "kept epoch": {"marker": "o", **UNLINED},
    }
    legend(figure, scorers, extra, marked=False)
    kept = curves[curves["kept"]].set_index(RUN)
    followed = curves.groupby(RUN)["epoch"].max().reindex(kept.index) - kept["epoch"]
    caption = joined(
        f"Kept: epoch {kept['epoch'].median():g} in the median model, {kept['epoch'].min()} to "
        f"{kept['epoch'].max()}, with a dev loss of {kept['dev_loss'].mean():.3f} nats on average; "
        f"{counted(int(followed.median()), 'epoch')} followed in the median model, at least "
        f"{followed.min()}.",
        "A line for each model. The training loss is the mean over the batches of an epoch, with "
        "dropout and Gumbel noise.",
        f"{replicates(curves)}.",
        left,
        more,
        rest,
    )
    return Drawing(figure, curves[[*RUN, "epoch", *LINES, "kept"]], caption)


def _lines(axis: Axes, curves: pd.DataFrame, colour: str) -> None:
    """Draw the curves of the models of one scorer, as one broken line for each loss."""
    for loss, style in LINES.items():
        broken = [
            np.append(own[["epoch", loss]].to_numpy(float), [[np.nan, np.nan]], axis=0)
            for _, own in curves.groupby("seed", sort=False)
        ]
        if broken:
            axis.plot(*np.concatenate(broken).T, style, color=colour, linewidth=0.9, alpha=0.8)
    kept = curves[curves["kept"]]
    axis.plot(kept["epoch"], kept["dev_loss"], "o", color=colour, markersize=3.5)
