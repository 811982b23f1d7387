"""The figures of the report: each a function of the study's tables, drawn in one style.

To add one: a function `(tables) -> Drawing`, registered in `FIGURES`, and a caption of the same
name in workflow/report/. It is drawn for each data set, unless `OVERALL` names it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
import matplotlib.pyplot as plt
from matplotlib.ticker import MaxNLocator
import pandas as pd
import seaborn as sns

from attinfo.agreement import GAP_BINS
from attinfo.contrasts import ALL
from attinfo.files import whole
from attinfo.style import (
    GREY,
    HUES,
    INK,
    VERDICT_HUES,
    apply,
    dodge,
    in_order,
    legend,
    name_of,
    panels,
)


class Tables(NamedTuple):
    """What the figures are drawn from: the study's tables."""

    claims: pd.DataFrame
    cells: pd.DataFrame
    runs: pd.DataFrame
    information: pd.DataFrame
    calibration: pd.DataFrame

    def of(self, dataset: str) -> "Tables":
        """The tables of one data set; the claims are about all of them."""
        own = {
            name: table[table["dataset"] == dataset].reset_index(drop=True)
            for name, table in self._asdict().items()
            if name != "claims"
        }
        return self._replace(**own)


class Drawing(NamedTuple):
    """A figure, and the numbers in it as a tidy table."""

    figure: Figure
    data: pd.DataFrame


def _trained(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["variant"] == "trained"]


def verdicts(tables: Tables) -> Drawing:
    """The effect of each conclusion's primary contrast."""
    claims = tables.claims
    data = claims[(claims["role"] == "primary") & (claims["dataset"] == ALL)]
    columns = ["claim", "contrast", "n", "estimate", "ci_low", "ci_high", "p_holm", "verdict"]
    data = data[columns].reset_index(drop=True)
    figure, axes = panels(1, 1, 7.2, 3.2)
    axis = axes[0, 0]
    axis.axvline(0, color=INK, linewidth=1)
    for y, row in data.iterrows():
        hue = VERDICT_HUES[row["verdict"]]
        axis.plot([row["ci_low"], row["ci_high"]], [y, y], color=hue, linewidth=3, alpha=0.5)
        axis.plot(row["estimate"], y, "o", color=hue, markersize=7)
        axis.annotate(
            f"({row['claim']}) {row['contrast']}: {row['verdict']}",
            (0, y),
            xycoords=("axes fraction", "data"),
            xytext=(0, 9),
            textcoords="offset points",
            color=hue,
            fontsize=8,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},  # the line at 0 passes
        )
    axis.set(
        ylim=(len(data) - 0.5, -0.75),
        yticks=[],
        xlabel="effect, in the unit of its statistic; to the right supports the conclusion",
    )
    axis.grid(axis="y", visible=False)
    sns.despine(figure, left=True)
    return Drawing(figure, data)


def _cell_panel(
    axis: Axes,
    cells: pd.DataFrame,
    runs: pd.DataFrame,
    statistic: str,
    encoders: list[str],
    attentions: list[str],
) -> None:
    """Encoders down, scorers dodged: mean and interval of each cell, a tick for each seed."""
    for cell in cells.itertuples():
        y = encoders.index(cell.encoder) + dodge(attentions.index(cell.attention), len(attentions))
        hue = HUES[cell.attention]
        axis.plot([cell.ci_low, cell.ci_high], [y, y], color=hue, linewidth=2, alpha=0.6)
        axis.plot(cell.estimate, y, "o", color=hue, markersize=5)
        own = runs[(runs["encoder"] == cell.encoder) & (runs["attention"] == cell.attention)]
        axis.plot(own[statistic], [y + 0.08] * len(own), "|", color=hue, markersize=5)
    axis.set_yticks(range(len(encoders)), [name_of(e) for e in encoders])
    axis.set_ylim(len(encoders) - 0.5, -0.5)


