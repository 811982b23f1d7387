"""From a raw table to token ids: splits, vocabulary, offsets, and what is refused."""

import csv
import json
import logging
from pathlib import Path
import runpy
from types import SimpleNamespace
from typing import Any

from conftest import Planted, write_planted
from datasets import load_from_disk
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pandas as pd
import pytest
from tokenizers import Tokenizer

import attinfo
from attinfo.blocks.sources import SOURCES
from attinfo.config.sections.dataset import Dataset
from attinfo.data.batches import batches, pad
from attinfo.data.described import duplicates
from attinfo.data.prepare import SPECIAL, prepare, tokenize, train_tokenizer
from attinfo.data.sources.planted import planted as planted_source
from attinfo.data.splits import apportioned, capped, complete, named, split
from attinfo.data.texts import read_arrow, read_summary, read_texts
from attinfo.runtime.errors import InputError

PARTS = ("train", "dev", "test")
SCRIPTS = Path(attinfo.__file__).parents[1] / "scripts"
Rows = list[list[str]]


def make(folder: Path, source: Path | dict[str, Any], **settings: Any) -> Path:
    """The data set of a file or source, made by the two scripts as the workflow runs them."""
    if isinstance(source, Path):
        source = {"name": "files", "path": str(source)}
    options = Dataset.model_validate({"source": source} | settings).model_dump(mode="json")
    paths = {"raw": str(folder / "raw.parquet"), "data": str(folder / "data")}
    block = SOURCES[options["source"]["name"]]
    given = {key: value for key, value in options["source"].items() if key != "name"}
    source = {"name": block.name, "path": block.path, "options": given}
    for script, slice_of in (("download.py", source), ("prepare.py", options)):
        job = SimpleNamespace(
            input=SimpleNamespace(**paths),
            output=SimpleNamespace(**paths),
            params=SimpleNamespace(options=slice_of),
            log=[str(folder / f"{script}.log")],
        )
        try:
            runpy.run_path(str(SCRIPTS / script), init_globals={"snakemake": job})
        finally:
            for handler in logging.getLogger().handlers[:]:
                if isinstance(handler, logging.FileHandler):
                    logging.getLogger().removeHandler(handler)
                    handler.close()
    return folder / "data"


def refusal(folder: Path, source: Path | dict[str, Any], **settings: Any) -> str:
    """The line with which the workflow refuses a data set; nothing is left of it."""
    with pytest.raises(SystemExit) as raised:
        make(folder, source, **settings)
    message = str(raised.value)
    assert message.startswith("error: ") and "\n" not in message
    assert not (folder / "data").exists()
    assert [path for path in folder.iterdir() if path.name.startswith(".")] == []
    return message.removeprefix("error: ")


def parts_of(folder: Path) -> dict[str, list[tuple[str, str]]]:
    """The texts of each split with the names of their classes."""
    stored = load_from_disk(str(folder / "texts"))
    names = stored["train"].features["label"].names
    return {part: [(r["text"], names[r["label"]]) for r in stored[part]] for part in PARTS}


def all_of(folder: Path) -> list[tuple[str, str]]:
    """The texts of all splits with the names of their classes."""
    return [row for rows in parts_of(folder).values() for row in rows]


@given(
    counts=st.lists(st.integers(10, 60), min_size=2, max_size=4),
    train=st.floats(0.2, 0.8),
    dev=st.floats(0.05, 0.19),
    seed=st.integers(0, 99),
)
@settings(max_examples=50)
def test_splits_are_disjoint_cover_every_row_and_hold_their_share_of_each_class(
    counts: list[int], train: float, dev: float, seed: int
) -> None:
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    rows = split(labels, train, dev, seed)
    assert sorted(np.concatenate(list(rows.values()))) == list(range(len(labels)))
    for name, share in zip(PARTS, (train, dev, 1 - train - dev), strict=True):
        held = np.bincount(labels[rows[name]], minlength=len(counts))
        assert (np.abs(held - share * np.array(counts)) <= 1).all()


@given(seed=st.integers(0, 99))
@settings(max_examples=10)
def test_splits_depend_on_the_seed_and_on_nothing_else(seed: int) -> None:
    labels = np.repeat([0, 1], 50)
    first, again, other = (split(labels, 0.7, 0.1, s) for s in (seed, seed, seed + 1))
    assert all((first[part] == again[part]).all() for part in PARTS)
    assert any((first[part] != other[part]).any() for part in PARTS)


