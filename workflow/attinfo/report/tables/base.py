"""A table that readers see: as HTML for the page, as CSV to take away, as LaTeX for a paper."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field

from great_tables import GT
from markupsafe import Markup
import pandas as pd

from attinfo.report.template import minus

MOST_ROWS = 200  # on the page; the CSV holds all
MOST_BYTES = 200_000  # of a CSV inside the page
SYMBOLS = {  # what LaTeX's text fonts lack
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


def bounds_of(intervals: Mapping[str, tuple[str, str]]) -> list[str]:
    """The columns that are shown beside others."""
    return [bound for pair in intervals.values() for bound in pair]


@dataclass(frozen=True)
class Table:
    """A table of the page.

    Attributes:
        name: its anchor, and the name of its CSV.
        title: what it holds, in a line.
        frame: its values, numbers as numbers; this is what the CSV holds.
        formats: column -> format of its numbers: "+.3f", ".1f", ".0%"; others stand as they are.
        intervals: column -> the columns of its bounds, shown beside it in brackets.
        note: what a reader must know of it.
        whole: file below the study's results that holds more.
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
        """What the page leaves out of the table, if it does."""
        if len(self.frame) <= MOST_ROWS:
            return ""
        return f"The first {MOST_ROWS} of {len(self.frame):,} rows."

    @property
    def html(self) -> Markup:
        """The table as HTML, text escaped."""
        page = GT(self.frame.head(MOST_ROWS), id=self.name)
        for column, spec in self._specs().items():
            signed, decimals = spec.startswith("+"), int(spec[-2])
            if spec.endswith("%"):
                page = page.fmt_percent(column, decimals=decimals, force_sign=signed)
            else:
                page = page.fmt_number(column, decimals=decimals, force_sign=signed)
        for column, bounds in self.intervals.items():
            page = page.cols_merge([column, *bounds], pattern="{0}<< [{1}, {2}]>>")
        # Bounds that are missing stay so: then their brackets are left out.
        shown = [c for c in self.frame if c not in bounds_of(self.intervals)]
        whole = page.sub_missing(shown, missing_text="–").as_raw_html()
        # Its style sheet is for a page of its own, and reaches beyond it.
        end = "</table>"
        return Markup(whole[whole.index("<table") : whole.rindex(end) + len(end)])

    @property
    def csv(self) -> str:
        """The table as a link that holds it; empty where that would weigh down the page."""
        content = self.frame.to_csv(index=False, lineterminator="\n").encode()
        if len(content) > MOST_BYTES:
            return ""
        return f"data:text/csv;charset=utf-8;base64,{b64encode(content).decode()}"

    @property
    def latex(self) -> str:
        """The table for LaTeX with the package booktabs."""
        shown = self.frame.copy()
        for column, spec in self._specs().items():
            written = shown[column].map(lambda value, spec=spec: minus(f"{value:{spec}}"))
            shown[column] = written.where(shown[column].notna(), "–")
        for column, (low, high) in self.intervals.items():
            bounds = " [" + shown[low] + ", " + shown[high] + "]"
            shown[column] += bounds.where(self.frame[low].notna(), "")
        shown = shown.drop(columns=bounds_of(self.intervals))
        # Long texts wrap; numbers stay on their line.
        widest = shown.astype(str).map(len).max()
        columns = ["p{5cm}" if widest[c] > 40 else "l" for c in shown]
        styled = shown.style.hide(axis="index").format(escape="latex", na_rep="–")
        body = styled.format_index(escape="latex", axis=1).to_latex(
            hrules=True, column_format="".join(columns)
        )
        for symbol, command in SYMBOLS.items():
            body = body.replace(symbol, command)
        return f"% {self.title}\n{body}"

    def _specs(self) -> dict[str, str]:
        """The formats, bounds like what they bound."""
        bounds = {b: self.formats[c] for c, pair in self.intervals.items() for b in pair}
        return {c: spec for c, spec in ({**self.formats, **bounds}).items() if c in self.frame}
