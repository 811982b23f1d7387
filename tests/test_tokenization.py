"""Subwords, and the share of words that a vocabulary does not know."""

import os
from pathlib import Path
import subprocess
import sys

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
from pydantic import ValidationError
import pytest
from tables import columns, held, made, refused, write
from tokenizers import Tokenizer

from attinfo.config.sections.dataset import Dataset
from attinfo.data.subwords import overlapping
from attinfo.data.texts import read_summary
from attinfo.data.tokenization import (
    SPECIAL,
    tokenize,
    train_subwords,
    train_tokenizer,
    word_counts,
)

SCRIPTS = {
    "Chinese": "很无乐演导电喜影表糟看这画望我故好事",
    "Thai": "กขคงจฉชซญดตถทนบปผ",
    "Khmer": "កខគឃងចឆជឈញដឋឌឍ",
    "Japanese": "あいうえおかきくけこさしすせそ",
}


def unsegmented(script: str, number: int = 160, stop: str = "。") -> dict[str, list[str]]:
    """Sentences without blanks; the first character decides the class."""
    rng, letters = np.random.default_rng(0), list(SCRIPTS[script])
    table: dict[str, list[str]] = {"text": [], "label": []}
    for i in range(number):
        body = "".join(rng.choice(letters[2:], size=14))
        table["text"].append(letters[i % 2] + body + stop)
        table["label"].append("no" if i % 2 else "yes")
    return table


@pytest.mark.parametrize("stop", ["。", "", "！ "])
@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_without_blanks_stops_and_names_the_option(
    tmp_path: Path, script: str, stop: str
) -> None:
    message = refused(write(tmp_path / "t.csv", unsegmented(script, stop=stop)), early=False)
    assert "100% of the words of the test split are unknown, expected at most 50%" in message
    assert "'tokenizer: subwords'" in message and "most_unknown" in message


@pytest.mark.parametrize("script", SCRIPTS)
def test_subwords_cut_a_script_without_blanks_with_offsets(tmp_path: Path, script: str) -> None:
    table = unsegmented(script)
    folder, notes = made(write(tmp_path / "t.csv", table), tokenizer="subwords")
    vocabulary = Tokenizer.from_file(str(folder / "vocabulary.json"))
    assert notes == []
    for part, rows in held(folder).items():
        assert read_summary(folder)["splits"][part]["unknown_share"] == 0
        for row in rows:
            cut = [row["text"][a:b] for a, b in zip(row["starts"], row["ends"], strict=True)]
            assert "".join(cut) == row["text"]
            assert [vocabulary.token_to_id(token) for token in cut] == row["token_ids"]
    assert np.median([len(row["token_ids"]) for row in held(folder)["test"]]) > 4


def test_repeated_phrases_without_blanks_are_noted(tmp_path: Path) -> None:
    phrases = ["很无乐演导", "电喜影表糟", "看这画望我"]
    table = {
        "text": [f"{phrases[i % 3]}，{phrases[i // 3 % 3]} {i % 4}" for i in range(120)],
        "label": ["a", "b"] * 60,
    }
    _, notes = made(write(tmp_path / "t.csv", table))
    (line,) = [note for note in notes if "runs of" in note]
    assert "'tokenizer: subwords'" in line


TEXTS = st.lists(
    st.text(st.sampled_from("abcdé ß東京.,'-<>"), min_size=1, max_size=20), min_size=1, max_size=8
)


@given(TEXTS, st.text(st.sampled_from("abcxyz é東北.,'- "), max_size=20), st.integers(4, 60))
@settings(max_examples=60)
def test_subwords_cover_the_words_of_any_text_and_lie_within_them(
    texts: list[str], text: str, size: int
) -> None:
    whole = train_tokenizer([text], 1).encode(text).offsets
    tokenizer = train_subwords(texts, 1, size)
    found = tokenizer.encode(text)
    characters = [i for a, b in whole for i in range(a, b)]
    assert [i for a, b in found.offsets for i in range(a, b)] == characters
    if whole:
        starts, ends = np.array(whole).T
        piece, _ = overlapping(np.array(found.offsets).reshape(-1, 2), starts, ends)
        assert piece.tolist() == list(range(len(found.offsets)))  # each in one word
    for token, (a, b) in zip(found.tokens, found.offsets, strict=True):
        known = all(character in "".join(texts).lower() for character in text[a:b].lower())
        assert (token == SPECIAL[1]) == (not known)