@given(
    counts=st.lists(st.integers(30, 60), min_size=2, max_size=4),
    held=st.sampled_from([("dev",), ("test",), ("dev", "test"), ()]),
    train=st.floats(0.3, 0.7),
    dev=st.floats(0.1, 0.2),
)
@settings(max_examples=50)
def test_a_given_split_is_kept_and_a_missing_one_is_drawn_from_the_training_split(
    counts: list[int], held: tuple[str, ...], train: float, dev: float
) -> None:
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    given = rng.choice(
        ["train", *held], size=len(labels), p=[1 - len(held) / 4] + [1 / 4] * len(held)
    )
    rows = complete(given, labels, train, dev, seed=1)
    assert sorted(np.concatenate(list(rows.values()))) == list(range(len(labels)))
    for part in held:
        assert rows[part].tolist() == np.flatnonzero(given == part).tolist()
    train_counts = np.bincount(labels[given == "train"], minlength=len(counts))
    for part, share in (("dev", dev), ("test", 1 - train - dev)):
        if part not in held:
            found = np.bincount(labels[rows[part]], minlength=len(counts))
            assert (np.abs(found - share * train_counts) <= 1).all()
            assert set(rows[part]) <= set(np.flatnonzero(given == "train"))


def test_without_given_splits_the_draw_is_that_of_all_texts() -> None:
    labels = np.repeat([0, 1, 2], 40)
    whole, drawn = complete(np.full(120, "train"), labels, 0.6, 0.1, 5), split(labels, 0.6, 0.1, 5)
    assert all((whole[part] == drawn[part]).all() for part in PARTS)


def test_splits_are_known_by_their_usual_names() -> None:
    written = np.array(["Train", "VAL", "valid", " validation", "dev", "test"])
    assert named(written).tolist() == ["train", "dev", "dev", "dev", "dev", "test"]
    for wrong, expected in ((["train", "tset"], "'tset'"), (["dev", "test"], "'train'")):
        with pytest.raises(InputError, match=expected):
            named(np.array(wrong))


@given(st.lists(st.integers(1, 500), min_size=2, max_size=20), st.data())
@settings(max_examples=200)
def test_a_cap_keeps_the_share_of_each_class_and_at_least_one_text_of_it(
    counts: list[int], data: st.DataObject
) -> None:
    cap = data.draw(st.integers(len(counts), sum(counts)))
    found = apportioned(np.array(counts), cap)
    assert found.sum() == cap
    assert (found >= 1).all() and (found <= counts).all()
    quota = cap * np.array(counts) / sum(counts)
    # Off by less than one, but for what the rarest classes were given.
    lacking = int((quota < 1).sum())
    assert (found <= np.maximum(np.ceil(quota), 1)).all()
    assert (found >= np.floor(quota) - lacking).all()


@given(cap=st.integers(3, 90), seed=st.integers(0, 99))
@settings(max_examples=30)
def test_capped_texts_are_drawn_from_their_split_by_the_seed(cap: int, seed: int) -> None:
    labels = np.repeat([0, 1, 2], 50)
    rows = split(labels, 0.6, 0.1, 1)
    caps = {"train": cap, "dev": None, "test": None, "seed": seed}
    kept, again = capped(rows, labels, caps), capped(rows, labels, caps)
    assert (kept["train"] == again["train"]).all()
    assert len(set(kept["train"])) == cap and set(kept["train"]) <= set(rows["train"])
    assert all((kept[part] == rows[part]).all() for part in ("dev", "test"))
    other = capped(rows, labels, caps | {"seed": seed + 1})
    assert cap > 80 or (kept["train"] != other["train"]).any()


def test_a_data_set_is_prepared_twice_to_the_same_bytes(planted: Planted, tmp_path: Path) -> None:
    again = make(tmp_path, planted.raw, split={"train": 0.55, "dev": 0.1})
    files = [path.relative_to(again) for path in again.rglob("*") if path.is_file()]
    assert len(files) >= 11
    for file in files:
        assert (again / file).read_bytes() == (planted.folder / file).read_bytes(), file


