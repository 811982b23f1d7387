"""Delimited files: what a quote means, and that none swallows rows without a word."""

import csv
from io import StringIO

from hypothesis import assume, given
from hypothesis import strategies as st
import pytest

from attinfo.data.delimited import SEPARATORS, Quoting, parse, with_names
from attinfo.data.encoding import NotATable

ROWS = [["a fine film", "pos"], ["a dull plot", "neg"]] * 20
CHARACTERS = st.characters(codec="utf-8", exclude_characters="\r\n")
PLAIN = st.text(st.sampled_from("ab é東"), min_size=1, max_size=8).filter(str.strip)


def written(rows: list[list[str]], separator: str = ",", quoting: int = csv.QUOTE_MINIMAL) -> str:
    file = StringIO()
    csv.writer(file, delimiter=separator, quoting=quoting).writerows(rows)
    return file.getvalue()


def joined(rows: list[list[str]], separator: str) -> str:
    """Rows as one writes them without thinking of quotes."""
    return "".join(separator.join(row) + "\n" for row in rows)


def refusal(text: str, separator: str, quoting: Quoting = "auto") -> str:
    with pytest.raises(NotATable) as raised:
        parse(text, separator, quoting)
    assert "\n" not in str(raised.value)
    return str(raised.value)


@given(
    st.lists(st.tuples(st.text(CHARACTERS), st.text(CHARACTERS)), min_size=1, max_size=6),
    st.sampled_from([",", "\t"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_what_a_csv_writer_wrote_is_read_back(
    pairs: list[tuple[str, str]], separator: str, quoting: int
) -> None:
    rows = [list(pair) for pair in pairs]
    for mode in ("auto", "standard"):
        assert parse(written(rows, separator, quoting), separator, mode) == rows


@given(st.lists(st.tuples(st.text(CHARACTERS), st.text(CHARACTERS)), min_size=1, max_size=6))
def test_without_quoting_a_line_is_a_row_whatever_it_holds(pairs: list[tuple[str, str]]) -> None:
    rows = [[field.replace("\t", " ") for field in pair] for pair in pairs]
    assert parse(joined(rows, "\t"), "\t", "none") == rows


@given(
    rows=st.lists(st.tuples(PLAIN, st.sampled_from(["pos", "neg"])), min_size=2, max_size=8),
    separator=st.sampled_from(sorted(SEPARATORS)),
    text_first=st.booleans(),
    quotes=st.data(),
)
def test_lone_quotes_lose_no_row_in_silence(
    rows: list[tuple[str, str]], separator: str, text_first: bool, quotes: st.DataObject
) -> None:
    """Whatever is read has every row; else the file is refused and the option named."""
    column = 0 if text_first else 1
    spoilt = [list(row if text_first else row[::-1]) for row in rows]
    for row in spoilt:
        before, after = quotes.draw(st.sampled_from([("", ""), ('"', ""), ("", '"'), ('"', '"')]))
        row[column] = before + row[column] + after
    text = joined(spoilt, separator)
    assert parse(text, separator, "none") == spoilt
    try:
        found = parse(text, separator, "auto")
    except NotATable as error:
        assert "quoting: none" in str(error) or "fields" in str(error)
        assert any('"' in row[column] for row in spoilt)
    else:
        assert [[field.strip('"') for field in row] for row in spoilt] == [
            [field.strip('"') for field in row] for row in found
        ]


@pytest.mark.parametrize("separator", [",", "\t"])
@pytest.mark.parametrize("text_first", [True, False])
def test_a_pair_of_lone_quotes_is_refused_with_its_row_and_the_options(
    separator: str, text_first: bool
) -> None:
    rows = [row[:] if text_first else row[::-1] for row in ROWS]
    column = 0 if text_first else 1
    rows[3][column] = '"' + rows[3][column]
    rows[7][column] += '"'
    text = joined([["text", "label"], *rows], separator)
    message = refusal(text, separator)
    assert "row 4 (line 5)" in message and "4 line breaks" in message
    assert "quoting: none" in message and "quoting: standard" in message
    assert len(parse(text, separator, "none")) == 1 + len(rows)
    assert len(parse(text, separator, "standard")) == 1 + len(rows) - 4


BROKEN = {
    "closed by the next opening one": ({3: '"{}', 6: '"{}'}, "row 4 (line 5): a field"),
    "never closed": ({3: '"{}'}, "row 4 (line 5): a quote is opened and never closed"),
    "within a field": ({3: '"so" {}'}, "row 4 (line 5): a quote stands inside"),
    "escaped by a backslash": ({3: '"he said \\"{}\\" twice"'}, "row 4 (line 5): a quote stands"),
}


@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.parametrize("quoting", ["auto", "standard"])
def test_quotes_that_do_not_match_are_refused(kind: str, quoting: Quoting) -> None:
    changes, expected = BROKEN[kind]
    rows = [row[:] for row in ROWS]
    for row, pattern in changes.items():
        rows[row][0] = pattern.format(rows[row][0])
    message = refusal(joined([["text", "label"], *rows], "\t"), "\t", quoting)
    assert expected in message and "quoting: none" in message


@given(st.text(st.sampled_from("ab\n\r, "), max_size=12))
def test_a_field_of_several_lines_needs_the_option_if_it_holds_a_separator(field: str) -> None:
    text = written([["text", "label"], [field, "pos"]])
    assert parse(text, ",", "standard")[1:] == [[field, "pos"]]
    if "," in field and ("\n" in field or "\r" in field):
        assert "quoting: standard" in refusal(text, ",")
    else:
        assert parse(text, ",") == parse(text, ",", "standard")


@given(st.lists(st.integers(1, 5), min_size=2, max_size=6))
def test_rows_of_unequal_length_are_refused_with_the_line(sizes: list[int]) -> None:
    assume(len(set(sizes)) > 1)
    text = joined([["x"] * size for size in sizes], ",")
    message = refusal(text, ",")
    wrong = [i for i, size in enumerate(sizes) if size != sizes[0]]
    longer = [i for i in wrong if sizes[i] > sizes[0]]
    first = longer[0] if longer else wrong[0]
    assert f"line {first + 1} has {sizes[first]} fields" in message
    assert longer or f"in {len(wrong)} of {len(sizes) - 1} rows" in message


def test_columns_without_a_name_may_be_missing_and_blank_lines_are_no_rows() -> None:
    assert parse("a,b,,\n1,2\n\n  \n3,4,,\n", ",") == [
        ["a", "b", "", ""],
        ["1", "2", "", ""],
        ["3", "4", "", ""],
    ]


@pytest.mark.parametrize(
    ("text", "separator", "columns", "expected"),
    [
        ("text;label\na;b\n", ",", None, "a semicolon"),
        ("text\tlabel\na\tb\n", ",", None, "a tab"),
        ("text,label\na,b\n", "\t", None, "a comma"),
        ("text,label\na,b\n", ",", ["text", "label"], "leave the option out"),
        ("a,b\n", ",", ["text"], "1 columns, but the file has 2"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(
    text: str, separator: str, columns: list[str] | None, expected: str
) -> None:
    with pytest.raises(NotATable, match=expected):
        with_names(parse(text, separator), separator, columns)


def test_the_limit_of_the_csv_module_is_as_before() -> None:
    before = csv.field_size_limit()
    long = "a" * (before + 1)
    assert parse(f"{long},1\n", ",") == [[long, "1"]]
    with pytest.raises(NotATable):
        parse('a,"b', ",")
    assert csv.field_size_limit() == before