@given(st.integers(20, 200))
@settings(max_examples=20)
def test_a_vocabulary_of_subwords_has_the_size_and_the_special_tokens(size: int) -> None:
    texts = [f"{a}{b}{c}" for a in "abcd" for b in "efgh" for c in "ijkl"]
    vocabulary = train_subwords(texts, 1, size).get_vocab()
    assert len(vocabulary) == min(size, len(train_subwords(texts, 1).get_vocab()))
    assert [vocabulary[token] for token in SPECIAL] == [0, 1]


def test_subwords_come_from_the_train_split_alone(tmp_path: Path) -> None:
    table = columns() | {"split": ["train", "train", "train", "test"] * 30}
    table["text"] = [f"{t} q" if i % 4 == 3 else t for i, t in enumerate(table["text"])]
    table["label"] = ["a" if i // 4 % 2 else "b" for i in range(120)]
    folder, _ = made(write(tmp_path / "t.csv", table), tokenizer="subwords")
    assert "q" not in Tokenizer.from_file(str(folder / "vocabulary.json")).get_vocab()
    assert all(row["token_ids"][-1] == 1 for row in held(folder)["test"])


def test_subwords_are_the_same_bytes_on_any_number_of_cores_and_in_any_process() -> None:
    code = (
        "from attinfo.data.tokenization import train_subwords\n"
        "import hashlib\n"
        "texts = [f'w{i * i % 97}x{i % 13} {chr(0x4E00 + i % 50)}京{i % 7}' for i in range(3000)]\n"
        "print(hashlib.sha256(train_subwords(texts, 2, 600).to_str().encode()).hexdigest())\n"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"RAYON_NUM_THREADS": threads, "PYTHONHASHSEED": threads},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in ("1", "2", "7")
    }
    assert len(found) == 1 and len(found.pop()) == 65


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 1.0])
def test_the_share_of_unknown_words_is_that_of_words_not_in_the_train_split(share: float) -> None:
    tokenizer = train_tokenizer(["known words , . !"] * 2, 2)
    unknown = round(10 * share)
    text = " ".join(["new"] * unknown + ["known"] * (10 - unknown)) + " , . ! ?"
    tokens = tokenize(tokenizer, [text], 100)
    assert word_counts(tokenizer, [text], tokens)[:2] == (10, unknown)


@pytest.mark.parametrize("most", [0.2, 0.4, 0.6])
def test_the_option_decides_at_which_share_of_unknown_words_nothing_is_trained(
    tmp_path: Path, most: float
) -> None:
    table = columns() | {"text": [f"a fine film{i} {i}" for i in range(120)]}  # two of four
    path = write(tmp_path / "t.csv", table)
    if most < 0.5:
        message = refused(path, early=False, most_unknown=most)
        assert f"50% of the words of the test split are unknown, expected at most {most:.0%}" in (
            message
        )
    else:
        made(path, most_unknown=most)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"vocabulary_size": 100}, "'tokenizer: subwords' alone"),
        ({"tokenizer": "subwords", "yardstick": "vader"}, "a lexicon rates whole words"),
        ({"tokenizer": "subwords", "vocabulary_size": 0}, "greater than 0"),
        ({"tokenizer": "letters"}, "'words' or 'subwords'"),
        ({"most_unknown": 1.5}, "less than or equal to 1"),
    ],
)
def test_options_that_do_not_fit_are_refused(settings: dict[str, object], expected: str) -> None:
    with pytest.raises(ValidationError, match=expected):
        Dataset.model_validate({"source": {"name": "planted"}} | settings)