def test_every_text_of_the_table_is_in_one_split_with_its_label(planted: Planted) -> None:
    with planted.raw.open(encoding="utf-8", newline="") as file:
        table = sorted((row["text"], row["label"]) for row in csv.DictReader(file))
    assert sorted(all_of(planted.folder)) == table


def test_the_vocabulary_is_the_words_repeated_in_the_training_split(tmp_path: Path) -> None:
    # Each text repeats a word of its own, and has another one only once.
    rows = [[f"own{i} once{i} Film own{i}", str(i % 2)] for i in range(60)]
    raw = write(tmp_path / "texts.csv", rows)
    make(tmp_path, raw, most_unknown=1)
    vocabulary = Tokenizer.from_file(str(tmp_path / "data/vocabulary.json")).get_vocab()
    training = read_arrow(tmp_path / "data", "train")["text"].to_pylist()
    assert set(vocabulary) == {*SPECIAL, "film", *(text.split()[0] for text in training)}
    assert [vocabulary[token] for token in SPECIAL] == [0, 1]
    for part, unknown in (("train", 1 / 4), ("dev", 3 / 4), ("test", 3 / 4)):
        stored = read_summary(tmp_path / "data")["splits"][part]["unknown_share"]
        assert stored == unknown == np.mean(read_texts(tmp_path / "data", part).token_ids == 1)


def test_stored_offsets_point_at_the_tokens_in_the_text(planted: Planted) -> None:
    vocabulary = Tokenizer.from_file(str(planted.folder / "vocabulary.json"))
    for row in load_from_disk(str(planted.folder / "texts"))["test"]:
        words = [row["text"][a:b] for a, b in zip(row["starts"], row["ends"], strict=True)]
        assert words == row["text"].split()
        assert [vocabulary.token_to_id(word) for word in words] == row["token_ids"]


# Characters of old: lower case is defined for new scripts with every version of Unicode.
CHARACTERS = st.characters(codec="utf-8", max_codepoint=0xFFFF, exclude_categories=["Cn"])


@given(st.text(CHARACTERS, min_size=1, max_size=30))
@settings(max_examples=200)
def test_offsets_point_at_the_tokens_of_any_text(text: str) -> None:
    tokenizer = train_tokenizer([text], 1)
    encoding = tokenizer.encode(text)
    assert len(encoding.ids) > 0 or text.strip() == ""
    ends = 0
    for (start, end), token in zip(encoding.offsets, encoding.tokens, strict=True):
        assert start >= ends and text[ends:start].strip() == ""
        # One character at a time: Python alone gives a last sigma its own lower case.
        assert "".join(map(str.lower, text[start:end])) == token
        ends = end
    assert text[ends:].strip() == ""


def test_words_are_read_with_their_inner_apostrophes_and_hyphens() -> None:
    text = "It's a well-made film, isn’t it? (Yes...) naïve 東京 99"
    tokens = train_tokenizer([text], 1).encode(text).tokens
    expected = "it's a well-made film , isn’t it ? ( yes . . . ) naïve 東京 99"
    assert tokens == expected.split()


def test_line_breaks_of_html_are_blanks() -> None:
    text = "good<br />film<BR>a < b br"
    encoding = train_tokenizer([text], 1).encode(text)
    assert encoding.tokens == ["good", "film", "a", "<", "b", "br"]
    assert [text[a:b] for a, b in encoding.offsets] == encoding.tokens


def test_no_word_is_dropped_for_the_size_of_the_vocabulary() -> None:
    words = [f"w{i}" for i in range(40_000)]
    assert train_tokenizer([" ".join(words)], 1).get_vocab_size() == len(words) + len(SPECIAL)


def test_texts_are_tokenised_in_batches_as_they_are_alone() -> None:
    texts = [" ".join(f"w{i % 7}" for i in range(n % 13)) for n in range(2500)]
    tokenizer = train_tokenizer(texts, 1)
    found = tokenize(tokenizer, texts, keep=5)
    for i in (0, 1, 999, 1000, 1001, 2499):
        alone = tokenizer.encode(texts[i])
        own = slice(*found.offsets[i : i + 2])
        assert found.ids[own].tolist() == alone.ids[:5]
        spans = np.stack([found.starts[own], found.ends[own]], axis=1)
        assert spans.tolist() == [list(span) for span in alone.offsets[:5]]
        assert found.lengths[i] == len(alone.ids)


