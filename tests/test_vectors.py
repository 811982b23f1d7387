"""Word vectors: the formats, which words have one, what is refused, where embeddings start."""

from collections.abc import Callable
import gzip
import json
from pathlib import Path
import tracemalloc
from typing import Any

from conftest import VARIANTS, Planted, architecture_of
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from safetensors import safe_open
import torch

from attinfo.data.batches import pad
from attinfo.data.vectors import extract, read_vectors
from attinfo.models.classifier import Classifier
from attinfo.models.embeddings import initialise
from attinfo.runtime.errors import InputError

Rows = list[tuple[str, list[str]]]
VOCABULARY = {"<pad>": 0, "<unk>": 1, "film": 2, "good": 3, "naïve": 4, "東京": 5, ".": 6, "7": 7}
ROWS: Rows = [
    ("good", ["0.25", "-1", "3e-3"]),
    ("other", ["1", "2", "3"]),
    ("東京", ["-0.1", "0.2", "+0.3"]),
    ("naïve", ["7", "8", "9"]),
    ("\u2028", ["1", "1", "1"]),  # white space, but no end of a line
    ("a\xa0b", ["1", "1", "1"]),  # and no end of a word
    (". . .", ["4", "4", "4"]),  # GloVe has words with blanks
    ("7", ["6", "6", "6"]),
]


def glove(rows: Rows) -> bytes:
    return "".join(f"{word} {' '.join(numbers)}\n" for word, numbers in rows).encode()


def word2vec(rows: Rows) -> bytes:
    return f"{len(rows)} {len(rows[0][1])}\n".encode() + glove(rows)


def fasttext(rows: Rows) -> bytes:
    return word2vec(rows).replace(b"\n", b" \n")  # a blank behind each line


def windows(rows: Rows) -> bytes:
    return b"\xef\xbb\xbf" + word2vec(rows).replace(b"\n", b"\r\n")


FORMATS: dict[str, Callable[[Rows], bytes]] = {
    "word2vec": word2vec,
    "glove": glove,
    "fasttext": fasttext,
    "windows": windows,
    "gzipped": lambda rows: gzip.compress(word2vec(rows)),
}


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("layout", FORMATS)
def test_every_format_is_read_to_the_same_vectors(tmp_path: Path, layout: str) -> None:
    vectors = read_vectors(write(tmp_path / "v", FORMATS[layout](ROWS)), VOCABULARY)
    assert vectors.token_id.tolist() == [3, 4, 5, 7]
    assert vectors.matrix.dtype == np.float32
    expected = [[0.25, -1, 3e-3], [7, 8, 9], [-0.1, 0.2, 0.3], [6, 6, 6]]
    assert (vectors.matrix == np.array(expected, np.float32)).all()
    assert vectors.found == len(ROWS)


WORDS = st.text(st.sampled_from("aAbBéÉßσΣ.7東"), min_size=1, max_size=3)


@given(
    words=st.lists(WORDS, min_size=1, max_size=12),
    known=st.sets(WORDS.map(str.lower), min_size=1, max_size=8),
    size=st.integers(2, 5),
    layout=st.sampled_from(sorted(FORMATS)),
    seed=st.integers(0, 99),
)
@settings(max_examples=200)
def test_a_word_has_its_own_row_else_that_of_the_first_which_is_it_in_lower_case(
    tmp_path_factory: pytest.TempPathFactory,
    words: list[str],
    known: set[str],
    size: int,
    layout: str,
    seed: int,
) -> None:
    numbers = np.random.default_rng(seed).normal(size=(len(words), size))
    rows = [(word, [repr(float(x)) for x in row]) for word, row in zip(words, numbers, strict=True)]
    path = tmp_path_factory.getbasetemp() / "vectors.txt"
    vocabulary = {word: i for i, word in enumerate(["<pad>", "<unk>", *sorted(known)])}
    vectors = read_vectors(write(path, FORMATS[layout](rows)), vocabulary)
    matched = dict(zip(vectors.token_id.tolist(), vectors.matrix, strict=True))
    for word, token in vocabulary.items():
        own = [i for i, other in enumerate(words) if other == word]
        own += [i for i, other in enumerate(words) if other.lower() == word]
        assert (token in matched) == bool(own)
        if own:
            assert (matched[token] == numbers[own[0]].astype(np.float32)).all()


