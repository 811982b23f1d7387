"""Subwords of a pretrained encoder (class `Pieces`), and the tokens that each subword overlaps.

A subword overlaps a token if they share a character of the text. One subword may overlap several
tokens ("..." is one subword of many models and three tokens here), one token several subwords.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

CHUNK = 1000  # texts cut at once: the tokeniser's own lists take twenty times the memory of ours


@dataclass(frozen=True)
class Pieces:
    """The subwords of all texts of a split, ragged, in windows that the encoder can read.

    A text longer than the encoder can read has several windows, one behind the other, so that no
    token is without a state.
    """

    windows: np.ndarray  # [texts + 1] text i has the windows windows[i]:windows[i + 1]
    offsets: np.ndarray  # [windows + 1] window w is ids[offsets[w]:offsets[w + 1]]
    ids: np.ndarray  # [subwords] int64, the special ones of each window included
    overlaps: np.ndarray  # [windows + 1] window w has the overlaps overlaps[w]:overlaps[w + 1]
    piece: np.ndarray  # [overlaps] int64, place of the subword in its window
    token: np.ndarray  # [overlaps] int64, place of the token in its text

    @property
    def lengths(self) -> np.ndarray:
        """[texts] number of subwords of each text."""
        return np.diff(self.offsets[self.windows])

    def bare(self, lengths: np.ndarray) -> int:
        """How many tokens no subword overlaps, of texts with these numbers of tokens."""
        window = np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.overlaps))
        text = np.searchsorted(self.windows, window, side="right") - 1
        return int(lengths.sum()) - len(np.unique(np.stack([text, self.token]), axis=1).T)


def overlapping(
    bounds: np.ndarray, starts: np.ndarray, ends: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Which subwords overlap which tokens of a text.

    Args:
        bounds: [subwords, 2] characters of each subword; special ones have none, (0, 0).
        starts, ends: [tokens] characters of each token, in order and apart.

    Returns:
        The places of subword and token of each overlap.
    """
    a, b = bounds.T
    # Tokens are in order, so that those which a subword overlaps are consecutive.
    first = np.searchsorted(ends, a, side="right")
    number = np.where(a < b, np.searchsorted(starts, b, side="left") - first, 0)
    piece = np.repeat(np.arange(len(bounds)), number)
    return piece, np.arange(len(piece)) + np.repeat(first - (number.cumsum() - number), number)


def tokens_alone(string: str, starts: np.ndarray, ends: np.ndarray) -> str:
    """The text with blanks for all that is in none of its tokens, so that places stay the same.

    No encoder reads a line break written as "<br />", or what stands behind `max_tokens`.
    """
    parts, end = [], 0
    for a, b in zip(starts.tolist(), ends.tolist(), strict=True):
        parts += [" " * (a - end), string[a:b]]
        end = b
    return "".join(parts)


def in_chunks(
    strings: Sequence[str],
    offsets: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    tokenizer: Any,
    queries: Sequence[str] | None = None,
    query_first: bool = False,
    **options: Any,
) -> Iterator[tuple[int, Any]]:
    """Yield the first text of each chunk, and what the tokeniser makes of the chunk.

    Args:
        strings, offsets, starts, ends, tokenizer: see `cut`.
        queries: second texts, which the tokeniser joins with the texts; only the texts are cut.
        query_first: whether the query stands before the text.
        options: further arguments of the tokeniser.
    """
    of_text = [slice(a, b) for a, b in pairwise(offsets)]
    for first in range(0, len(strings), CHUNK):
        chunk = zip(strings[first : first + CHUNK], of_text[first : first + CHUNK], strict=True)
        sides = [[tokens_alone(string, starts[own], ends[own]) for string, own in chunk]]
        truncation: bool | str = True
        if queries is not None:
            sides.insert(0 if query_first else 1, list(queries[first : first + CHUNK]))
            truncation = "only_second" if query_first else "only_first"
        yield (
            first,
            tokenizer(
                *sides,
                truncation=truncation,
                return_offsets_mapping=True,
                split_special_tokens=True,  # a text that says "[MASK]" masks nothing
                **options,
            ),
        )


def cut(
    strings: Sequence[str],
    offsets: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    tokenizer: Any,
    limit: int,
) -> Pieces:
    """Cut texts into subwords.

    Args:
        strings: the texts.
        offsets: [texts + 1] the tokens of text i are offsets[i]:offsets[i + 1].
        starts, ends: [tokens] characters of each token in its text.
        tokenizer: a fast tokeniser of `transformers`.
        limit: subwords of a window at most, special ones included.
    """
    windows = np.zeros(len(strings) + 1, np.int64)
    ids, piece, token = [], [], []  # arrays, one a window
    as_windows: dict[str, Any] = {
        "stride": 0,
        "return_overflowing_tokens": True,
        "max_length": limit,
    }
    for first, found in in_chunks(strings, offsets, starts, ends, tokenizer, **as_windows):
        sources = found["overflow_to_sample_mapping"]
        for i, window, bounds in zip(
            sources, found["input_ids"], found["offset_mapping"], strict=True
        ):
            own = slice(*offsets[first + i : first + i + 2])
            overlap = overlapping(np.array(bounds).reshape(-1, 2), starts[own], ends[own])
            windows[first + i + 1] += 1
            ids.append(np.array(window, np.int64))
            piece.append(overlap[0])
            token.append(overlap[1])
    return Pieces(
        windows=windows.cumsum(),
        offsets=np.cumsum([0, *map(len, ids)]),
        ids=np.concatenate(ids),
        overlaps=np.cumsum([0, *map(len, piece)]),
        piece=np.concatenate(piece),
        token=np.concatenate(token),
    )