def test_no_word_of_a_text_is_taken_for_padding() -> None:
    encoding = train_tokenizer(["a <pad> b"], 1).encode("a <pad> b")
    assert 0 not in encoding.ids
    assert encoding.tokens == ["a", "<", "pad", ">", "b"]


def test_long_texts_are_cut_and_counted(tmp_path: Path) -> None:
    raw = write_planted(tmp_path / "texts.csv", 200)
    make(tmp_path, raw, max_tokens=6)
    lengths = np.concatenate([read_texts(tmp_path / "data", part).lengths for part in PARTS])
    assert lengths.max() == 6
    for part, summary in read_summary(tmp_path / "data")["splits"].items():
        texts = read_texts(tmp_path / "data", part)
        stored = read_arrow(tmp_path / "data", part)
        full = [len(text.split()) for text in stored["text"].to_pylist()]
        assert summary["tokens"] == texts.lengths.sum() == np.minimum(full, 6).sum()
        assert summary["truncated_share"] == np.mean(np.array(full) > 6)
        assert summary["truncated_tokens_share"] == 1 - np.minimum(full, 6).sum() / np.sum(full)
        assert summary["class_counts"] == np.bincount(texts.labels).tolist()


def test_texts_are_read_as_the_datasets_library_reads_them(planted: Planted) -> None:
    stored = load_from_disk(str(planted.folder / "texts"))
    for part in PARTS:
        texts = read_texts(planted.folder, part)
        assert read_arrow(planted.folder, part).to_pylist() == list(stored[part])
        assert len(texts) == len(stored[part])
        assert texts.labels.tolist() == stored[part]["label"]
        pieces = np.split(texts.token_ids, texts.offsets[1:-1])
        assert [piece.tolist() for piece in pieces] == list(stored[part]["token_ids"])


@given(
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=80),
    size=st.integers(1, 20),
    seed=st.none() | st.integers(0, 9),
)
@settings(max_examples=50)
def test_every_text_is_in_one_batch_and_no_batch_is_too_large(
    lengths: list[int], size: int, seed: int | None
) -> None:
    rng = None if seed is None else np.random.default_rng(seed)
    parts = list(batches(np.array(lengths), size, rng))
    assert sorted(np.concatenate(parts)) == list(range(len(lengths)))
    assert max(map(len, parts)) <= size


def test_a_padded_batch_holds_the_tokens_then_zeros(planted: Planted) -> None:
    texts = planted.texts("dev")
    chosen = np.array([5, 0, 17])
    batch = pad(texts, chosen, extra=2)
    ids, lengths = batch.token_ids, batch.lengths
    assert ids.shape == (3, int(lengths.max()) + 2)
    for row, length, text in zip(ids.numpy(), lengths.numpy(), chosen, strict=True):
        tokens = texts.token_ids[texts.offsets[text] : texts.offsets[text + 1]]
        assert row[:length].tolist() == tokens.tolist()
        assert (row[length:] == 0).all()


# Tables of one's own, good and bad.


def write(path: Path, rows: Rows, header: tuple[str, ...] = ("text", "label")) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter="\t" if path.suffix == ".tsv" else ",").writerows(
            [header, *rows]
        )
    return path


def good_rows(each: int = 20) -> Rows:
    return [[f"a {'fine' if i % 2 else 'dull'} film {i}", str(i % 2)] for i in range(2 * each)]


def with_row(row: list[str], each: int = 20) -> Rows:
    return [*good_rows(each)[:7], row, *good_rows(each)[7:]]