def test_padding_and_the_unknown_word_have_no_vector(tmp_path: Path) -> None:
    rows = [("<unk>", ["1", "2"]), ("<pad>", ["1", "2"]), ("film", ["3", "4"])]
    vectors = read_vectors(write(tmp_path / "v", glove(rows)), VOCABULARY)
    assert vectors.token_id.tolist() == [2]


GOOD = glove(ROWS[:2]) * 3
REFUSED: dict[str, tuple[bytes, list[str]]] = {
    "empty": (b"", ["no vectors"]),
    "header alone": (b"3 4\n", ["no vectors"]),
    "too few numbers": (GOOD + b"film 1 2\n", ["line 7", "2 numbers", "3"]),
    "too many numbers": (GOOD + b"film 1 2 3 4\n", ["line 7", "4 numbers", "3"]),
    "another size than the header says": (b"2 4\n" + GOOD, ["line 2", "3 numbers", "4"]),
    "no number": (GOOD + b"film 1 x 3\n", ["line 7", "no number"]),
    "not finite": (GOOD + b"film 1 nan 3\n", ["line 7", "no number"]),
    "words alone": (b"good\nfilm\n", ["line 1", "0 numbers"]),
    "parted by tabs": (b"good\t1\t2\nfilm\t3\t4\n", ["line 1", "0 numbers", "blanks"]),
    "not UTF-8": (GOOD + "café 1 2 3\n".encode("latin-1"), ["line 7", "UTF-8"]),
    "binary": (b"3 2\nfilm \x00\x80\x3f\x01\xff\x10", ["line 2"]),
    "zip": (b"PK\x03\x04 and so on", ["zip"]),
    "gzip damaged": (gzip.compress(GOOD)[:12] + b"damage" * 9, ["gzipped", "damaged"]),
    "gzip cut short": (gzip.compress(GOOD)[:-12], ["gzipped", "damaged"]),
}


@pytest.mark.parametrize("wrong", REFUSED)
def test_a_bad_file_is_refused_in_one_line(tmp_path: Path, wrong: str) -> None:
    content, expected = REFUSED[wrong]
    path = write(tmp_path / "vectors.txt", content)
    with pytest.raises(InputError) as raised:
        read_vectors(path, VOCABULARY)
    message = str(raised.value)
    assert message.startswith(str(path)) and "\n" not in message
    assert [words for words in expected if words not in message] == []


def test_a_missing_file_or_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing there"):
        read_vectors(tmp_path / "none.txt", VOCABULARY)
    with pytest.raises(InputError, match="a folder"):
        read_vectors(tmp_path, VOCABULARY)


def test_a_large_file_is_not_held_in_memory(tmp_path: Path) -> None:
    line = " 0.12345" * 300 + "\n"
    with (tmp_path / "large.txt").open("w") as file:
        file.writelines(f"word{i}{line}" for i in range(20_000))
        file.write("film" + line)
    tracemalloc.start()
    vectors = read_vectors(tmp_path / "large.txt", VOCABULARY)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert vectors.token_id.tolist() == [2] and vectors.found == 20_001
    assert most < (tmp_path / "large.txt").stat().st_size / 100


# For a data set.


def planted_file(path: Path, words: list[str], size: int = 16, seed: int = 0) -> Path:
    rng = np.random.default_rng(seed)
    rows = [(word, [f"{x:.4f}" for x in rng.normal(size=size)]) for word in words]
    return write(path, word2vec(rows))