def agreement(tables: Tables) -> Drawing:
    """Agreement of attention with information within texts, by cell."""
    statistics = {"tau_gain": "gain, what a state tells", "tau_pvi": "pvi, at the realised output"}
    cells, runs = _trained(tables.cells), _trained(tables.runs)
    cells = cells[cells["statistic"].isin(statistics)]
    normalisers, encoders = in_order(cells["normaliser"]), in_order(cells["encoder"])
    attentions = in_order(cells["attention"])
    figure, axes = panels(2, len(normalisers), 2.0 + 2.2 * len(normalisers), 4.8)
    for row, (statistic, label) in enumerate(statistics.items()):
        for column, normaliser in enumerate(normalisers):
            axis = axes[row, column]
            here = (cells["normaliser"] == normaliser) & (cells["statistic"] == statistic)
            own = runs[runs["normaliser"] == normaliser]
            _cell_panel(axis, cells[here], own, statistic, encoders, attentions)
            axis.axvline(0, color=INK, linewidth=0.8)
            if row == 0:
                axis.set_title(name_of(normaliser))
            axis.set_xlabel(f"τ-b with {label}")
            axis.xaxis.set_tick_params(labelbottom=True)
    legend(figure, attentions)
    return Drawing(figure, cells)


def information_by_rank(tables: Tables) -> Drawing:
    """Information of the r-th most attended token, against the entropy of the output."""
    data = _trained(tables.information)
    data = data[(data["index"] == "rank") & ~data["spot_check"]]
    data = data[data["normaliser"] == data["normaliser"].iloc[0]]
    encoders, estimators = in_order(data["encoder"]), in_order(data["estimator"])
    figure, axes = panels(len(estimators), len(encoders), 7.6, 1.0 + 2.1 * len(estimators))
    for row, estimator in enumerate(estimators):
        for column, encoder in enumerate(encoders):
            axis = axes[row, column]
            own = data[(data["encoder"] == encoder) & (data["estimator"] == estimator)]
            axis.axhline(own["h_output"].mean(), color=INK, linewidth=1, linestyle="--")
            floor = own.groupby("unit")["floor_upper"].mean()
            axis.fill_between(floor.index + 1, 0, floor, color=GREY, alpha=0.3, linewidth=0)
            for attention, part in own.groupby("attention", sort=False):
                for _, run in part.groupby("seed"):
                    axis.plot(
                        run["unit"] + 1, run["mi_nats"], color=HUES[attention], alpha=0.3, lw=0.8
                    )
                mean = part.groupby("unit")["mi_nats"].mean()
                axis.plot(mean.index + 1, mean, "o-", color=HUES[attention], markersize=3, lw=1.5)
            if row == 0:
                axis.set_title(name_of(encoder))
        axes[row, 0].set_ylabel(f"information, nats\n({name_of(estimator)})")
    for axis in axes[-1]:
        axis.set_xlabel("attention rank (1 = most attended)")
        axis.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    ceiling = {"color": INK, "linestyle": "--", "linewidth": 1}
    extra = {"H(Ŷ), the ceiling": ceiling, "floor": {"color": GREY, "linewidth": 6, "alpha": 0.3}}
    legend(figure, in_order(data["attention"]), extra)
    columns = ["encoder", "attention", "normaliser", "seed", "estimator", "unit", "n", "mi_nats"]
    return Drawing(figure, data[[*columns, "h_output", "floor_upper"]])