TWO = {"0": "no", "1": "yes"}
BAD_TABLES: dict[str, tuple[Rows | bytes, dict[str, Any], list[str]]] = {
    # the table, the settings, and what the message must name
    "empty file": (b"", {}, ["empty"]),
    "header alone": (b"text,label\n", {}, ["no row", "two or more"]),
    "not UTF-8": (
        "text,label\ncaf\u00e9,1\n".encode("latin-1"),
        {},
        ["UTF-8", "byte 14", "line 2"],
    ),
    "header with a name twice": (b"text,label,text\nx,1,y\n", {}, ["'text'", "twice"]),
    "rows longer than the header": (
        b"text,label\n" + b"a dull film, said he,0\na fine film, said he,1\n" * 20,
        {},
        ["line 2 has 3 fields", "unquoted"],
    ),
    "text column missing": (good_rows(), {"text": "txt"}, ["text", "'txt'", "'text'"]),
    "label column missing": (good_rows(), {"label": "labels"}, ["label", "'labels'", "'label'"]),
    "column of where missing": (good_rows(), {"where": {"lang": "en"}}, ["where", "'lang'"]),
    "column of splits missing": (good_rows(), {"split": {"column": "part"}}, ["split", "'part'"]),
    "one column for both": (good_rows(), {"label": "text"}, ["'text'", "both"]),
    "where keeps nothing": (good_rows(), {"where": {"text": "no"}}, ["where keeps no row"]),
    "empty text": (with_row(["", "1"]), {}, ["'text'", "empty in 1 of 41 rows", "row 8"]),
    "text of blanks": (with_row([" \t ", "1"]), {}, ["'text'", "empty in 1 of 41", "row 8"]),
    "text of other blanks": (with_row(["\u200a\u3000", "1"]), {}, ["'text'", "row 8"]),
    "text without a word": (with_row(["<br />", "1"]), {}, ["row 8", "no word"]),
    "all texts empty": ([["", str(i % 2)] for i in range(40)], {}, ["'text'", "empty in 40 of 40"]),
    "rows without a label": ([*good_rows(), *[["a film"]] * 12], {}, ["'label'", "12 of 52"]),
    "quote left open": (b'text,label\nx,0\n"y,1\nz,0\n', {}, ["row 2", "never closed"]),
    "endless text": (with_row(["a " * 500_001, "1"]), {}, ["row 8", "1,000,002", "quote"]),
    "single class": ([["a film", "1"]] * 40, {}, ["'label'", "only '1'", "two or more"]),
    "class with one text": (with_row(["a film", "2"]), {}, ["'2'", "1 text", "10 or more"]),
    "a class for each text": (
        [[str(i), f"a film {i}\n" * 9] for i in range(1200)],
        {},
        ["1,200 classes", "2 to 20", "right column"],
    ),
    "unknown class": (with_row(["a film", "yes"]), {"classes": TWO}, ["label", "'yes'", "0, 1"]),
    "unknown class of many words": (
        with_row(["a film", "a review\nof many words " * 30]),
        {"classes": TWO},
        ["unknown class 'a review of many words", "\u2026"],
    ),
    "class without a text": (good_rows(), {"classes": TWO | {"2": "else"}}, ["'else' has 0 texts"]),
    "rating that is no number": (
        with_row(["a film", "good"]),
        {"bands": {"no": [0, 0], "yes": [1, 1]}},
        ["row 8", "'good'", "a number"],
    ),
    "rating in two bands": (
        good_rows(),
        {"bands": {"no": [0, 1], "yes": [1, 2]}},
        ["1 is in 'no' and 'yes'"],
    ),
    "rating in no band": (good_rows(), {"bands": {"no": [5, 6], "yes": [7, 8]}}, ["no row"]),
    "a split without a class": (
        good_rows(10),
        {"split": {"train": 0.7, "dev": 0.01}},
        ["'0'", "dev split"],
    ),
    "a cap above the texts": (good_rows(), {"caps": {"test": 50}}, ["caps.test is 50", "8 texts"]),
    "a cap below the classes": (good_rows(), {"caps": {"dev": 1}}, ["caps.dev is 1", "2 classes"]),
}


@pytest.mark.parametrize("wrong", BAD_TABLES)
def test_a_bad_table_is_refused_in_one_line_and_leaves_nothing(tmp_path: Path, wrong: str) -> None:
    table, settings, expected = BAD_TABLES[wrong]
    raw = tmp_path / "mine.csv"
    if isinstance(table, bytes):
        raw.write_bytes(table)
    else:
        write(raw, table)
    message = refusal(tmp_path, raw, **settings)
    assert message.startswith(str(raw)) and len(message) < len(str(raw)) + 300
    assert [words for words in expected if words not in message] == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [("mine.xlsx", "unknown ending '.xlsx'"), (".", "a folder"), ("no.csv", "nothing there")],
)
def test_what_is_no_table_is_refused(tmp_path: Path, name: str, expected: str) -> None:
    (tmp_path / "mine.xlsx").write_bytes(b"PK")
    assert expected in refusal(tmp_path, tmp_path / name)


