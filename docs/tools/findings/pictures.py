"""Draw the pictures of docs/findings.md and of the README from a collected study."""

from collections.abc import Iterator
import json
from pathlib import Path
from textwrap import fill
from typing import Any

from findings.numbers import is_registered
from matplotlib.ticker import NullLocator
import pandas as pd

from attinfo.agreement.gaps import GAP_BINS
from attinfo.claims.across_studies import table_of
from attinfo.claims.conclusions import BY_NUMERAL
from attinfo.figures.captions import joined, plain
from attinfo.figures.drawing import Drawing, Missing, save
from attinfo.figures.families.across import across
from attinfo.figures.families.specifications import specifications
from attinfo.figures.marks import line_title, titled_lines, zero
from attinfo.figures.style import INK, VERDICT_COLOURS, applied, below, legend, panels, wrapped
from attinfo.figures.tables import CSV, PARQUET, Tables, trained
from attinfo.keys import ALL
from attinfo.labels import counted, label_of

LETTERS = 122  # of a line of a label in the picture of the conclusions
SMALLEST = 1e-4  # gap that is drawn
UNUSED = ("learning", *PARQUET)  # tables that a collected study has not


def draw(folder: Path) -> None:
    """Write all pictures to `figures/` of a collected study: SVG, PNG, numbers and caption."""
    registered = json.loads((folder / "study.json").read_text("utf-8")).get("names", {})
    with applied():
        for name, drawing in drawings(tables_of(folder), registered):
            save(drawing, folder / "figures" / name)
    for path in (folder / "figures").glob("curve_*.csv"):
        path.unlink()  # rows of the table of specifications


def tables_of(folder: Path) -> Tables:
    """The tables of a collected study; those that it has not are empty."""
    read = {n: pd.read_csv(table_of(folder, n)) for n in CSV if n not in UNUSED}
    level = json.loads((folder / "study.json").read_text("utf-8"))["statistics"]["level"]
    return Tables(**read, **dict.fromkeys(UNUSED, pd.DataFrame()), level=level)


def drawings(
    tables: Tables, registered: dict[str, dict[str, str]]
) -> Iterator[tuple[str, Drawing]]:
    """Name and drawing of each picture that the study has something for.

    Args:
        tables: of the study.
        registered: see `findings.numbers.is_registered`.
    """
    yield "conclusions", conclusions(tables)
    cells = trained(tables.cells)
    yield "gaps", gaps(tables._replace(cells=cells[is_registered(cells, registered)]))
    for claim in dict.fromkeys(tables.claims["claim"]):
        own: dict[str, Any] = {
            name: table[table["claim"] == claim]
            for name in ("claims", "across", "specifications")
            if len(table := getattr(tables, name))
        }
        for name, drawer in (("forest", across), ("curve", specifications)):
            try:
                yield f"{name}_{claim}", drawer(tables._replace(**own))
            except Missing:  # too few data sets, or no runs to compare
                continue


def conclusions(tables: Tables) -> Drawing:
    """Draw each conclusion in a line: its effect on each data set, their mean, and a new one."""
    claims = tables.claims[(tables.claims["role"] == "primary")].dropna(subset=["estimate"])
    means = tables.across[tables.across["role"] == "primary"].set_index("claim")
    names = list(dict.fromkeys(claims["claim"]))
    figure, axes = panels(1, 1, 0.5 + 0.72 * len(names))
    axis = axes[0, 0]
    zero(axis)
    for y, claim in enumerate(names):
        own = claims[claims["claim"] == claim]
        (whole,) = own[own["dataset"] == ALL].to_dict("records")
        for row in own[own["dataset"] != ALL].to_dict("records"):
            colour = VERDICT_COLOURS[row["verdict"]]
            axis.plot(row["estimate"], y, "o", color=colour, markersize=4.5, alpha=0.6, mew=0)
        mean = means.loc[claim] if claim in means.index else pd.Series(whole)
        if "new_low" in mean:
            axis.hlines(
                y + 0.2, mean["new_low"], mean["new_high"], color=INK, linewidth=1.2, linestyle=":"
            )
        axis.hlines(y + 0.2, mean["ci_low"], mean["ci_high"], color=INK, linewidth=2.6)
        axis.plot(mean["estimate"], y + 0.2, "D", color=INK, markersize=5)
        words = f"({claim}) {BY_NUMERAL[claim].statement}: {whole['verdict']}"
        title = fill(words, LETTERS, break_on_hyphens=False)
        line_title(axis, y, title, VERDICT_COLOURS[whole["verdict"]], 7, 7.5)
    titled_lines(axis, len(names) - 0.55)
    columns = ["claim", "dataset", "estimate", "ci_low", "ci_high", "verdict"]
    return Drawing(figure, claims[columns].reset_index(drop=True), _conclusions_caption(tables))


def _conclusions_caption(tables: Tables) -> str:
    return joined(
        f"Dot: effect on one of {counted(tables.runs['dataset'].nunique(), 'data set')}. Diamond: "
        f"their mean with its {tables.interval}; dotted: where the effect on a new data set is "
        "expected. Blue: significant support, vermilion: significant and against the conclusion, "
        "grey: not significant."
    )


def gaps(tables: Tables) -> Drawing:
    """Draw the share of pairs in the order of information by their gap, a panel per data set.

    Args:
        tables: of the study, with the cells that are averaged.
    """
    cells = tables.cells
    names = set(cells["normaliser"])
    cells = cells[cells["normaliser"] == ("softmax" if "softmax" in names else min(names))]
    key = ["dataset", "attention"]
    wide = cells.pivot_table("estimate", key, "statistic", "mean", sort=False)
    points = [
        wide[[f"gap_study_{b}", f"concordance_study_{b}"]]
        .set_axis(["gap", "share"], axis=1)
        .assign(decile=b + 1)
        for b in range(GAP_BINS)
    ]
    data = pd.concat(points).dropna().reset_index()
    data = data[data["gap"] >= SMALLEST]
    datasets = list(dict.fromkeys(cells["dataset"]))
    scorers = tables.looks(dict.fromkeys(cells["attention"]))
    figure, axes = wrapped(len(datasets), 4, 1.45, extra=0.7)
    for axis, dataset in zip(axes, datasets, strict=True):
        zero(axis, 0.5, across=False)
        for attention, own in data[data["dataset"] == dataset].groupby("attention", sort=False):
            look = scorers[str(attention)]
            axis.plot(own["gap"], own["share"], f"{look.shape}-", color=look.colour, markersize=3)
        axis.set(xscale="log", xlim=(SMALLEST, 1), xticks=[0.001, 0.01, 0.1])
        axis.xaxis.set_major_formatter("{x:g}")
        axis.xaxis.set_minor_locator(NullLocator())
        axis.set_title(label_of(dataset), fontsize=8)
    below(axes, "gap of two weights")
    axes[0].set_ylabel("share of pairs")
    legend(figure, scorers)
    return Drawing(figure, data.reset_index(drop=True), _gaps_caption(cells))


def _gaps_caption(cells: pd.DataFrame) -> str:
    return joined(
        "Share of pairs of words of a text in which the word with more weight also has more "
        "information, by the difference of the two weights; 0.50 is chance. Points: deciles of the "
        "difference over all pairs of a data set, mean over encoders and seeds. Differences below "
        f"{SMALLEST:g} are not drawn. {plain(cells['normaliser'].iloc[0])}."
    )
