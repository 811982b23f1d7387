"""Pretrained word vectors: reads the vectors of the words in a vocabulary.

The formats are those of word2vec and fastText, whose first line has the number of vectors and their
size, and of GloVe, which has no such line. Files are in UTF-8, plain or .gz. A folder that
`vector_packages` wrote is read too.
"""

from collections.abc import Mapping
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

from attinfo.data.texts import read_texts
from attinfo.data.vector_files import BYTE_ORDER, MATRIX, WORDS, first_line, opened
from attinfo.runtime.errors import InputError

SPECIAL = 2  # token ids below it are padding and the unknown word: no words


class Vectors(NamedTuple):
    """The vectors of those words of a vocabulary that a file has."""

    token_id: np.ndarray  # [matched] int64, ascending
    matrix: np.ndarray  # [matched, d] float32
    found: int  # vectors in the file


def _is_number(field: bytes) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def read_vectors(path: str | Path, vocabulary: Mapping[str, int]) -> Vectors:
    """The vectors of the words of a vocabulary.

    A word of the file is a word of the vocabulary as it stands or, if none does, in lower case;
    of several the first one. Only these are kept, so that a file may be larger than memory.

    Args:
        path: the file.
        vocabulary: word in lower case -> token id.

    Raises:
        InputError: the file cannot be read, is not in UTF-8 or holds no vectors, or a line has
            another number of numbers than the first.
    """
    path = Path(path)
    as_written: dict[int, np.ndarray] = {}
    lowered: dict[int, np.ndarray] = {}
    size = found = 0
    with opened(path) as file:
        # Lines end with "\n" alone and fields with a blank: words may hold any other white space.
        for number, line in enumerate(file, start=1):
            line = line.rstrip(b" \r\n")
            if number == 1:
                line = line.removeprefix(BYTE_ORDER)
                size, is_header = first_line(line)
                if is_header:
                    continue
            if not line:
                continue
            found += 1
            if size == 0 or line.count(b" ") != size:
                _check_words(path, number, line, size)
                continue
            name, _, numbers = line.partition(b" ")
            try:
                word = name.decode()
            except UnicodeDecodeError:
                raise InputError(
                    f"{path}: the word in line {number} is not in UTF-8, expected a text file of "
                    "word2vec, GloVe or fastText"
                ) from None
            for rows, key in ((as_written, word), (lowered, word.lower())):
                token = vocabulary.get(key, 0)
                if token >= SPECIAL and token not in rows:
                    rows[token] = _numbers(path, number, numbers)
    if not found:
        raise InputError(f"{path}: holds no vectors")
    rows = lowered | as_written
    token_id = np.array(sorted(rows), np.int64)
    matrix = np.array([rows[token] for token in token_id], np.float32).reshape(-1, size)
    return Vectors(token_id, matrix, found)


def read_package(folder: str | Path, vocabulary: Mapping[str, int]) -> Vectors:
    """The vectors of the words of a vocabulary, matched as `read_vectors` does.

    Args:
        folder: what `unpack_vectors` wrote.
        vocabulary: word in lower case -> token id.

    Raises:
        InputError: a number of one of these vectors is not finite.
    """
    folder = Path(folder)
    words: list[str] = json.loads((folder / WORDS).read_text("utf-8"))
    as_written: dict[int, int] = {}
    lowered: dict[int, int] = {}
    for row, word in enumerate(words):
        for found, key in ((as_written, word), (lowered, word.lower())):
            token = vocabulary.get(key, 0)
            if token >= SPECIAL:
                found.setdefault(token, row)
    rows = lowered | as_written
    token_id = np.array(sorted(rows), np.int64)
    stored = np.load(folder / MATRIX, mmap_mode="r")
    chosen = [rows[token] for token in token_id]
    # In ascending rows, which is the order in which the file is read.
    order = np.argsort(chosen)
    matrix = np.empty((len(chosen), stored.shape[1]), np.float32)
    matrix[order] = stored[np.array(chosen, np.int64)[order]]
    if len(wrong := np.flatnonzero(~np.isfinite(matrix).all(axis=1))):
        raise InputError(
            f"{folder.name}: the vector of '{words[chosen[wrong[0]]]}' holds a number that is not "
            "finite, expected finite numbers"
        )
    return Vectors(token_id, matrix, len(words))


def _check_words(path: Path, number: int, line: bytes, size: int) -> None:
    """A line with more fields is of several words (GloVe has ". . ."), which we have as one never.

    Raises:
        InputError: it is not: there are too few numbers, or too many.
    """
    fields = line.split(b" ")
    words = fields[: max(len(fields) - size, 1)]
    if size == 0 or len(fields) <= size or any(map(_is_number, words[1:])):
        raise InputError(
            f"{path}: line {number} has {len(fields) - 1} numbers after its word, expected "
            + (f"{size} as in the first" if size else "one or more, parted by blanks")
        )


def _numbers(path: Path, number: int, line: bytes) -> np.ndarray:
    try:
        values = np.array(line.split(b" "), np.float32)
    except ValueError:
        values = np.array([np.nan])
    if not np.isfinite(values).all():
        raise InputError(f"{path}: line {number}: found what is no number after its word")
    return values


def describe(vectors: Vectors, vocabulary: Mapping[str, int], counts: np.ndarray) -> dict[str, Any]:
    """What of a vocabulary and its training texts a file of vectors covers.

    Args:
        vectors: the matched ones.
        vocabulary: word -> token id.
        counts: [ids] occurrences of each token id in the training texts.
    """
    return {
        "vectors": vectors.found,
        "size": vectors.matrix.shape[1],
        "matched": len(vectors.token_id),
        "coverage_of_vocabulary": len(vectors.token_id) / max(len(vocabulary) - SPECIAL, 1),
        "coverage_of_training_tokens": float(counts[vectors.token_id].sum() / counts.sum()),
    }


def extract(path: str | Path, data: str | Path, destination: str | Path) -> dict[str, Any]:
    """Write the vectors of a data set's vocabulary.

    The destination is a safetensors file: `token_id` [matched] int64, `matrix` [matched, d]
    float32, and in its metadata, under `summary`, JSON with the name of the file, how many
    vectors it has, and their coverage (`describe`).

    Args:
        path: the file of word vectors, or the folder of an unpacked package.
        data: the folder of a prepared data set.
        destination: where to write.

    Returns:
        The summary.

    Raises:
        InputError: see `read_vectors` and `read_package`; or no word of the data set has a
            vector.
    """
    tokenizer = json.loads((Path(data) / "vocabulary.json").read_text("utf-8"))
    vocabulary = tokenizer["model"]["vocab"]
    read = read_package if Path(path).is_dir() else read_vectors
    vectors = read(path, vocabulary)
    if len(vectors.token_id) == 0:
        raise InputError(f"{path}: has none of the {len(vocabulary) - SPECIAL} words of {data}")
    counts = np.bincount(read_texts(data, "train").token_ids, minlength=len(vocabulary))
    summary = {"file": Path(path).name, **describe(vectors, vocabulary, counts)}
    arrays = {"token_id": vectors.token_id, "matrix": vectors.matrix}
    save_file(arrays, destination, {"summary": json.dumps(summary)})
    return summary


def summary_of(path: str | Path) -> dict[str, Any]:
    """The summary of the vectors in a file that `extract` wrote."""
    with safe_open(path, framework="numpy") as file:
        summary: dict[str, Any] = json.loads(file.metadata()["summary"])
    return summary