def concordance(tables: Tables) -> Drawing:
    """How often the token with more weight has more information, by the gap of the weights."""
    names = [f"concordance_{bin}" for bin in range(GAP_BINS)]
    cells = tables.cells[tables.cells["statistic"].isin(names)]
    cells = cells.assign(decile=cells["statistic"].str.removeprefix("concordance_").astype(int) + 1)
    normaliser = _trained(cells)["normaliser"].iloc[0]
    data = cells[
        (cells["normaliser"] == normaliser) & cells["variant"].isin(["trained", "permuted"])
    ]
    encoders = in_order(_trained(data)["encoder"])
    figure, axes = panels(1, len(encoders), 7.6, 3.2)
    for axis, encoder in zip(axes[0], encoders, strict=True):
        axis.axhline(0.5, color=INK, linewidth=0.8)
        own = data[data["encoder"] == encoder]
        for (attention, variant), part in own.groupby(["attention", "variant"], sort=False):
            hue = HUES[attention] if variant == "trained" else GREY
            line = "-" if variant == "trained" else ":"
            axis.fill_between(
                part["decile"], part["ci_low"], part["ci_high"], color=hue, alpha=0.15, linewidth=0
            )
            axis.plot(part["decile"], part["estimate"], f"o{line}", color=hue, markersize=3, lw=1.5)
        axis.set_title(name_of(encoder))
        axis.set_xlabel("decile of the attention gap\n(1 = nearly equal weights)")
        axis.set_xticks(range(1, GAP_BINS + 1))
    axes[0, 0].set_ylabel("share of pairs concordant\nwith information (gain)")
    extra = (
        {"weights permuted": {"color": GREY, "linestyle": ":"}}
        if "permuted" in set(data["variant"])
        else {}
    )
    legend(figure, in_order(data["attention"]), extra)
    return Drawing(figure, data)


def skew(tables: Tables) -> Drawing:
    """How unequal the weights are, by normaliser."""
    statistics = {
        "entropy_ratio": "entropy / that of\nequal weights",
        "max_weight": "largest weight",
        "gini": "Gini coefficient",
    }
    cells = _trained(tables.cells)
    cells = cells[cells["statistic"].isin(statistics)]
    encoders = in_order(cells["encoder"])
    normalisers = in_order(
        cells["normaliser"].sort_values(key=lambda s: s.str.startswith("gumbel"), kind="stable")
    )
    attentions = in_order(cells["attention"])
    figure, axes = panels(len(statistics), len(encoders), 7.6, 5.6)
    for row, (statistic, label) in enumerate(statistics.items()):
        for column, encoder in enumerate(encoders):
            axis = axes[row, column]
            own = cells[(cells["statistic"] == statistic) & (cells["encoder"] == encoder)]
            for cell in own.itertuples():
                x = normalisers.index(cell.normaliser)
                x += dodge(attentions.index(cell.attention), len(attentions), 0.45)
                hue = HUES[cell.attention]
                axis.plot([x, x], [cell.ci_low, cell.ci_high], color=hue, linewidth=2, alpha=0.6)
                axis.plot(x, cell.estimate, "o", color=hue, markersize=5)
            axis.set_ylim(-0.03, 1.03)
            axis.set_xticks(
                range(len(normalisers)), [name_of(n).replace(", ", "\n") for n in normalisers]
            )
            axis.set_xlim(-0.5, len(normalisers) - 0.5)
            axis.tick_params(axis="x", labelsize=7)
            if row == 0:
                axis.set_title(name_of(encoder))
        axes[row, 0].set_ylabel(label)
    legend(figure, attentions)
    return Drawing(figure, cells)


def ablations(tables: Tables) -> Drawing:
    """What each ablation changes against the trained model of the same seed."""
    statistics = {
        "tau_gain": "agreement, τ-b with gain",
        "information_instance": "information, I/H(Ŷ)",
        "accuracy": "test accuracy",
    }
    key = ["dataset", "encoder", "attention", "normaliser", "seed"]
    trained = _trained(tables.runs).set_index(key)[list(statistics)]
    ablated = tables.runs[tables.runs["variant"] != "trained"].set_index(key)
    if ablated.empty:
        return missing("this study has no ablations")
    data = ablated[list(statistics)] - trained.reindex(ablated.index)
    data = data.assign(variant=ablated["variant"]).reset_index()
    variants, attentions = in_order(data["variant"]), in_order(data["attention"])
    figure, axes = plt.subplots(
        1, len(statistics), figsize=(7.6, 3.4), sharey=True, squeeze=False, layout="constrained"
    )
    for axis, (statistic, label) in zip(axes[0], statistics.items(), strict=True):
        axis.axvline(0, color=INK, linewidth=0.8)
        for (variant, attention), part in data.groupby(["variant", "attention"], sort=False):
            y = variants.index(variant) + dodge(attentions.index(attention), len(attentions))
            hue = HUES[attention]
            axis.plot(part[statistic], [y] * len(part), "|", color=hue, markersize=7)
            if part[statistic].notna().any():
                axis.plot(part[statistic].mean(), y, "o", color=hue, markersize=5)
            else:
                note = axis.text(0, y, " undefined", color=GREY, fontsize=7, va="center")
                note.set_in_layout(False)
        axis.set_yticks(range(len(variants)), [name_of(v) for v in variants])
        axis.set_ylim(len(variants) - 0.5, -0.5)
        axis.set_xlabel(f"{label}\nablation − trained")
    legend(figure, attentions)
    return Drawing(figure, data)


