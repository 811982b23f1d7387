"""What a cell may be: texts, numbers, token lists; what is refused, in every format."""

import datetime
from decimal import Decimal
import math
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tables import changed, classes, columns, held, made, refused, texts, write

from attinfo.data.cells import cell, column, strange
from attinfo.data.tokenization import given_vocabulary, train_tokenizer

MISSING = [None, float("nan"), np.float32("nan"), pd.NA, pd.NaT, np.ma.masked, Decimal("nan")]


@pytest.mark.parametrize("value", MISSING, ids=repr)
def test_what_is_missing_is_an_empty_cell(value: Any) -> None:
    assert cell(value) == "" and strange(value) is None
    assert column(["a", value]) == (["a", ""], None)


@given(st.integers(-(10**9), 10**9))
def test_a_whole_number_is_one_text_whatever_its_type(number: int) -> None:
    for same in (number, float(number), np.int64(number), np.float64(number), Decimal(number)):
        assert cell(same) == str(number)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (np.False_.item(), "false"),
        (0.5, "0.5"),
        (datetime.date(2019, 1, 2), "2019-01-02"),
        ("NA", "NA"),
        ("null", "null"),
        ("None", "None"),
        (" a ", " a "),
    ],
)
def test_a_value_has_one_text(value: Any, text: str) -> None:
    assert cell(value) == text


STRANGE: dict[str, tuple[Any, str]] = {
    "bytes": (b"neg", "bytes"),
    "object": ({"a": 1}, "an object (dict)"),
    "nested list": ([["a"], ["b"]], "a nested list"),
    "list of numbers": ([1, 2], "a list with a value of type int"),
    "list with a null": (["a", None], "a list with a value of type NoneType"),
    "list of objects": ([{"a": 1}], "a list of objects"),
    "list of bytes": ([b"a"], "a list with a value of type bytes"),
    "empty token": (["a", ""], "a list with an empty token"),
    "blank token": (["a", " "], "a list with an empty token"),
    "infinite": (float("inf"), "an infinite number"),
}


@pytest.mark.parametrize("ending", [".jsonl", ".parquet"])
@pytest.mark.parametrize("role", ["text", "label"])
@pytest.mark.parametrize("kind", STRANGE)
def test_objects_are_refused_with_row_and_type(
    tmp_path: Path, kind: str, role: str, ending: str
) -> None:
    value, what = STRANGE[kind]
    if ending == ".jsonl" and "bytes" in kind:
        pytest.skip("JSON has no bytes")
    if ending == ".parquet":  # whose columns hold one type
        table, row = columns() | {role: [value] * 120}, 1
    else:
        table, row = changed(role, {8: value, 9: value}), 8
    message = refused(write(tmp_path / f"t{ending}", table))
    assert message.count(f"column '{role}' ({role}): row {row} holds {what}, expected") == 2


@pytest.mark.parametrize("role", ["text", "label"])
def test_columns_that_the_config_does_not_name_may_hold_anything(tmp_path: Path, role: str) -> None:
    more = {"picture": [b"x"] * 120, "vector": [[1.0, 2.0]] * 120, "more": [{"a": 1}] * 120}
    folder, notes = made(write(tmp_path / "t.parquet", columns() | more))
    assert notes == [] and classes(folder) == ["neg", "pos"]
    again = write(tmp_path / "again.parquet", columns() | more)
    assert "an object (dict)" in refused(again, **{role: "more"})


@pytest.mark.parametrize("ending", [".jsonl", ".parquet"])
@pytest.mark.parametrize("role", ["text", "label"])
def test_missing_cells_are_refused_with_count_and_first_row(
    tmp_path: Path, role: str, ending: str
) -> None:
    message = refused(write(tmp_path / f"t{ending}", changed(role, {5: None, 9: None})))
    found = f"column '{role}' is empty in 2 of 120 rows (first: row 5)"
    assert message.count(found) == 2


@pytest.mark.parametrize("kind", ["floats", "nullable integers", "times", "categories", "booleans"])
def test_a_missing_label_is_no_class_in_any_type(tmp_path: Path, kind: str) -> None:
    whole = pd.Series([0, 1] * 60)
    full: dict[str, Any] = {
        "floats": whole.astype("float64"),
        "nullable integers": whole.astype("Int64"),
        "times": pd.to_datetime(whole, unit="D"),
        "categories": whole.map({0: "no", 1: "yes"}).astype("category"),
        "booleans": whole.astype("boolean"),
    }
    labels = full[kind].copy()
    frame = pd.DataFrame({"text": texts(120), "label": labels})
    frame.to_parquet(tmp_path / "full.parquet")
    assert len(classes(made(tmp_path / "full.parquet")[0])) == 2
    frame["label"] = labels.mask(np.arange(120) % 8 == 3)
    frame.to_parquet(tmp_path / "t.parquet")
    assert "'label' is empty in 15 of 120 rows (first: row 4)" in refused(tmp_path / "t.parquet")


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([0.0, 1.0], ["0", "1"]),
        ([0, 1], ["0", "1"]),
        ([True, False], ["false", "true"]),
        (["NA", "null"], ["NA", "null"]),
        (["None", "nan"], ["None", "nan"]),
        ([datetime.date(2019, 1, 1), datetime.date(2020, 1, 1)], ["2019-01-01", "2020-01-01"]),
    ],
)
def test_labels_of_any_type_are_their_texts(
    tmp_path: Path, labels: list[Any], expected: list[str]
) -> None:
    folder, _ = made(write(tmp_path / "t.parquet", columns() | {"label": labels * 60}))
    assert classes(folder) == expected


