"""Reading of files with separated fields: CSV and TSV. Standard library only.

A text that begins with a lone quote makes a CSV reader take all rows up to the next quote as one
field. So a quoted field that holds both a line break and a separator is accepted only if the config
says that quotes enclose fields (`quoting: standard`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
import csv
from io import StringIO
import re
import sys
from typing import Literal, TypeAlias

from attinfo.data.encoding import NotATable
from attinfo.data.names import bare, shown

Quoting: TypeAlias = Literal["auto", "standard", "none"]
Row: TypeAlias = list[str]

SEPARATORS = {",": "a comma", "\t": "a tab", ";": "a semicolon", "|": "a bar"}
CHARACTERS = "'quoting: none' if quotes are ordinary characters here"


def parse(text: str, separator: str, quoting: Quoting = "auto", *, whole: bool = True) -> list[Row]:
    """The fields of each line that is not blank, as many in every row.

    Args:
        text: the content of a file.
        separator: one character.
        quoting: `standard`: a field that begins with a quote ends with the next one, and may hold
            separators, line breaks and doubled quotes (RFC 4180). `none`: a quote is an ordinary
            character. `auto`: as `standard`, but a field with both a line break and a separator
            is refused.
        whole: whether the text is the whole file, not its beginning.

    Raises:
        NotATable: a field swallows rows, quotes do not match, or a row has more or fewer fields
            than the first. The message has the row, counted without the header, and the line.
    """
    rows: list[Row] = []
    starts: list[int] = []  # the line of each row
    ends = 0  # the line at which the row before ends
    if quoting == "none":
        reader = csv.reader(StringIO(text, ""), delimiter=separator, quoting=csv.QUOTE_NONE)
    else:
        reader = csv.reader(StringIO(text, ""), delimiter=separator, strict=True)
    with _long_fields():
        try:
            for row in reader:
                if quoting == "auto" and reader.line_num > ends + 1:
                    _refuse_swallowed(row, separator, len(rows), ends + 1)
                if len(row) > 1 or (row and row[0].strip()):
                    rows.append(row)
                    starts.append(ends + 1)
                ends = reader.line_num
        except csv.Error as error:
            if whole or "unexpected end of data" not in str(error):
                place = f"row {len(rows)} (line {ends + 1})"
                lines = reader.line_num - ends
                raise NotATable(f"{place}: {_explained(str(error), lines)}") from None
    _refuse_ragged(rows, starts, separator)
    return rows


def with_names(rows: list[Row], separator: str, columns: list[str] | None) -> tuple[Row, list[Row]]:
    """The names of the columns, without blanks around them, and the rows of data.

    Args:
        rows: of `parse`.
        separator: of the fields.
        columns: names of a file that has no header line, else None.

    Raises:
        NotATable: there are more or fewer names than columns, the file has a header although
            names are given, or the header has another separator.
    """
    if not rows:
        raise NotATable("the file is empty, expected a table")
    if columns is None:
        header, rows = list(map(bare, rows[0])), rows[1:]
        if len(header) == 1 and (other := [s for s in SEPARATORS if s in header[0]]):
            raise NotATable(
                f"the header '{shown(header[0])}' is one column, expected "
                f"{_name(separator)} between columns; found {_name(other[0])}"
            )
        return header, rows
    names = list(map(bare, columns))
    if len(names) != len(rows[0]):
        raise NotATable(f"columns names {len(names)} columns, but the file has {len(rows[0])}")
    if list(map(bare, rows[0])) == names:
        raise NotATable(
            "the first line repeats the names that 'columns' gives; leave the option out for a "
            "file with a header"
        )
    return names, rows


@contextmanager
def _long_fields() -> Iterator[None]:
    """Let the csv module read a field of any length: its own limit is 131,072 characters."""
    before = csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _name(separator: str) -> str:
    return SEPARATORS.get(separator, f"'{separator}'")


def _refuse_swallowed(row: Row, separator: str, number: int, line: int) -> None:
    for field in row:
        breaks = len(re.findall(r"\r\n|\r|\n", field))
        if breaks and separator in field:
            raise NotATable(
                f"row {number} (line {line}): a quoted field ('{shown(field[:200])}') holds "
                f"{breaks} line breaks and {_name(separator)}, as if a lone quote had swallowed "
                f"rows; set the source's option {CHARACTERS}, or 'quoting: standard' if the "
                "field is one text"
            )


def _explained(error: str, lines: int) -> str:
    """What an error of the csv module means for a row that reaches over some lines."""
    hint = f"set the source's option {CHARACTERS}, or double the quotes inside a text"
    if "unexpected end of data" in error:
        return f"a quote is opened and never closed; {hint}"
    if "expected after" in error and lines > 1:
        return f"a field that a quote opens swallows {lines} lines; {hint}"
    if "expected after" in error:
        return f"a quote stands inside a quoted field; {hint}"
    return f"cannot be read as a table: {error}"


def _refuse_ragged(rows: list[Row], starts: list[int], separator: str) -> None:
    """Every row has as many fields as the first; columns without a name may be missing."""
    if not rows:
        return
    first = rows[0]
    least = len(first)
    while least > 1 and first[least - 1] == "":
        least -= 1
    for row, line in zip(rows, starts, strict=True):
        if len(row) > len(first):
            raise NotATable(
                f"line {line} has {len(row)} fields, more than the {len(first)} of the first "
                f"line; is {_name(separator)} in an unquoted text?"
            )
    short = [i for i, row in enumerate(rows) if len(row) < least]
    if short:
        found = len(rows[short[0]])
        raise NotATable(
            f"line {starts[short[0]]} has {found} fields, fewer than the {len(first)} of the first "
            f"line: '{shown(first[found])}' is missing in {len(short)} of {len(rows) - 1} rows"
        )
    for row in rows:
        row += [""] * (len(first) - len(row))