def calibration(tables: Tables) -> Drawing:
    """What the estimators find where the truth is known."""
    data = tables.calibration
    tasks, estimators = in_order(data["task"]), in_order(data["estimator"])
    sizes = sorted(data["n"].unique())
    hues = dict(zip(sizes, sns.color_palette("crest", len(sizes)), strict=True))
    figure, axes = panels(len(estimators), len(tasks), 7.6, 0.9 + 1.35 * len(estimators))
    most = 1.08 * data["truth"].max()
    for row, estimator in enumerate(estimators):
        for column, task in enumerate(tasks):
            axis = axes[row, column]
            axis.plot([0, most], [0, most], color=INK, linewidth=0.8)
            own = data[(data["estimator"] == estimator) & (data["task"] == task)]
            for n, part in own.groupby("n"):
                axis.errorbar(
                    part["truth"],
                    part["estimate"],
                    part["spread"],
                    fmt="o",
                    color=hues[n],
                    markersize=3,
                    linewidth=1,
                    alpha=0.8,
                )
            axis.set(xlim=(0, most), ylim=(-0.05, most))
            if row == 0:
                axis.set_title(task.replace("_", "\n"), fontsize=8)
        axes[row, 0].set_ylabel(name_of(estimator).replace(" ", "\n", 1))
    axes[-1, len(tasks) // 2].set_xlabel("true information, nats")
    figure.supylabel("estimate, nats", fontsize=8)
    handles = [
        plt.Line2D([], [], color=hue, marker="o", linewidth=0, label=f"{n} texts")
        for n, hue in hues.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return Drawing(figure, data)


FIGURES: dict[str, Callable[[Tables], Drawing]] = {
    "verdicts": verdicts,
    "agreement": agreement,
    "information_by_rank": information_by_rank,
    "concordance": concordance,
    "skew": skew,
    "ablations": ablations,
    "calibration": calibration,
}
OVERALL = ("verdicts",)  # drawn once, from all data sets


def missing(reason: str) -> Drawing:
    """A figure that says why there is nothing to draw."""
    figure, axes = panels(1, 1, 7.2, 1.0)
    axes[0, 0].text(0.5, 0.5, reason, ha="center", va="center", color=GREY)
    axes[0, 0].set_axis_off()
    return Drawing(figure, pd.DataFrame({"missing": [reason]}))


def draw_all(tables: Tables, folder: str | Path) -> None:
    """Write every figure as SVG and PNG, and its data as CSV, into a folder.

    The figures of a data set stand in a folder of its name.
    """
    apply()
    for name in OVERALL:
        _draw(name, tables, Path(folder))
    for dataset in in_order(tables.runs["dataset"]):
        for name in FIGURES.keys() - OVERALL:
            _draw(name, tables.of(dataset), Path(folder, dataset))


def _draw(name: str, tables: Tables, folder: Path) -> None:
    try:
        drawing = FIGURES[name](tables)
    except IndexError:  # nothing of the kind in this study
        drawing = missing(f"this study has no runs to draw '{name}' from")
    for suffix in (".svg", ".png"):
        with whole(folder / f"{name}{suffix}") as path:
            drawing.figure.savefig(path, metadata={"Date": None} if suffix == ".svg" else None)
    plt.close(drawing.figure)
    with whole(folder / f"{name}.csv") as path:
        drawing.data.to_csv(path, index=False, lineterminator="\n")
