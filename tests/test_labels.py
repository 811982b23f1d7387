"""Names that people write: headers, labels, splits, and the values that YAML reads."""

from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
import pytest
from tables import changed, classes, columns, held, made, refused, texts, write
import yaml

from attinfo.config.sections.dataset import Dataset
from attinfo.data.names import SPELLINGS, alike, bare, look_like_splits, near_identical, part_of

NAMES = st.text(st.sampled_from("abcXYZ éß東"), min_size=1, max_size=8).filter(str.strip)
BLANKS = st.text(st.sampled_from(" \t\xa0\u3000\u200b\ufeff"), max_size=3)


@given(NAMES.map(str.strip), BLANKS, BLANKS)
def test_a_name_is_bare_of_blanks_and_invisible_characters(
    name: str, before: str, after: str
) -> None:
    assert bare(f"{before}{name}{after}") == name


WRITINGS = {
    "upper case": str.upper,
    "title": str.title,
    "blanks inside": lambda name: name.replace("_", "  "),
    "hyphen": lambda name: name.replace("_", "-"),
    "full width": lambda name: "".join(
        chr(ord(c) + 0xFEE0) if "!" <= c <= "~" and c != "_" else c for c in name
    ),
    "invisible": lambda name: f"{name[:2]}\u200b{name[2:]}",
}


@pytest.mark.parametrize("writing", WRITINGS)
@given(name=st.from_regex(r"[a-z]{2,5}_[a-z]{2,5}", fullmatch=True))
def test_names_written_otherwise_are_near_identical(writing: str, name: str) -> None:
    other = WRITINGS[writing](name)
    assert alike(other) == alike(name) and near_identical([name, other, "else"]) is not None


@given(st.lists(st.integers(-99, 99), min_size=2, max_size=6, unique=True))
def test_numbers_are_near_identical_only_if_they_are_equal(numbers: list[int]) -> None:
    assert near_identical(map(str, numbers)) is None
    assert near_identical([*map(str, numbers), f"{numbers[0]}.0"]) is not None


@pytest.mark.parametrize("pair", ["ab ac", "1 -1", "C C++", "en de", "a b", "1.5 15", "no none"])
def test_other_names_are_not_near_identical(pair: str) -> None:
    assert near_identical(pair.split()) is None


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".jsonl", ".parquet"])
@pytest.mark.parametrize("blank", [" ", "\xa0", "\ufeff", "\t"])
def test_blanks_around_headers_and_labels_do_not_count(
    tmp_path: Path, ending: str, blank: str
) -> None:
    plain, _ = made(write(tmp_path / f"plain{ending}", columns()))
    table = {f"{blank}text": columns()["text"], f" label{blank}": columns()["label"]}
    table[f" label{blank}"] = [f"{label}{blank}" for label in table[f" label{blank}"]]
    folder, notes = made(write(tmp_path / f"t{ending}", table))
    assert notes == [] and held(folder) == held(plain) and classes(folder) == ["neg", "pos"]
    again, _ = made(write(tmp_path / f"again{ending}", table), text=" text ", label="label ")
    assert held(again) == held(plain)


