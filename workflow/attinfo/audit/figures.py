"""The figures of an audit: maps of layers and heads, orders compared, removal, information."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.colors import CenteredNorm, Normalize
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator
import numpy as np
import pandas as pd

from attinfo.audit.names import BEST, GAIN, HEADS, OWN_HEAD, PROBE, RANDOM, UNTRAINED
from attinfo.audit.words import name_of
from attinfo.figures.drawing import Drawing
from attinfo.figures.style import COLOURS, GREY, INK, WIDTH, handle, panels
from attinfo.labels import listed, minus

VIEW, CONTROL, MEASURE = COLOURS[0], "#9aa2ae", COLOURS[1]
MOST_PANELS = 4
MOST_NUMBERED = 150  # fields of a map that have their number in them


class Tables(NamedTuple):
    """The tables of one checkpoint that figures are drawn from.

    `references`: measures that decide; `column`: the quoted one; `level`: of the intervals.
    """

    agreement: pd.DataFrame
    columns: pd.DataFrame
    removal: pd.DataFrame
    gaps: pd.DataFrame
    information: pd.DataFrame
    references: Sequence[str]
    column: str
    level: float


def drawings(tables: Tables) -> dict[str, tuple[str, Drawing]]:
    """Draw the figures that the tables have values for: name -> title and drawing."""
    makers: Mapping[str, tuple[str, Callable[[Tables], Drawing | None]]] = {
        "maps": ("Which layer and which head agree with the measures?", maps),
        "orders": ("Which orders of words agree with the measures?", orders),
        "gaps": ("Do larger differences of weights agree with the measures more?", gaps),
        "removal": ("Which words change the prediction when they are removed?", removal),
        "information": ("Where is the information about the prediction?", information),
    }
    made = {name: (title, maker(tables)) for name, (title, maker) in makers.items()}
    return {name: (title, own) for name, (title, own) in made.items() if own is not None}


def maps(tables: Tables) -> Drawing | None:
    """Layer x head maps of agreement, of removal, and of the weight that is on no word."""
    heads = tables.columns[tables.columns["view"] == HEADS]
    if heads.empty:
        return None
    names = [f"{measure}:judging" for measure in tables.references]
    heads = heads.assign(tau=heads[names].mean(axis=1))
    kinds = [("tau", "agreement, τ-b", "PuOr_r"), ("removal", "removal, fall", "Blues")]
    kinds = [(*kind,) for kind in kinds if heads[kind[0]].notna().any()]
    kinds += [("special", "on special subwords", "Greys")]
    kinds += [("query", "on the query", "Greys")] if "query" in heads else []
    layers, count = int(heads["layer"].max()), int(heads["head"].max())
    height = max(1.9, 1.2 + 0.19 * layers)
    figure, axes = panels(1, len(kinds), height, sharey=True)
    for axis, (column, label, colours) in zip(axes[0], kinds, strict=True):
        matrix = heads.pivot(index="layer", columns="head", values=column).to_numpy(float)
        image = _map(axis, matrix, colours, centred=column == "tau")
        if matrix.size > MOST_NUMBERED:
            figure.colorbar(image, ax=axis, shrink=0.7)
        axis.set_title(label, loc="left")
        axis.set_xlabel("head")
    axes[0, 0].set_ylabel("layer")
    best = heads.loc[heads["tau"].idxmax()]
    against = listed([name_of(name) for name in tables.references])
    caption = (
        f"One field for each of the {layers} × {count} heads, by the row of the classifying token. "
        f"Agreement: τ-b with {against} on the half of the texts that judges; the largest, "
        f"{best['tau']:+.2f}, is that of head {best['head']:.0f} of layer {best['layer']:.0f}. "
        "Removal: the fall of the probability of the predicted class when the head's top words are "
        "removed, in texts of the other half. Special subwords: share of the weight on subwords "
        "that belong to no word, such as [CLS] and [SEP]."
        f"{' Query: share of the weight on its subwords.' if 'query' in heads else ''}"
        f"{' Numbers are hundredths.' if len(heads) <= MOST_NUMBERED else ''}"
    )
    return Drawing(figure, heads.drop(columns=["column", "view"]), caption)


def _map(axis: Axes, matrix: np.ndarray, colours: str, centred: bool) -> AxesImage:
    """Draw a matrix; fields have numbers, in hundredths, where there is room."""
    layers, count = matrix.shape
    norm = CenteredNorm() if centred else Normalize(vmin=0)
    image = axis.imshow(matrix, aspect="auto", cmap=colours, norm=norm)
    axis.set_xticks(range(0, count, max(1, count // 6)))
    axis.set_xticklabels([str(i + 1) for i in range(0, count, max(1, count // 6))])
    axis.set_yticks(range(layers), [str(i + 1) for i in range(layers)])
    axis.grid(visible=False)
    if matrix.size <= MOST_NUMBERED:
        for (i, j), value in np.ndenumerate(matrix):
            if np.isfinite(value):
                red, green, blue, _ = image.cmap(image.norm(value))
                dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
                text = minus(f"{100 * value:.0f}")
                axis.text(
                    j, i, text, ha="center", va="center", size=5.5, color="w" if dark else INK
                )
    return image


def _dots(axis: Axes, rows: pd.DataFrame, order: Sequence[str], colour: Mapping[str, str]) -> None:
    """A dot and an interval for each ordering, from the top."""
    for place, name in enumerate(order):
        own = rows[rows["ordering"] == name]
        if own.empty or own["estimate"].isna().all():
            continue
        row = own.iloc[0]
        bar = [[row["estimate"] - row["ci_low"]], [row["ci_high"] - row["estimate"]]]
        axis.errorbar(
            row["estimate"], place, xerr=np.abs(bar), fmt="o", color=colour[name], markersize=4.5
        )
    axis.axvline(0, color=GREY, linewidth=0.8, zorder=0)
    axis.set_yticks(range(len(order)), [name_of(name) for name in order])
    axis.set_ylim(len(order) - 0.4, -0.6)
    axis.grid(axis="y", visible=False)


def orders(tables: Tables) -> Drawing | None:
    """Agreement of views and of controls with each measure."""
    rows = tables.agreement[tables.agreement["estimate"].notna()]
    rows = rows[
        ~rows["ordering"].str.startswith(UNTRAINED)
        | (rows["ordering"] == f"{UNTRAINED}:{tables.column}")
    ]
    shown = [*tables.references, GAIN][:MOST_PANELS]
    rows = rows[rows["measure"].isin(shown)]
    if rows.empty:
        return None
    own = rows[rows["measure"].isin(tables.references)]
    mean = own.groupby(["kind", "ordering"], sort=False)["estimate"].mean().reset_index()
    mean["place"] = (mean["kind"] == "control").astype(int)
    mean = mean.sort_values(["place", "estimate"], ascending=[True, False])
    order = mean["ordering"].tolist()
    kind = dict(zip(mean["ordering"], mean["kind"], strict=True))
    colour = {name: VIEW if kind[name] == "view" else CONTROL for name in order}
    measures = [measure for measure in shown if measure in set(rows["measure"])]
    figure, axes = panels(1, len(measures), 0.9 + 0.19 * len(order), sharex=True, sharey=True)
    for axis, measure in zip(axes[0], measures, strict=True):
        _dots(axis, rows[rows["measure"] == measure], order, colour)
        axis.set_title(name_of(measure), loc="left")
        axis.xaxis.set_major_locator(MaxNLocator(4))
        axis.xaxis.set_major_formatter(lambda value, _: minus(f"{value:g}"))
        axis.set_xlabel("τ-b")
    handles = [
        handle("attention view", color=VIEW, marker="o", linestyle="none"),
        handle("control", color=CONTROL, marker="o", linestyle="none"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    best = order[0]
    caption = (
        "The layer or head of each view was chosen on the other half of the texts. Dot: mean over "
        f"texts; bar: {tables.level:.0%} interval over texts. The highest view is "
        f"{name_of(best)}, {mean['estimate'].iloc[0]:+.2f} on average over the references."
    )
    return Drawing(figure, rows, caption)


def removal(tables: Tables) -> Drawing | None:
    """The fall of the probability when top words are removed, or when only they are kept."""
    rows = tables.removal[tables.removal["estimate"].notna()]
    if rows.empty:
        return None
    kinds = {
        "comprehensiveness": "without the top words\n(right: more faithful)",
        "sufficiency": "with the top words only\n(left: more faithful)",
    }
    searched = rows[(rows["of_texts"] == "searched") & (rows["ordering"] == BEST)]
    rows = pd.concat([rows[rows["of_texts"] == "all"], searched])
    own = rows[rows["kind"] == "comprehensiveness"].sort_values("estimate", ascending=False)
    order = own["ordering"].tolist()
    views = set(tables.agreement.loc[tables.agreement["kind"] == "view", "ordering"])
    controls = set(tables.agreement.loc[tables.agreement["kind"] == "control", "ordering"])
    colour = {
        name: VIEW if name in views else CONTROL if name in controls | {RANDOM} else MEASURE
        for name in order
    }
    figure, axes = panels(1, 2, 1.0 + 0.19 * len(order), sharex=False, sharey=True)
    for axis, (kind, label) in zip(axes[0], kinds.items(), strict=True):
        _dots(axis, rows[rows["kind"] == kind], order, colour)
        axis.set_xlabel(f"fall of the probability\n{label}")
    handles = [
        handle("attention view", color=VIEW, marker="o", linestyle="none"),
        handle("measure, best order", color=MEASURE, marker="o", linestyle="none"),
        handle("control", color=CONTROL, marker="o", linestyle="none"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    caption = (
        "Fall of the probability of the predicted class, mean over several shares of the words "
        f"(AOPC). Dot: mean over texts; bar: {tables.level:.0%} interval over texts. The best "
        "order is searched in short texts only, so that its mean is over these."
    )
    return Drawing(figure, rows, caption)


def gaps(tables: Tables) -> Drawing | None:
    """Share of concordant pairs by the gap between two weights."""
    rows = tables.gaps[tables.gaps["share"].notna()]
    if rows.empty:
        return None
    figure, axes = panels(1, 1, 2.5, width=0.7 * WIDTH)
    axis = axes[0, 0]
    for colour, (measure, own) in zip(COLOURS, rows.groupby("measure", sort=False), strict=False):
        axis.fill_between(own["bin"], own["ci_low"], own["ci_high"], color=colour, alpha=0.2)
        axis.plot(own["bin"], own["share"], "o-", color=colour, label=name_of(str(measure)))
    axis.axhline(0.5, color=GREY, linewidth=0.8)
    axis.set_xlabel("tenth of the differences between two weights, smallest first")
    axis.set_ylabel("share of pairs\nin the same order")
    figure.legend(loc="outside lower center", ncols=2)
    first, last = (rows[rows["bin"] == b]["share"].mean() for b in (1, rows["bin"].max()))
    caption = (
        f"Pairs of words of one text, by the difference of their weights in the view "
        f"“{name_of(tables.column)}”. Share of the pairs in which the word with the larger weight "
        f"also has the larger importance: {first:.2f} among the smallest differences, {last:.2f} "
        f"among the largest; 0.5 is chance. Band: {tables.level:.0%} interval over texts."
    )
    return Drawing(figure, rows, caption)


def information(tables: Tables) -> Drawing | None:
    """Usable information about the predicted class, layer by layer."""
    rows = tables.information
    if rows.empty:
        return None
    figure, axes = panels(1, 1, 2.4, width=0.8 * WIDTH)
    axis = axes[0, 0]
    linear = rows[rows["estimator"] == PROBE]
    axis.fill_between(
        linear["layer"],
        linear["ci_low"] / linear["h_output"],
        linear["ci_high"] / linear["h_output"],
        color=VIEW,
        alpha=0.2,
    )
    axis.plot(linear["layer"], linear["mi_over_h"], "o-", color=VIEW, label="linear probe")
    floor = linear["floor_upper"] / linear["h_output"]
    axis.plot(linear["layer"], floor, color=GREY, linestyle=":", label="permutation null, 95 %")
    head = rows[rows["estimator"] == OWN_HEAD]
    if len(head):
        axis.plot(
            head["layer"], head["mi_over_h"], "D", color=MEASURE, label="the model’s own head"
        )
    axis.set_xticks(linear["layer"])
    axis.set_xticklabels(["emb." if layer == 0 else str(layer) for layer in linear["layer"]])
    axis.set_xlabel("layer")
    axis.set_ylabel("I / H")
    figure.legend(loc="outside lower center", ncols=3)
    top = linear.loc[linear["mi_over_h"].idxmax()]
    caption = (
        "Held-out information in the state of a word about the class that the model predicts for "
        "the text, as a share of the entropy of that class. It is largest in "
        f"{'layer ' + format(top['layer'], '.0f') if top['layer'] else 'the embeddings'}, "
        f"{top['mi_over_h']:.2f}. Band: 95% interval over texts; "
        f"{int(linear['n'].iloc[0]):,} words of {int(linear['texts'].iloc[0]):,} texts. "
        "Layer “emb.” holds the embeddings."
    )
    return Drawing(figure, rows, caption)