def test_a_row_is_named_by_the_file_that_it_stands_in(tmp_path: Path) -> None:
    train, test = (
        write(tmp_path / "a.csv", good_rows()),
        write(tmp_path / "b.csv", with_row(["", "1"])),
    )
    message = refusal(tmp_path, {"name": "files", "train": str(train), "test": str(test)})
    assert f"(first: row 8 of {test})" in message


def test_a_table_of_any_language_and_making_is_read_as_it_is(tmp_path: Path) -> None:
    texts = [
        "caf\u00e9 \U0001f600, \u6771\u4eac",
        'he said: "no"',
        "first\r\nsecond",
        "\u00c5 e\u0301 NA",
    ]
    rows = [[texts[i % 4] + f" {i}", ["x", "\U0001f44d", "NA"][i % 3]] for i in range(90)]
    raw = tmp_path / "odd.csv"
    body = pd.DataFrame(rows, columns=["Review (EN), raw", "\u2b50 stars"])
    raw.write_bytes(b"\xef\xbb\xbf" + body.to_csv(index=False, lineterminator="\r\n").encode())
    made = make(tmp_path, raw, text="Review (EN), raw", label="\u2b50 stars")
    assert sorted(all_of(made)) == sorted(map(tuple, rows))
    assert read_summary(made)["classes"] == ["NA", "x", "\U0001f44d"]


def test_the_columns_that_the_config_names_are_read_whatever_the_others_are_called(
    tmp_path: Path,
) -> None:
    rows = [["x", "y", "z", "1", *row] for row in good_rows()]
    header = ("text", "label", "decisive", "split", "review", "stars")
    made = make(tmp_path, write(tmp_path / "mine.csv", rows, header), text="review", label="stars")
    assert sorted(all_of(made)) == sorted(map(tuple, good_rows()))
    assert "decisive" not in read_arrow(made, "train").column_names


@pytest.mark.parametrize("kept", ["en", ["en", "de"]])
def test_rows_are_kept_by_where_and_classes_are_shown_by_their_names(
    tmp_path: Path, kept: str | list[str]
) -> None:
    rows = [[*row, ["en", "de"][i % 4 == 0]] for i, row in enumerate(good_rows(40))]
    rows += [["une fille", "2", "fr"]] * 15
    raw = write(tmp_path / "mine.csv", rows, ("text", "label", "language"))
    where, classes = {"language": kept}, {"1": "good", "0": "bad"}
    made = make(tmp_path, raw, where=where, classes=classes)
    summary = read_summary(made)
    assert summary["classes"] == ["good", "bad"]
    assert summary["rows"] == {"read": 95, "kept": 60 if kept == "en" else 80}
    for text, label in all_of(made):
        assert ("fine" in text) == (label == "good")


def test_ratings_become_classes_by_bands_with_both_ends(tmp_path: Path) -> None:
    ratings = ["-4", "-0.5", "-0.49", "0", "0.49", "0.5", "4.0", "4.01"]
    rows = [[f"text {rating} {i}", rating] for rating in ratings for i in range(20)]
    bands = {"negative": [-4, -0.5], "positive": [0.5, 4]}
    made = make(tmp_path, write(tmp_path / "mine.csv", rows), bands=bands)
    assert read_summary(made)["classes"] == list(bands)
    found = all_of(made)
    assert {(text.split()[1], label) for text, label in found} == {
        ("-4", "negative"),
        ("-0.5", "negative"),
        ("0.5", "positive"),
        ("4.0", "positive"),
    }
    assert len(found) == 80