TYPES = {
    "large string": pa.large_string(),
    "dictionary": pa.dictionary(pa.int32(), pa.string()),
    "string view": pa.string_view(),
}


@pytest.mark.parametrize("kind", TYPES)
def test_texts_of_every_parquet_type_are_the_same(tmp_path: Path, kind: str) -> None:
    table = columns()
    plain, _ = made(write(tmp_path / "plain.parquet", table))
    arrays = {name: pa.array(cells).cast(TYPES[kind]) for name, cells in table.items()}
    pq.write_table(pa.table(arrays), tmp_path / "t.parquet")
    assert held(made(tmp_path / "t.parquet")[0]) == held(plain)


@pytest.mark.parametrize("role", ["text", "label"])
@pytest.mark.parametrize("value", [["a", "b"], b"neg", {"a": 1}, np.array([1, 2])], ids=repr)
def test_python_objects_that_were_written_as_texts_are_refused(
    tmp_path: Path, role: str, value: Any
) -> None:
    table = columns() | {role: [repr(value)] * 120}
    early = role == "label"  # of a column of texts, more than half are needed
    message = refused(write(tmp_path / "t.csv", table), early=early)
    assert "row 1 holds" in message and "a Python object written as a text" in message


def test_a_text_in_brackets_is_a_text(tmp_path: Path) -> None:
    odd = {3: "['so' they say]", 5: "[laughs]", 9: "{0}", 11: "b'ad'"}
    folder, _ = made(write(tmp_path / "t.csv", changed("text", odd)))
    found = {row["text"] for rows in held(folder).values() for row in rows}
    assert set(odd.values()) <= found


# Lists of tokens.

TOKENS = st.lists(
    st.text(st.sampled_from("aB éß東.-'<>\u3000"), min_size=1), min_size=1, max_size=5
)


@pytest.mark.parametrize("ending", [".jsonl", ".parquet"])
def test_given_tokens_are_kept_with_their_characters_in_the_joined_text(
    tmp_path: Path, ending: str
) -> None:
    odd = ["New York", "it 's", "<br />", "...", "É", "<pad>", "a\nb", "👩‍🔬"]
    lists = [[*text.split(), odd[i % 8]] for i, text in enumerate(texts(120))]
    folder, notes = made(write(tmp_path / f"t{ending}", columns() | {"text": lists}))
    assert notes == []
    rows = [row for rows in held(folder).values() for row in rows]
    found = [
        [row["text"][a:b] for a, b in zip(row["starts"], row["ends"], strict=True)] for row in rows
    ]
    assert sorted(found) == sorted(lists)
    assert all(row["text"] == " ".join(tokens) for row, tokens in zip(rows, found, strict=True))
    assert all(0 not in row["token_ids"] for row in rows)  # no token is taken for padding


def test_tokens_as_the_tokeniser_cuts_them_give_the_same_data_set(tmp_path: Path) -> None:
    table = columns() | {"text": [f"{text.title()} It's 東京 !" for text in texts(120)]}
    whole, _ = made(write(tmp_path / "whole.jsonl", table))
    lists = [text.split(" ") for text in table["text"]]
    cut, _ = made(write(tmp_path / "cut.jsonl", table | {"text": lists}))
    assert held(cut) == held(whole)


@given(st.lists(TOKENS, min_size=1, max_size=8), st.integers(1, 3))
def test_the_vocabulary_of_given_tokens_is_that_of_the_word_tokeniser(
    lists: list[list[str]], least: int
) -> None:
    words = [["".join(filter(str.isalnum, token)) or "x" for token in tokens] for tokens in lists]
    trained = train_tokenizer([" ".join(tokens) for tokens in words], least)
    assert given_vocabulary(words, least).get_vocab() == trained.get_vocab()


def test_long_token_lists_are_cut(tmp_path: Path) -> None:
    lists = [text.split() for text in texts(120)]
    path = write(tmp_path / "t.jsonl", columns() | {"text": lists})
    rows = held(made(path, max_tokens=4)[0])["train"]
    assert {len(row["token_ids"]) for row in rows} == {4}


@pytest.mark.parametrize("value", ["a text", 7])
def test_a_column_of_lists_and_texts_is_refused(tmp_path: Path, value: Any) -> None:
    lists: list[Any] = [text.split() for text in texts(120)]
    lists[9] = value
    path = write(tmp_path / "t.jsonl", columns() | {"text": lists})
    assert "row 1 holds a list, where other rows hold a text" in refused(path, early=False)


@pytest.mark.parametrize("value", [None, []])
def test_a_text_without_a_token_is_empty(tmp_path: Path, value: Any) -> None:
    lists: list[Any] = [text.split() for text in texts(120)]
    lists[9] = value
    path = write(tmp_path / "t.parquet", columns() | {"text": lists})
    assert "column 'text' is empty in 1 of 120 rows (first: row 10)" in refused(path)


def test_token_lists_are_not_cut_into_subwords(tmp_path: Path) -> None:
    lists = [text.split() for text in texts(120)]
    path = write(tmp_path / "t.jsonl", columns() | {"text": lists})
    message = refused(path, early=False, tokenizer="subwords")
    assert "'tokenizer' is 'subwords', expected 'words'" in message


def test_numbers_are_finite_or_refused() -> None:
    assert strange(math.inf) == strange(-math.inf) == "an infinite number"
