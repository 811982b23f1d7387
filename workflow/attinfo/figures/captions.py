"""The words of captions: plain text that is valid reStructuredText too."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from attinfo.figures.style import in_order
from attinfo.keys import BLOCKS, GROUP
from attinfo.labels import counted, label_of


def plain(name: str) -> str:
    """The label of a name, without the marks of reStructuredText."""
    label = label_of(name)
    for mark in "*`|_":
        label = label.replace(mark, " ")
    kind, comma, temperature = label.partition(", τ = ")  # commas separate the items of lists
    return f"{kind} ({temperature})".strip() if comma else label.strip()


def estimate(row: Mapping[Any, Any], signed: bool = True, digits: int = 2) -> str:
    """An estimate with its interval: `+0.31 [+0.25, +0.37]`."""
    form = f"{'+' if signed else ''}.{digits}f"
    value = f"{row['estimate']:{form}}"
    if pd.notna(row["ci_low"]):
        value += f" [{row['ci_low']:{form}}, {row['ci_high']:{form}}]"
    return value


def cell_of(row: Mapping[Any, Any], but: Sequence[str] = ()) -> str:
    """A cell in words: `BiLSTM with Additive attention, softmax`, without the blocks in `but`."""
    parts = [plain(row["encoder"])] if "encoder" not in but else []
    if "attention" not in but:
        parts.append(f"{plain(row['attention'])} attention")
    cell = " with ".join(parts)
    return cell if "normaliser" in but else f"{cell}, {plain(row['normaliser'])}"


def replicates(runs: pd.DataFrame) -> str:
    """`27 runs, 3 seeds` of a table with one row or more per run."""
    key = [c for c in (*GROUP, "seed") if c in runs]
    return (
        f"{counted(len(runs[key].drop_duplicates()), 'run')}, "
        f"{counted(runs['seed'].nunique(), 'seed')}"
    )


def sizes(cells: pd.DataFrame) -> str:
    """`21 cells, 63 runs, 3 seeds each` of a table of cells with their numbers of `seeds`."""
    own = cells.drop_duplicates([c for c in GROUP if c in cells])
    most = int(own["seeds"].max())
    each = "each" if (own["seeds"] == most).all() else "each at most"
    runs = counted(int(own["seeds"].sum()), "run")
    return f"{counted(len(own), 'cell')}, {runs}, {counted(most, 'seed')} {each}"


def means_of(
    cells: pd.DataFrame, interval: str, ticks: bool = False, mark: str = "Dot", spread: str = "bar"
) -> str:
    """Explain the marks of a figure of cells.

    Args:
        cells: that are drawn, with their numbers of `seeds`.
        interval: as in "95% interval".
        ticks: whether the seeds are drawn.
        mark, spread: the marks of means and of intervals.
    """
    several = cells["seeds"].max() > 1
    over = "seeds and resampled texts" if several else "resampled texts, as there is one seed"
    words = f"{mark}: mean over seeds; {spread}: {interval} over {over}"
    return f"{words}{'; ticks: the seeds' * ticks}."


def first(table: pd.DataFrame, column: str, most: int, noun: str) -> tuple[pd.DataFrame, str]:
    """Keep the rows of the first `most` values of a column, and say how many are not drawn."""
    values = in_order(table[column])
    if len(values) <= most:
        return table, ""
    left = counted(len(values) - most, noun)
    kept = table[table[column].isin(values[:most])]
    return kept, f"For lack of room, {left} are in the tables only."


def shared(table: pd.DataFrame, column: str, key: Sequence[str] = BLOCKS) -> pd.DataFrame:
    """The rows of the cells in which every value of a column occurs, so that means compare.

    Args:
        table: of cells.
        column: whose values are compared.
        key: the columns that name a cell, `column` aside.
    """
    own = [name for name in key if name != column]
    occurring = table.groupby(own, sort=False)[column].transform("nunique")
    return table[occurring == table[column].nunique()]


def over_cells(cells: pd.DataFrame, key: Sequence[str], having: str) -> str:
    """`mean over the 6 cells with all normalisers`, or the one cell by its name.

    Args:
        cells: over which a caption averages.
        key: the columns that name a cell: `dataset` and building blocks.
        having: what the cells have in common.
    """
    own = cells[list(key)].drop_duplicates()
    if len(own) > 1:
        return f"mean over the {len(own)} cells {having}"
    blocks = [name for name in BLOCKS if name not in own]
    return f"in {cell_of(own.iloc[0], but=blocks)}, the only cell {having}"


def joined(*sentences: str) -> str:
    """Join sentences into the one paragraph of a caption."""
    return " ".join(sentence.strip() for sentence in sentences if sentence.strip())
