"""The conclusions at a glance."""

from pandas import DataFrame, isna

from attinfo.claims.verdicts import VERDICTS
from attinfo.figures.captions import estimate, joined
from attinfo.figures.drawing import Drawing, Missing
from attinfo.figures.marks import line_title, titled_lines, zero
from attinfo.figures.style import VERDICT_COLOURS, panels
from attinfo.figures.tables import Tables
from attinfo.keys import ALL
from attinfo.labels import counted, listed

COLUMNS = ["claim", "contrast", "n", "estimate", "ci_low", "ci_high", "p_holm", "verdict"]


def verdicts(tables: Tables) -> Drawing:
    """Draw the effect of each primary contrast in the colour of its verdict."""
    claims = tables.claims
    data = claims[(claims["role"] == "primary") & (claims["dataset"] == ALL)]
    data = data[COLUMNS].reset_index(drop=True)
    if data["estimate"].isna().all():
        raise Missing(
            "No conclusion has runs to be compared: a grid with two scorers, softmax and "
            "gumbel_softmax@0.5, or the variant frozen_scorer would add some."
        )
    figure, axes = panels(1, 1, 0.7 + 0.5 * len(data))
    axis = axes[0, 0]
    zero(axis)
    for y, row in enumerate(data.to_dict("records")):
        colour = VERDICT_COLOURS[row["verdict"]]
        axis.hlines(y, row["ci_low"], row["ci_high"], color=colour, linewidth=3, alpha=0.5)
        axis.plot(row["estimate"], y, "o", color=colour, markersize=7)
        verdict = "no runs to compare" if isna(row["estimate"]) else row["verdict"]
        line_title(axis, y, f"({row['claim']}) {row['contrast']}: {verdict}", colour, 9, 8)
    titled_lines(axis, len(data) - 0.6)
    return Drawing(figure, data, _caption(data, tables.interval))


def _caption(data: DataFrame, interval: str) -> str:
    known = data[data["estimate"].notna()]
    sentences = []
    for verdict in VERDICTS:
        own = known[known["verdict"] == verdict]
        effects = [f"({row['claim']}) {estimate(row)}" for row in own.to_dict("records")]
        if effects:
            sentences.append(f"{verdict.capitalize()}: {listed(effects)}.")
    none = data[data["estimate"].isna()]["claim"]
    if len(none):
        sentences.append(f"Without runs to compare: {listed([f'({c})' for c in none])}.")
    low, high = known["n"].min(), known["n"].max()
    seeds = counted(high, "seed") if low == high else f"{low} to {high} seeds"
    tested = int(data["p_holm"].notna().sum())
    return joined(
        *sentences,
        f"Dot: effect of the primary contrast; bar: {interval} over seeds and resampled texts, "
        f"{seeds}. A verdict other than undetermined is significant after Holm's correction for "
        f"{counted(tested, 'contrast')}."
        if tested
        else "",
    )
