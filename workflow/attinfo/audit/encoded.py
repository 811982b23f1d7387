"""Texts in the subwords of a transformer, and the words that the subwords belong to.

A model may read a query beside each text. Its subwords belong to no word.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import Tensor

from attinfo.audit.pairs import Queries
from attinfo.data.batches import ranges
from attinfo.data.subwords import in_chunks, overlapping

if TYPE_CHECKING:
    import pyarrow as pa

Perturbation = Literal["delete", "mask"]


@dataclass(frozen=True)
class Row:
    """What a model reads for one text: its subwords, and the query's if there is one.

    Attributes:
        ids: [P] int64 subwords, special ones included.
        segments: [P] int64 the segment of each subword (`token_type_ids` of transformers); None if
            the model gets none.
    """

    ids: np.ndarray
    segments: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def key(self) -> bytes:
        """The same for rows that are the same to the model."""
        return self.ids.tobytes() + (b"" if self.segments is None else self.segments.tobytes())


@dataclass(frozen=True)
class Encoded:
    """Texts in subwords and words, as flat arrays.

    The words of text i are [offsets[i]:offsets[i + 1]], its subwords ids[pieces[i]:pieces[i + 1]],
    which are joined with those of its query if there is one. A text is cut to the model's window.
    Words beyond the window are left out. An overlap is a subword and a word that share a character.
    """

    ids: np.ndarray  # [subwords] int64, special ones and those of queries included
    pieces: np.ndarray  # [texts + 1]
    offsets: np.ndarray  # [texts + 1] of words
    starts: np.ndarray  # [words] the first character of each word in its text
    ends: np.ndarray  # [words] the character after its last
    overlaps: np.ndarray  # [texts + 1] the overlaps of text i are overlaps[i]:overlaps[i + 1]
    piece: np.ndarray  # [overlaps] place of the subword in its text
    word: np.ndarray  # [overlaps] place of the word in its text
    lost: np.ndarray  # [texts] number of words without a subword: beyond the window, for example
    segments: np.ndarray | None = None  # [subwords] int64; None if the model gets none
    asked: np.ndarray | None = None  # [subwords] bool, of a query; None without queries

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> np.ndarray:
        """[texts] number of words of each text."""
        return np.diff(self.offsets)

    @property
    def sizes(self) -> np.ndarray:
        """[texts] number of subwords of each text."""
        return np.diff(self.pieces)

    def rows(self, chosen: np.ndarray) -> list[Row]:
        """What a model reads for some texts."""
        return [self._row(i) for i in chosen]

    def _row(self, text: int) -> Row:
        own = slice(self.pieces[text], self.pieces[text + 1])
        return Row(self.ids[own], None if self.segments is None else self.segments[own])

    def erased(self, source: np.ndarray, keep: np.ndarray, mask: int | None = None) -> list[Row]:
        """What a model reads for texts from which words are removed.

        A subword stays if one of its words does. Subwords of no word, such as special ones and
        those of the query, stay.

        Args:
            source: [S] index of the whole text of each.
            keep: [S, T] which words stay; values beyond the end of a text are ignored.
            mask: the subword that replaces each removed one; None to delete them.

        Returns:
            S rows.
        """
        found = []
        for text, kept in zip(source, keep, strict=True):
            row = self._row(text)
            own = slice(self.overlaps[text], self.overlaps[text + 1])
            piece, word = self.piece[own], self.word[own]
            stays = np.ones(len(row), bool)
            stays[piece] = False
            stays[piece[kept[word]]] = True
            if mask is None:
                segments = None if row.segments is None else row.segments[stays]
                found.append(Row(row.ids[stays], segments))
            else:
                found.append(Row(np.where(stays, row.ids, mask), row.segments))
        return found

    def is_word(self, chosen: np.ndarray, shape: tuple[int, ...]) -> Tensor:
        """[B, P] whether a subword of a padded batch belongs to a word."""
        row = np.repeat(np.arange(len(chosen)), np.diff(self.overlaps)[chosen])
        found = torch.zeros(shape, dtype=torch.bool)
        found[row, self.piece[ranges(self.overlaps, chosen)]] = True
        return found

    def is_query(self, chosen: np.ndarray, shape: tuple[int, ...]) -> Tensor:
        """[B, P] whether a subword of a padded batch belongs to a query."""
        found = torch.zeros(shape, dtype=torch.bool)
        if self.asked is not None:
            for row, text in enumerate(chosen):
                own = self.asked[self.pieces[text] : self.pieces[text + 1]]
                found[row, : len(own)] = torch.from_numpy(own)
        return found

    def of(self, kept: np.ndarray) -> "Encoded":
        """Some of the texts, in the order given."""
        pieces, words = ranges(self.pieces, kept), ranges(self.offsets, kept)
        overlaps = ranges(self.overlaps, kept)
        return Encoded(
            ids=self.ids[pieces],
            pieces=np.append(0, self.sizes[kept].cumsum()),
            offsets=np.append(0, self.lengths[kept].cumsum()),
            starts=self.starts[words],
            ends=self.ends[words],
            overlaps=np.append(0, np.diff(self.overlaps)[kept].cumsum()),
            piece=self.piece[overlaps],
            word=self.word[overlaps],
            lost=self.lost[kept],
            segments=None if self.segments is None else self.segments[pieces],
            asked=None if self.asked is None else self.asked[pieces],
        )

    def in_batch(self, chosen: np.ndarray, width: int) -> "Overlaps":
        """Which subwords of a padded batch belong to which of its words.

        Args:
            chosen: [B] indices of the texts.
            width: P, subwords of a padded text.
        """
        own = ranges(self.overlaps, chosen)
        number = np.diff(self.overlaps)[chosen]
        row = np.repeat(np.arange(len(chosen)), number)
        lengths = self.lengths[chosen]
        piece = row * width + self.piece[own]
        word = self.word[own] + np.repeat(lengths.cumsum() - lengths, number)
        words_of_piece = np.bincount(piece, minlength=len(chosen) * width)
        return Overlaps(
            torch.from_numpy(piece),
            torch.from_numpy(word),
            torch.from_numpy(1 / words_of_piece[piece]).float(),
            int(lengths.sum()),
        )


@dataclass(frozen=True)
class Overlaps:
    """The overlaps of the subwords and words of a batch; see `Encoded.in_batch`.

    `piece`: [overlaps] place in the flat [B P]; `word`: [overlaps] place among the batch's words,
    text by text; `share`: [overlaps] the part of the subword's weight that the word gets: all, or
    an equal part if the subword belongs to several words; `words`: number of words, W.
    """

    piece: Tensor
    word: Tensor
    share: Tensor
    words: int

    def summed(self, values: Tensor) -> Tensor:
        """[W, K] sums over the subwords of each word of values [B, K, P]."""
        flat = values.transpose(1, 2).flatten(0, 1)  # [B P, K]
        own = flat[self.piece] * self.share[:, None].to(flat.dtype)
        return flat.new_zeros(self.words, flat.shape[1]).index_add(0, self.word, own)

    def averaged(self, states: Tensor) -> Tensor:
        """[W, d] means over the subwords of each word of states [B, P, d]."""
        flat = states.flatten(0, 1)
        total = flat.new_zeros(self.words, flat.shape[1])
        total = total.index_add(0, self.word, flat[self.piece])
        number = self.word.bincount(minlength=self.words)
        return total / number.clamp(min=1)[:, None]


def spans_of(table: "pa.Table") -> list[np.ndarray]:
    """The first character of each word of a text and the one after its last, [words, 2] a text.

    Args:
        table: texts of a prepared data set, as `read_arrow` reads them.
    """
    return [
        np.stack([np.array(row[name], np.int64) for name in ("starts", "ends")], 1)
        for row in table.select(["starts", "ends"]).to_pylist()
    ]


def encode(
    strings: Sequence[str],
    spans: Sequence[np.ndarray],
    tokenizer: Any,
    limit: int,
    units: Literal["words", "subwords"] = "words",
    queries: Queries | None = None,
    segments: bool = False,
) -> Encoded:
    """Cut texts into the subwords of a model, and find the words of each.

    A query is joined with its text by the tokeniser. It is never cut, and its words are not found.

    Args:
        strings: the texts.
        spans: for each text [words, 2], see `spans_of`.
        tokenizer: a fast tokeniser of `transformers`.
        limit: the largest number of subwords of a text, special ones included.
        units: `words`, or `subwords` to treat each subword that belongs to a word as a word.
        queries: the second texts, if the model reads two; `check_room` comes first.
        segments: whether the model gets the segments of pairs.
    """
    segments = segments and queries is not None
    of_segments: list[np.ndarray] = []
    asked: list[np.ndarray] = []
    ids: list[np.ndarray] = []
    piece: list[np.ndarray] = []
    word: list[np.ndarray] = []
    reached_spans: list[np.ndarray] = []
    offsets = np.cumsum([0, *map(len, spans)])
    starts, ends = np.concatenate([np.zeros((0, 2), np.int64), *spans]).T
    lost = np.zeros(len(strings), np.int64)
    chunks = in_chunks(
        strings,
        offsets,
        starts,
        ends,
        tokenizer,
        None if queries is None else queries.strings,
        queries is not None and queries.first == "query",
        return_attention_mask=False,
        return_token_type_ids=segments,
        max_length=limit,
    )
    for first, found in chunks:
        both = zip(found["input_ids"], found["offset_mapping"], strict=True)
        for i, (of_ids, of_bounds) in enumerate(both, first):
            bounds = np.array(of_bounds).reshape(-1, 2)
            if queries is not None:
                query = 0 if queries.first == "query" else 1
                side = np.array(found.sequence_ids(i - first), float)  # NaN at special subwords
                asked.append(side == query)
                bounds[asked[-1]] = 0
            if segments:
                of_segments.append(np.array(found["token_type_ids"][i - first], np.int64))
            own_spans = spans[i]
            own_piece, own_word = overlapping(bounds, *own_spans.T)
            lost[i] = len(own_spans) - len(np.unique(own_word))
            if units == "subwords":
                own_piece = np.unique(own_piece)  # those that belong to a word
                own_word, own_spans = np.arange(len(own_piece)), bounds[own_piece]
            reached, own_word = np.unique(own_word, return_inverse=True)
            ids.append(np.array(of_ids, np.int64))
            piece.append(own_piece)
            word.append(own_word)
            reached_spans.append(own_spans[reached])
    flat = np.concatenate([np.zeros((0, 2), np.int64), *reached_spans])
    return Encoded(
        ids=np.concatenate([np.zeros(0, np.int64), *ids]),
        pieces=np.cumsum([0, *map(len, ids)]),
        offsets=np.cumsum([0, *map(len, reached_spans)]),
        starts=flat[:, 0],
        ends=flat[:, 1],
        overlaps=np.cumsum([0, *map(len, piece)]),
        piece=np.concatenate([np.zeros(0, np.int64), *piece]),
        word=np.concatenate([np.zeros(0, np.int64), *word]),
        lost=lost,
        segments=np.concatenate([np.zeros(0, np.int64), *of_segments]) if segments else None,
        asked=None if queries is None else np.concatenate([np.zeros(0, bool), *asked]),
    )


def groups_by_length(costs: np.ndarray, room: float, most: int) -> list[np.ndarray]:
    """Indices of texts in batches of similar length.

    Args:
        costs: [texts] cost of each text, which grows with its length.
        room: the largest cost of a batch of two texts or more, where each text costs as much as the
            most expensive one.
        most: the largest number of texts in a batch.

    Returns:
        The batches, those with low costs first.
    """
    order = np.argsort(costs, kind="stable")
    found, start = [], 0
    for end in range(1, len(order) + 1):
        size = end - start
        if end == len(order) or size == most or (size + 1) * costs[order[end]] > room:
            found.append(order[start:end])
            start = end
    return found
