"""The conclusions of several studies side by side."""

from matplotlib.figure import Figure
import pandas as pd

from attinfo.claims.across_studies import effect, sentence
from attinfo.claims.verdicts import VERDICTS
from attinfo.figures.captions import joined
from attinfo.figures.drawing import Drawing
from attinfo.figures.marks import bars, zero
from attinfo.figures.style import (
    SHAPES,
    UNLINED,
    VERDICT_COLOURS,
    applied,
    dodge,
    handle,
    in_order,
    panels,
)


def comparison(claims: pd.DataFrame, level: float) -> Drawing:
    """Draw the effect of each primary contrast in each study.

    Args:
        claims: of `compare_claims`.
        level: of the intervals.
    """
    data = claims[claims["role"] == "primary"].reset_index(drop=True)
    with applied():
        return Drawing(_drawn(data), claims, _caption(data, level))


def _drawn(data: pd.DataFrame) -> Figure:
    studies, contrasts = in_order(data["study"]), in_order(data["contrast"])
    shapes = dict(zip(studies, SHAPES * len(studies), strict=False))
    row_height = 0.35 + 0.17 * len(studies)
    figure, axes = panels(1, 1, 0.8 + row_height * len(contrasts))
    axis = axes[0, 0]
    zero(axis)
    for row in data[data["n"] > 0].to_dict("records"):
        beside = dodge(studies.index(row["study"]), len(studies), 0.5)
        place = contrasts.index(row["contrast"]) + 0.1 + beside
        colour = VERDICT_COLOURS[row["verdict"]]
        bars(axis, [place], [row["ci_low"]], [row["ci_high"]], colour, across=True)
        axis.plot(row["estimate"], place, shapes[row["study"]], color=colour, markersize=6)
    for place, contrast in enumerate(contrasts):
        claim = data.loc[data["contrast"] == contrast, "claim"].iloc[0]
        axis.annotate(
            f"({claim}) {contrast}",
            (0, place - 0.36),
            xycoords=("axes fraction", "data"),
            fontsize=8,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )
    axis.set_ylim(len(contrasts) - 0.4, -0.6)
    axis.set_yticks([])
    axis.spines["left"].set_visible(False)
    axis.set_xlabel("effect; to the right supports the conclusion")
    handles = [handle(name, marker=shape, **UNLINED) for name, shape in shapes.items()]
    occurring = set(data["verdict"])
    handles += [
        handle(verdict, color=VERDICT_COLOURS[verdict], linewidth=2)
        for verdict in VERDICTS
        if verdict in occurring or verdict != "equivalent"
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def _caption(data: pd.DataFrame, level: float) -> str:
    sentences = []
    for (claim, _), own in data.groupby(["claim", "contrast"], sort=False):
        reference, *others = own.to_dict("records")
        words = [sentence(reference, row) for row in others]
        start = f"{effect(reference)} in {reference['study']}" if reference["n"] > 0 else "no runs"
        sentences.append(f"({claim}) {start}. {' '.join(words)}")
    return joined(*sentences, f"Mark: effect; bar: {level:.0%} interval.")
