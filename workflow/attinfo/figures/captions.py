"""The words of captions: numbers of the study as text that is plain and is reStructuredText too."""

from collections.abc import Mapping, Sequence

import pandas as pd

from attinfo.figures.style import in_order, name_of

CELL = ("encoder", "attention", "normaliser")


def plain(name: str) -> str:
    """A name of the user's, without what reStructuredText reads as a mark."""
    told = name_of(name)
    for mark in "*`|_":
        told = told.replace(mark, " ")
    kind, comma, temperature = told.partition(", τ = ")  # commas part the items of lists
    return f"{kind} ({temperature})".strip() if comma else told.strip()


def counted(count: int, noun: str) -> str:
    """`1 run`, `2,000 runs`, `3 classes`."""
    ending = "" if count == 1 else "es" if noun.endswith("s") else "s"
    return f"{count:,} {noun}{ending}"


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def estimate(row: Mapping[str, float], signed: bool = True, digits: int = 2) -> str:
    """An estimate with its interval: `+0.31 [+0.25, +0.37]`."""
    form = f"{'+' if signed else ''}.{digits}f"
    told = f"{row['estimate']:{form}}"
    if pd.notna(row["ci_low"]):
        told += f" [{row['ci_low']:{form}}, {row['ci_high']:{form}}]"
    return told


def cell_of(row: Mapping[str, str], but: Sequence[str] = ()) -> str:
    """A cell in words: `BiLSTM with Additive attention, softmax`, less the blocks in `but`."""
    told = [plain(row["encoder"])] if "encoder" not in but else []
    if "attention" not in but:
        told.append(f"{plain(row['attention'])} attention")
    cell = " with ".join(told)
    return cell if "normaliser" in but else f"{cell}, {plain(row['normaliser'])}"


def replicates(runs: pd.DataFrame) -> str:
    """`27 runs, 3 seeds` of a table with a row a run or more."""
    key = [c for c in ("dataset", *CELL, "variant", "seed") if c in runs]
    return (
        f"{counted(len(runs[key].drop_duplicates()), 'run')}, "
        f"{counted(runs['seed'].nunique(), 'seed')}"
    )


def sizes(cells: pd.DataFrame) -> str:
    """`21 cells, 63 runs, 3 seeds each` of a table of cells with their numbers of `seeds`."""
    own = cells.drop_duplicates([c for c in ("dataset", *CELL, "variant") if c in cells])
    most = int(own["seeds"].max())
    each = "each" if (own["seeds"] == most).all() else "each at most"
    runs = counted(int(own["seeds"].sum()), "run")
    return f"{counted(len(own), 'cell')}, {runs}, {counted(most, 'seed')} {each}"


def means_of(
    cells: pd.DataFrame, interval: str, ticks: bool = False, mark: str = "Dot", spread: str = "bar"
) -> str:
    """What the marks of a figure of cells are."""
    several = cells["seeds"].max() > 1
    over = "seeds and resampled texts" if several else "resampled texts, as there is one seed"
    told = f"{mark}: mean over seeds; {spread}: {interval} over {over}"
    return f"{told}{'; ticks: the seeds' * ticks}."


def first(table: pd.DataFrame, column: str, most: int, noun: str) -> tuple[pd.DataFrame, str]:
    """The rows of the first `most` values of a column, and a sentence on what is not drawn."""
    values = in_order(table[column])
    if len(values) <= most:
        return table, ""
    left = counted(len(values) - most, noun)
    kept = table[table[column].isin(values[:most])]
    return kept, f" Not drawn, for want of room: {left}, which the tables of the study have."


def joined(*sentences: str) -> str:
    """A caption of one paragraph."""
    return " ".join(sentence.strip() for sentence in sentences if sentence.strip())
