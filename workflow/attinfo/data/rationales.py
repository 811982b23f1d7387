"""Rationales: the parts of a text that people marked as their reasons, as spans of characters.

A cell of the column has the marks of one annotator or of several. Its form is one of:

- `spans`: [start, end) characters, `[[0, 4], [10, 15]]`; of several annotators
  `[[[0, 4]], [[0, 4], [10, 15]]]`.
- `tokens`: places of tokens from 0, `[0, 3]`; of several annotators `[[0, 3], [3]]`.
- `mask`: 1 for each marked token and 0 for each other, `[1, 0, 0, 1]`; of several `[[…], […]]`.
- `marked`: the text itself with marks around the chosen parts, `A *good* film`; of several a list.

The tokens of `tokens` and `mask` are those of a list of tokens, or the words of a text between
blanks. In CSV files the cell is JSON. An empty cell means that nobody annotated the text. A cell
without any mark, such as `[]` for one annotator, means that nothing in the text was marked.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
import json
import re
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from attinfo.data.names import shown
from attinfo.data.raw_table import RawTable
from attinfo.data.tokenization import Tokens
from attinfo.runtime.errors import InputError

Spans: TypeAlias = list[tuple[int, int]]


class _Wrong(Exception):
    """What is wrong with a cell, and what was expected."""


def rationales(raw: RawTable, table: pd.DataFrame, options: Mapping[str, Any]) -> pd.Series:
    """The marked spans of each text.

    Args:
        raw: the table as its source brought it, for messages.
        table: of `rows.labelled`, with `text` and, where they are given, `tokens`; its column
            `marks` holds the cells.
        options: `column`, `form` and `marks` of `sections.Rationale`.

    Returns:
        For each text None, or a list of spans for each annotator.

    Raises:
        InputError: a cell is not of the form; the message names the row.
    """
    found: list[list[Spans] | None] = []
    given = table["tokens"] if "tokens" in table else [None] * len(table)
    for row, text, tokens, cell in zip(
        table.index, table["text"], given, table["marks"], strict=True
    ):
        try:
            found.append(_annotators(cell, text, tokens, options))
        except _Wrong as error:
            raise InputError(
                f"{raw.name}: column '{options['column']}' (rationale): {raw.place(row)}: {error}"
            ) from None
    return pd.Series(found, index=table.index, dtype=object)


def _annotators(
    cell: Any, text: str, tokens: Sequence[str] | None, options: Mapping[str, Any]
) -> list[Spans] | None:
    form = options["form"]
    if form == "marked":
        texts = list(cell) if isinstance(cell, list | tuple | np.ndarray) else [cell]
        if isinstance(cell, str) and cell.startswith('["'):
            with suppress(json.JSONDecodeError):  # a marked text may begin like a list
                texts = json.loads(cell)
        if not any(texts):
            return None
        return [_unmarked(own, text, options["marks"]) for own in texts]
    if cell is None:
        return None
    if not isinstance(cell, str):
        raise _Wrong("found a list of texts, expected numbers")
    if not cell.strip():
        return None
    try:
        value = json.loads(cell)
    except json.JSONDecodeError:
        raise _Wrong(f"'{shown(cell)}' is no list, expected the form '{form}' as JSON") from None
    if value == []:
        return None if form == "mask" else [[]]
    if form == "spans" and isinstance(value, list) and all(own == [] for own in value):
        return [[] for _ in value]
    depth = _depth(value)
    one = 2 if form == "spans" else 1  # depth of the marks of one annotator
    if depth not in (one, one + 1):
        raise _Wrong(f"'{shown(cell)}' is not of the form '{form}'")
    each = value if depth == one + 1 else [value]
    if form == "spans":
        return [_checked([tuple(span) for span in own], len(text)) for own in each] or None
    places = _places(text, tokens)
    return [_of_tokens(own, places, form) for own in each] or None


def _depth(value: Any) -> int:
    """How deeply lists of whole numbers are nested, all alike; -1 for anything else."""
    if isinstance(value, list):
        inner = {_depth(item) for item in value if item != []} or {int(bool(value))}
        return -1 if -1 in inner or len(inner) > 1 else 1 + inner.pop()
    return 0 if isinstance(value, int) and not isinstance(value, bool) else -1


def _places(text: str, tokens: Sequence[str] | None) -> Spans:
    if tokens is None:
        return [match.span() for match in re.finditer(r"\S+", text)]
    ends = np.cumsum([len(token) + 1 for token in tokens]) - 1
    return [(int(end) - len(t), int(end)) for t, end in zip(tokens, ends, strict=True)]


def _of_tokens(own: list[int], places: Spans, form: str) -> Spans:
    if form == "mask":
        if len(own) != len(places):
            raise _Wrong(f"a mask of {len(own)} numbers, expected {len(places)}, one a token")
        if strange := [value for value in own if value not in (0, 1)]:
            raise _Wrong(f"found {strange[0]} in a mask, expected 0 or 1")
        return [place for place, value in zip(places, own, strict=True) if value]
    if outside := [value for value in own if not 0 <= value < len(places)]:
        raise _Wrong(f"token {outside[0]} is not in the text, expected 0 to {len(places) - 1}")
    if len(set(own)) < len(own):
        raise _Wrong("a token is marked twice, expected once")
    return [places[value] for value in own]


def _checked(spans: list[tuple[int, ...]], size: int) -> Spans:
    found: Spans = []
    for span in spans:
        if len(span) != 2 or not 0 <= span[0] < span[1] <= size:
            raise _Wrong(f"the span {list(span)}, expected 0 <= start < end <= {size}")
        found.append((span[0], span[1]))
    found.sort()
    for (_, end), (start, other) in pairwise(found):
        if start < end:
            raise _Wrong(f"the span [{start}, {other}] overlaps another, expected them apart")
    return found


def _unmarked(marked: str, text: str, marks: Sequence[str]) -> Spans:
    """The spans between marks; without the marks the text is the given one."""
    opening, closing = marks
    spans: Spans = []
    plain, begin, place = "", None, 0
    while place < len(marked):
        mark = opening if begin is None else closing
        if marked.startswith(mark, place):
            place += len(mark)
            if begin is None:
                begin = len(plain)
            else:
                spans.append((begin, len(plain)))
                begin = None
        else:
            plain += marked[place]
            place += 1
    if begin is not None:
        raise _Wrong(f"the mark '{opening}' is left open, expected '{closing}' behind it")
    if plain != text:
        raise _Wrong(f"'{shown(plain)}' without its marks is not the text '{shown(text)}'")
    if any(start == end for start, end in spans):
        raise _Wrong(f"nothing stands between '{opening}' and '{closing}', expected a word")
    return spans


def shares(annotators: Sequence[list[Spans] | None], tokens: Tokens) -> np.ndarray:
    """[tokens] float32 share of the annotators who marked a character of each token.

    NaN in texts without a rationale.

    Args:
        annotators: of `rationales`, for the texts of `tokens`.
        tokens: the tokens of a split.
    """
    values = np.full(len(tokens.ids), np.nan, np.float32)
    for text, held in enumerate(annotators):
        if not held:
            continue
        own = slice(*tokens.offsets[text : text + 2])
        marks = np.zeros((len(held), tokens.offsets[text + 1] - tokens.offsets[text]), bool)
        for row, spans in zip(marks, held, strict=True):
            for start, end in spans:
                row |= (tokens.starts[own] < end) & (tokens.ends[own] > start)
        values[own] = marks.mean(0)
    return values