def test_labels_that_differ_in_blanks_alone_are_noted(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", changed("label", {2: "neg ", 4: " neg"}))
    folder, notes = made(path)
    assert classes(folder) == ["neg", "pos"]
    (line,) = notes
    assert line.startswith(f"{path}: column 'label': ' neg' (1), 'neg' (58), 'neg ' (1)")


@pytest.mark.parametrize("variant", ["NEG", "Neg", "n\u200beg", "ｎｅｇ"])
def test_near_identical_labels_are_refused_or_given_their_class(
    tmp_path: Path, variant: str
) -> None:
    table = changed("label", {2: variant, 4: variant})
    message = refused(write(tmp_path / "t.csv", table))
    assert f"'{variant}' (2 rows)" in message and "'neg' (58 rows)" in message
    assert message.count("'classes'") == 2
    named = {"pos": "pos", "neg": "neg", variant: "neg"}
    folder, notes = made(write(tmp_path / "named.csv", table), classes=named)
    assert classes(folder) == ["pos", "neg"] and notes == []


def test_labels_of_one_number_written_twice_are_refused(tmp_path: Path) -> None:
    table = columns() | {"label": ["1", "1.0", "0"] * 40}
    assert "'1' (40 rows) and '1.0' (40 rows)" in refused(write(tmp_path / "t.csv", table))


def test_names_of_classes_that_are_near_identical_are_refused(tmp_path: Path) -> None:
    named = {"neg": "bad", "pos": "Bad"}
    message = refused(write(tmp_path / "t.csv", columns()), early=False, classes=named)
    assert "'Bad' (60 rows) and 'bad' (60 rows)" in message


# Splits.


def split_columns(names: tuple[str, str, str], column: str) -> dict[str, list[Any]]:
    return columns() | {column: [names[i // 2 % 3] for i in range(120)]}


@pytest.mark.parametrize("column", ["split", "part"])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_stated_spelling_of_a_split_is_recognised(
    tmp_path: Path, spelling: str, column: str
) -> None:
    usual = ("train", "dev", "test")
    names = {part: part for part in usual} | {SPELLINGS[spelling]: f" {spelling.title()}"}
    table = split_columns(tuple(names[part] for part in usual), column)
    named = {"split": {"column": "part"}} if column == "part" else {}
    folder, _ = made(write(tmp_path / "t.csv", table), **named)
    rows = held(folder)
    for i, part in enumerate(usual):
        assert [row["text"] for row in rows[part]] == [
            text for j, text in enumerate(table["text"]) if j // 2 % 3 == i
        ]


@pytest.mark.parametrize("wrong", ["tset", "", "A", "0", "train1", "eval"])
def test_a_split_of_no_known_name_is_refused_with_the_value(tmp_path: Path, wrong: str) -> None:
    table = split_columns(("train", "dev", wrong), "split")
    path = write(tmp_path / "t.csv", table)
    message = refused(path)
    assert f"unknown split '{wrong.lower()}'" in message
    assert f"row 5: column 'split' holds '{wrong}'" in message
    assert message.count("{column: false}") == 2


def test_a_column_of_two_unknown_names_is_not_ignored(tmp_path: Path) -> None:
    table = split_columns(("A", "B", "A"), "split")
    assert "column 'split'" in refused(write(tmp_path / "t.csv", table))
    drawn, _ = made(write(tmp_path / "not.csv", table), split={"column": False})
    plain, _ = made(write(tmp_path / "plain.csv", columns()))
    assert held(drawn) == held(plain)


@pytest.mark.parametrize("column", ["Split", "partition", "which one", "set"])
def test_a_column_that_looks_like_splits_must_be_named_or_dismissed(
    tmp_path: Path, column: str
) -> None:
    table = split_columns(("training", "validation", "testing"), column)
    message = refused(write(tmp_path / "t.csv", table))
    assert message.count(f"column '{column}' holds the names of splits") == 2
    assert f"{{column: {column}}}" in message
    folder, _ = made(write(tmp_path / "named.csv", table), split={"column": column})
    assert {part: len(rows) for part, rows in held(folder).items()} == dict.fromkeys(
        ("train", "dev", "test"), 40
    )
    drawn, notes = made(write(tmp_path / "not.csv", table), split={"column": False})
    assert notes == []
    assert held(drawn) == held(made(write(tmp_path / "plain.csv", columns()))[0])


def test_a_fold_is_noted(tmp_path: Path) -> None:
    table = columns() | {"fold": [i % 5 for i in range(120)]}
    _, (line,) = made(write(tmp_path / "t.csv", table))
    assert "column 'fold' is not used" in line and "validation" in line


@given(st.lists(st.sampled_from([*SPELLINGS, "x", ""]), min_size=1, max_size=4))
def test_only_names_of_two_splits_look_like_splits(values: list[str]) -> None:
    known = all(value in SPELLINGS for value in values)
    assert look_like_splits(values) == (known and len({part_of(v) for v in values}) > 1)


def test_a_file_of_one_split_with_rows_of_another_is_refused(tmp_path: Path) -> None:
    table = columns() | {"split": ["train"] * 60 + ["validation"] * 60}
    path = write(tmp_path / "t.csv", table)
    source = {"path": None, "train": str(path), "test": str(path)}
    assert "holds 'validation' in row 61" in refused(path, early=False, source=source)


# What YAML reads.


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("where: {year: 2019}", ["2019"]),
        ("where: {year: [2018, 2019]}", ["2018", "2019"]),
        ("where: {year: 0.5}", ["0.5"]),
        ("where: {year: 2019-01-31}", ["2019-01-31"]),
        ('where: {year: "no"}', ["no"]),
        ("where: {year: -1}", ["-1"]),
        ("classes: {0: year}", ["0"]),
        ("classes: {a: 2019}", ["2019"]),
        ("bands: {1: [0, 1]}", ["1"]),
    ],
)
def test_a_number_or_a_date_of_yaml_is_its_text(written: str, expected: list[str]) -> None:
    dataset = Dataset.model_validate({"source": {"name": "planted"}} | yaml.safe_load(written))
    found = [*dataset.classes, *dataset.classes.values(), *dataset.bands]
    found += [value for values in dataset.where.values() for value in values]
    assert set(expected) <= set(found)


@pytest.mark.parametrize(
    "written",
    ["no", "yes", "off", "~", "", "1.0", "1.0e+30", "2019-01-01 10:00:00", ".inf"],
)
@pytest.mark.parametrize(
    "place", ["where: {{a: {}}}", "where: {{a: [b, {}]}}", "classes: {{a: {}}}", "text: {}"]
)
def test_what_yaml_reads_from_several_texts_must_be_quoted(place: str, written: str) -> None:
    if written == "" and "[" in place:
        pytest.skip("a list has no empty value")
    given = yaml.safe_load(place.format(written))
    with pytest.raises(ValidationError, match="quote it as it stands in the file"):
        Dataset.model_validate({"source": {"name": "planted"}} | given)
    quoted = yaml.safe_load(place.format(f'"{written or "x"}"'))
    Dataset.model_validate({"source": {"name": "planted"}} | quoted)


@pytest.mark.parametrize("written", ["no", "yes", "~", "1.0"])
@pytest.mark.parametrize(
    "section", ["classes: {{{}: a}}", "where: {{{}: a}}", "bands: {{{}: [0, 1]}}"]
)
def test_a_key_that_yaml_reads_from_several_texts_must_be_quoted(
    section: str, written: str
) -> None:
    given = yaml.safe_load(section.format(written))
    with pytest.raises(ValidationError, match="quote it"):
        Dataset.model_validate({"source": {"name": "planted"}} | given)


def test_a_key_as_number_and_as_text_is_refused() -> None:
    with pytest.raises(ValidationError, match="found '0' twice"):
        Dataset.model_validate({"source": {"name": "planted"}, "classes": {0: "a", "0": "b"}})


def test_rows_are_kept_by_values_whatever_blanks_stand_around_them(tmp_path: Path) -> None:
    table = columns() | {"year": [f" {2018 + i // 2 % 2} " for i in range(120)]}
    path = write(tmp_path / "t.csv", table)
    folder, _ = made(path, where={"year": 2019})
    found = {row["text"] for rows in held(folder).values() for row in rows}
    assert found == {text for i, text in enumerate(texts(120)) if i // 2 % 2}


@pytest.mark.parametrize("asked", [2020, [2019, 2020]])
def test_a_value_of_where_that_no_row_has_is_refused(tmp_path: Path, asked: Any) -> None:
    table = columns() | {"year": [2018 + i // 2 % 2 for i in range(120)]}
    path = write(tmp_path / "t.csv", table)
    message = refused(path, early=False, where={"year": asked})
    assert "where keeps no row for '2020': column 'year' holds '2018', '2019'" in message