def test_the_rows_the_coverage_and_the_name_of_the_file_are_stored(
    planted: Planted, tmp_path: Path
) -> None:
    source = planted_file(tmp_path / "mine.vec", ["other", "GOOD", "word3", "bad", "word3"])
    extract(source, planted.folder, tmp_path / "out.safetensors")
    with safe_open(tmp_path / "out.safetensors", framework="numpy") as file:
        token_id, matrix = file.get_tensor("token_id"), file.get_tensor("matrix")
        summary = json.loads(file.metadata()["summary"])
    vocabulary = json.loads((planted.folder / "vocabulary.json").read_text())["model"]["vocab"]
    assert set(token_id) == {vocabulary[word] for word in ("good", "bad", "word3")}
    lines = dict(line.split(" ", 1) for line in source.read_text().splitlines()[:-1])
    for word, written in (("good", "GOOD"), ("bad", "bad"), ("word3", "word3")):
        row = matrix[token_id.tolist().index(vocabulary[word])]
        assert (row == np.array(lines[written].split(), np.float32)).all()
    tokens = planted.texts("train").token_ids
    assert summary == {
        "file": "mine.vec",
        "vectors": 5,
        "size": 16,
        "matched": 3,
        "coverage_of_vocabulary": 3 / (len(vocabulary) - 2),
        "coverage_of_training_tokens": np.isin(tokens, token_id).mean(),
    }


def test_the_same_file_gives_the_same_bytes(planted: Planted, tmp_path: Path) -> None:
    source = planted_file(tmp_path / "mine.vec", ["word1", "bad", "good"])
    for name in ("one", "two"):
        extract(source, planted.folder, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_file_without_a_word_of_the_data_set_is_refused(planted: Planted, tmp_path: Path) -> None:
    source = planted_file(tmp_path / "mine.vec", ["nothing", "known"])
    with pytest.raises(InputError, match=r"mine\.vec: has none of the 26 words"):
        extract(source, planted.folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


# In the classifier.


def started(
    planted: Planted, tmp_path: Path, **changes: Any
) -> tuple[Classifier, Classifier, Path]:
    """Two classifiers alike, of which the first starts from vectors."""
    source = planted_file(tmp_path / "mine.vec", ["good", "word1", "word2"])
    extract(source, planted.folder, tmp_path / "out")
    options = architecture_of(changes=changes)
    models = [Classifier(*planted.sizes, options, VARIANTS["trained"], 1) for _ in range(2)]
    initialise(models[0], tmp_path / "out")
    return models[0], models[1], tmp_path / "out"


def test_embeddings_start_from_the_vectors_and_the_others_as_they_were_drawn(
    planted: Planted, tmp_path: Path
) -> None:
    model, plain, path = started(planted, tmp_path)
    with safe_open(path, framework="pt") as file:
        token_id, matrix = file.get_tensor("token_id"), file.get_tensor("matrix")
    others = np.setdiff1d(np.arange(planted.sizes[0]), token_id)
    assert torch.equal(model.embedding.weight[token_id], matrix)
    assert torch.equal(model.embedding.weight[others], plain.embedding.weight[others])
    assert (model.embedding.weight[0] == 0).all()
    for name, weights in model.state_dict().items():
        assert name == "embedding.weight" or torch.equal(weights, plain.state_dict()[name])


def test_embeddings_from_vectors_are_trained_like_any(planted: Planted, tmp_path: Path) -> None:
    model, _, _ = started(planted, tmp_path)
    model(pad(planted.texts("dev"), np.arange(40))).logits.square().sum().backward()
    assert (model.embedding.weight.grad.abs().sum(1) > 0).sum() > 20


def test_vectors_of_another_size_than_the_embeddings_are_refused(
    planted: Planted, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as raised:
        started(planted, tmp_path, embedding=20)
    message = str(raised.value)
    assert "model.embedding is 20, expected 16" in message and "mine.vec" in message
    assert "\n" not in message


def test_an_encoder_that_embeds_by_itself_takes_no_vectors(
    planted: Planted, tmp_path: Path
) -> None:
    model, _, path = started(planted, tmp_path)
    model.embedding = torch.nn.Identity()
    with pytest.raises(InputError, match=r"model\.vectors: a pretrained encoder"):
        initialise(model, path)