@pytest.mark.parametrize("column", ["part", "split"])
def test_the_splits_of_a_column_are_used(tmp_path: Path, column: str) -> None:
    parts = ["train", "train", "Validation", "test"]
    rows = [[*row, parts[i // 2 % 4]] for i, row in enumerate(good_rows(40))]
    raw = write(tmp_path / "mine.csv", rows, ("text", "label", column))
    named_by = {"split": {"column": "part"}} if column == "part" else {}
    made = parts_of(make(tmp_path, raw, **named_by))
    for part, written in (("train", "train"), ("dev", "Validation"), ("test", "test")):
        assert made[part] == [(text, label) for text, label, p in rows if p == written]


def test_a_split_that_is_misspelt_is_named(tmp_path: Path) -> None:
    rows = [[*row, "train" if i else "tset"] for i, row in enumerate(good_rows())]
    raw = write(tmp_path / "mine.csv", rows, ("text", "label", "split"))
    assert "column 'split': unknown split 'tset': did you mean 'test'" in refusal(tmp_path, raw)


def test_caps_stand_beside_what_they_left_out(tmp_path: Path) -> None:
    made = make(
        tmp_path, write(tmp_path / "mine.csv", good_rows(50)), caps={"train": 11, "test": 4}
    )
    summary = read_summary(made)["splits"]
    assert {part: (summary[part]["texts"], summary[part]["of"]) for part in PARTS} == {
        "train": (11, 70),
        "dev": (10, 10),
        "test": (4, 20),
    }
    assert summary["test"]["class_counts"] == [2, 2]
    assert {part: len(read_texts(made, part)) for part in PARTS} == {
        "train": 11,
        "dev": 10,
        "test": 4,
    }


def test_texts_that_stand_in_two_splits_are_counted() -> None:
    texts = {"train": ["A b", "a B ", "c"], "dev": ["c\n", "d"], "test": ["x", "STRASSE", "C", "c"]}
    texts["train"].append("stra\u00dfe")
    assert duplicates(texts) == {"train_test": 3, "train_dev": 1, "within_train": 1}


def test_leakage_from_train_to_test_is_warned_of_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train = write(tmp_path / "a.csv", good_rows())
    test = write(tmp_path / "b.csv", [[f"{i} {t}", c] for i, (t, c) in enumerate(good_rows())])
    source = {"name": "files", "train": str(train), "test": str(test)}
    make(tmp_path, source)
    assert capsys.readouterr().err == ""
    write(test, [[text.upper(), label] for text, label in good_rows()[:5]] + good_rows()[5:6])
    made = make(tmp_path, source)
    (line,) = capsys.readouterr().err.splitlines()
    held = {text.casefold() for text, _ in parts_of(made)["train"]}
    leaked = sum(text.casefold() in held for text, _ in parts_of(made)["test"])
    assert leaked == read_summary(made)["duplicates"]["train_test"] > 0
    assert line.startswith("warning: ") and f" {leaked} of 6 test texts" in line
    assert line.removeprefix("warning: ") in (tmp_path / "prepare.py.log").read_text("utf-8")


def test_decisive_characters_become_decisive_tokens_and_the_truth_is_kept(tmp_path: Path) -> None:
    source = {"name": "planted", "rule": "xor", "texts": 400, "rare": 20}
    made = make(tmp_path, source, max_tokens=9)
    table = planted_source(rule="xor", texts=400, rare=20)
    spans = dict(zip(table["text"], table["decisive"], strict=True))
    for part in PARTS:
        for row in load_from_disk(str(made / "texts"))[part]:
            pairs = zip(row["starts"], row["ends"], strict=True)
            marked = [int(list(pair) in spans[row["text"]]) for pair in pairs]
            assert row["decisive"] == marked
            assert len(marked) > 8 or sum(marked) == 2
    assert read_summary(made)["truth"] == json.loads(json.dumps(table.attrs["truth"]))


def test_a_token_is_decisive_if_it_holds_one_character_of_a_span(tmp_path: Path) -> None:
    texts = [f"well-made film {i}" for i in range(80)]
    # Within the first word; from its last letter into the blank; nothing; all of the second.
    spans = [[[2, 3]], [[8, 10]], [], [[0, 1], [10, 14]]]
    table = pd.DataFrame({"text": texts, "label": ["a", "b"] * 40, "decisive": spans * 20})
    table.to_parquet(tmp_path / "raw.parquet")
    options = Dataset(source={"name": "planted"}).model_dump(mode="json")
    prepare(tmp_path / "raw.parquet", options, tmp_path / "data")
    expected = [[1, 0, 0], [1, 0, 0], [0, 0, 0], [1, 1, 0]]
    for part in PARTS:
        for row in read_arrow(tmp_path / "data", part).to_pylist():
            assert row["decisive"] == expected[int(row["text"].split()[-1]) % 4]
