"""A table of the page: as HTML, as CSV to download, as LaTeX for a paper."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup
import pandas as pd
from pandas.api.types import is_numeric_dtype

from attinfo.keys import BLOCKS
from attinfo.labels import label_of, minus

MOST_ROWS = 200  # on the page; the CSV has all
MOST_BYTES = 200_000  # of a CSV inside the page
LONG = 40  # letters; a column of longer texts wraps
SYMBOLS = {  # that text fonts of LaTeX lack
    "<": "$<$",
    ">": "$>$",
    "−": "$-$",
    "–": "--",
    "±": "$\\pm$",
    "×": "$\\times$",
    "≥": "$\\geq$",
    "≤": "$\\leq$",
    "τ": "$\\tau$",
    "ρ": "$\\rho$",
    "Ŷ": "$\\hat{Y}$",
    "→": "$\\rightarrow$",
}
Intervals = dict[str, tuple[str, str]]


@dataclass(frozen=True)
class Table:
    """A table of the page.

    Attributes:
        name: its anchor on the page, and the name of its CSV.
        title: its content in a few words.
        frame: its values, numbers as numbers, as the CSV has them.
        formats: column -> format of its numbers, such as "+.3f" or ".0%"; numbers of other columns
            are written in full.
        intervals: column -> the columns of its bounds, which are written behind it in brackets.
        note: what a reader must know to read it.
        whole: the file in the folder of the study that has more of it.
    """

    name: str
    title: str
    frame: pd.DataFrame
    formats: Mapping[str, str] = field(default_factory=dict)
    intervals: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    note: str = ""
    whole: str = ""

    @property
    def cut(self) -> str:
        """A sentence on the rows that the page leaves out; empty if it shows all."""
        if len(self.frame) <= MOST_ROWS:
            return ""
        return f"The first {MOST_ROWS} of {len(self.frame):,} rows."

    @property
    def html(self) -> Markup:
        """The table as HTML, with all text escaped.

        Cells of numbers have the class `n`, those of a column with long texts the class `long`.
        """
        written = self._written(self.frame.head(MOST_ROWS))
        kinds = {column: self._kind(written, column) for column in written}
        cell, line = Markup("<td{}>{}</td>"), Markup("<tr>{}</tr>\n")
        head = Markup().join(
            Markup('<th scope="col"{}>{}</th>').format(kinds[column], column) for column in written
        )
        rows = (
            line.format(Markup().join(map(cell.format, kinds.values(), row)))
            for row in written.itertuples(index=False, name=None)
        )
        whole = Markup("<table>\n<thead><tr>{}</tr></thead>\n<tbody>\n{}</tbody>\n</table>")
        return whole.format(head, Markup().join(rows))

    @property
    def csv(self) -> str:
        """A link that holds the table as CSV; empty if it is too large for the page."""
        content = self.frame.to_csv(index=False, lineterminator="\n").encode()
        if len(content) > MOST_BYTES:
            return ""
        return f"data:text/csv;charset=utf-8;base64,{b64encode(content).decode()}"

    @property
    def latex(self) -> str:
        """The table for LaTeX, which needs the package booktabs."""
        written = self._written(self.frame)
        columns = ["p{5cm}" if "long" in self._kind(written, c) else "l" for c in written]
        styled = written.style.hide(axis="index").format(escape="latex")
        body = styled.format_index(escape="latex", axis=1).to_latex(
            hrules=True, column_format="".join(columns)
        )
        for symbol, command in SYMBOLS.items():
            body = body.replace(symbol, command)
        return f"% {self.title}\n{body}"

    def _written(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The cells as readers see them; a dash where a value is missing."""
        bounds = [bound for pair in self.intervals.values() for bound in pair]
        written = {}
        for column in frame.columns.drop(bounds):
            cells = _cells(frame[column], self.formats.get(column))
            if column in self.intervals:
                low, high = (
                    _cells(frame[bound], self.formats.get(column))
                    for bound in self.intervals[column]
                )
                cells = [
                    cell if "–" in (a, b) else f"{cell} [{a}, {b}]"
                    for cell, a, b in zip(cells, low, high, strict=True)
                ]
            written[column] = cells
        return pd.DataFrame(written)

    def _kind(self, written: pd.DataFrame, column: str) -> Markup:
        if is_numeric_dtype(self.frame[column]):
            return Markup(' class="n"')
        longest = max(map(len, written[column]), default=0)
        return Markup(' class="long"') if longest > LONG else Markup()


def _cells(values: pd.Series, form: str | None) -> list[str]:
    """Write the values of a column."""
    if not is_numeric_dtype(values):
        return ["–" if pd.isna(value) else str(value) for value in values]
    return ["–" if pd.isna(value) else minus(f"{value:{form or ',.12g'}}") for value in values]


def named(table: pd.DataFrame) -> pd.DataFrame:
    """Label the building blocks, and drop the column of the data set if there is only one."""
    blocks = {c: table[c].map(label_of) for c in (*BLOCKS, "variant") if c in table}
    table = table.assign(**blocks).rename_axis(columns=None)
    if "dataset" in table and table["dataset"].nunique() == 1:
        table = table.drop(columns="dataset")
    return table.rename(columns={"dataset": "data set"})


def by_cell(
    cells: pd.DataFrame, headings: Mapping[str, str], key: Sequence[str], bounded: Sequence[str]
) -> tuple[pd.DataFrame, Intervals]:
    """Pivot `cells.csv` to one row per cell and one column per statistic.

    Args:
        cells: of `cells.csv`.
        headings: statistic -> the heading of its column. Statistics that are undefined in every
            cell are left out.
        key: the columns that name a cell.
        bounded: the statistics that come with the bounds of their interval.

    Returns:
        The table, and the columns of bounds for `Table.intervals`.
    """
    own = cells[cells["statistic"].isin(headings)]
    wide = own.pivot_table(
        index=list(key),
        columns="statistic",
        values=["estimate", "ci_low", "ci_high"],
        aggfunc="first",
        sort=False,
        dropna=False,
    )
    # With `dropna` false there are rows for combinations of blocks that the study does not have.
    wide = wide[wide.index.isin(pd.MultiIndex.from_frame(own[list(key)]))]
    shown: dict[str, pd.Series] = {}
    intervals: Intervals = {}
    for statistic, heading in headings.items():
        if ("estimate", statistic) not in wide or wide["estimate", statistic].isna().all():
            continue
        shown[heading] = wide["estimate", statistic]
        if statistic in bounded:
            low, high = intervals[heading] = f"{heading} low", f"{heading} high"
            shown[low], shown[high] = wide["ci_low", statistic], wide["ci_high", statistic]
    return named(pd.DataFrame(shown, index=wide.index).reset_index()), intervals
