"""The effect of deleting tokens in the order of each measure, compared with a random order."""

import pandas as pd

from attinfo.figures.captions import first, joined, plain, replicates
from attinfo.figures.drawing import Drawing, Missing
from attinfo.figures.marks import dots, few, places, zero
from attinfo.figures.style import in_order, legend, panels
from attinfo.figures.tables import Tables, over_seeds, trained
from attinfo.keys import CELL
from attinfo.labels import counted, label_of

KINDS = {
    "comprehensiveness": "without the top tokens\n(right: more faithful)",
    "sufficiency": "with the top tokens alone\n(left: more faithful)",
}


def erasure(tables: Tables) -> Drawing:
    """Draw AOPC less that of a random order, a row of panels for each encoder."""
    rows = trained(tables.distributions)
    rows = rows[rows["quantity"].isin(KINDS) & rows["value"].notna()]
    if rows.empty:
        raise Missing(
            "No text of two tokens or more had tokens deleted: a larger faithfulness.texts would "
            "add some."
        )
    rows = rows[rows["normaliser"] == rows["normaliser"].iloc[0]]
    rows, left = first(rows, "encoder", 5, "encoder")
    named = rows.rename(columns={"quantity": "kind", "group": "ordering"})
    cells = over_seeds(named, [*CELL, "kind", "ordering"], tables.level)
    orderings = _ordered(in_order(cells["ordering"]))
    encoders, scorers = in_order(cells["encoder"]), tables.looks(in_order(cells["attention"]))
    height = 0.9 + len(encoders) * (0.35 + 0.2 * len(orderings))
    figure, axes = panels(len(encoders), len(KINDS), height, sharex="col", sharey=True)
    seeds = few(rows)
    for row, encoder in enumerate(encoders):
        for axis, kind in zip(axes[row], KINDS, strict=True):
            own = cells[(cells["encoder"] == encoder) & (cells["kind"] == kind)]
            runs = seeds[(seeds["encoder"] == encoder) & (seeds["quantity"] == kind)]
            at = places(own["ordering"], orderings), places(runs["group"], orderings)
            dots(axis, own, scorers, at[0], runs, at[1], room=0.5)
            zero(axis)
            axis.grid(axis="y", visible=False)
        axes[row, 0].set_yticks(range(len(orderings)), [label_of(o) for o in orderings])
        axes[row, 0].set_ylim(len(orderings) - 0.45, -0.55)
        axes[row, 0].set_title(label_of(encoder), loc="left")
    for axis, (kind, label) in zip(axes[-1], KINDS.items(), strict=True):
        axis.set_xlabel(f"{kind} − that of a random order\n{label}")
    legend(figure, scorers)
    return Drawing(figure, cells, _caption(rows, cells, tables.interval, left))


def _ordered(names: list[str]) -> list[str]:
    """Attention and information first."""
    leading = [name for name in ("attention", "information") if name in names]
    return leading + [name for name in names if name not in leading]


def _caption(rows: pd.DataFrame, cells: pd.DataFrame, interval: str, left: str) -> str:
    means = cells.groupby(["kind", "ordering"])["estimate"].mean()
    parts = []
    for kind in KINDS:
        if kind not in means.index.get_level_values(0):
            continue
        own = means[kind]
        top = own.idxmax() if kind == "comprehensiveness" else own.idxmin()
        first_part = f"{kind}: best in the order of {plain(top)} ({own[top]:+.3f} from random)"
        parts.append(
            f"{first_part}, attention {own['attention']:+.3f}."
            if "attention" in own and top != "attention"
            else f"{first_part}."
        )
    seeds = rows["seed"].nunique()
    ticks = "; ticks: the seeds" if len(few(rows)) else ""
    bar = f"Dot: mean over seeds; bar: {interval} over seeds" if seeds > 1 else "Dot: the one seed"
    return joined(
        *[one[:1].upper() + one[1:] for one in parts],
        "How far the probability of the predicted class falls, as a mean over several shares of "
        "deleted tokens (AOPC) and over texts, less the same for a random order.",
        f"{bar}{ticks}.",
        f"{plain(rows['normaliser'].iloc[0])}; {replicates(rows)}, at most "
        f"{counted(int(rows['texts'].max()), 'text')} each.",
        left,
    )
