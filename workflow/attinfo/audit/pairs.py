"""Second texts: queries that a model reads beside each text, and that stay as they are."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
import logging
from typing import Any, Literal

import numpy as np

from attinfo.runtime.errors import InputError

log = logging.getLogger(__name__)
First = Literal["text", "query"]
SHOWN = 40  # characters of a query in messages


@dataclass(frozen=True)
class Queries:
    """The queries of some texts, and how the tokeniser of a model joins each pair.

    Attributes:
        strings: [texts] the queries.
        first: which of the two the model reads first.
        separated: whether the tokeniser puts a special subword between the two.
    """

    strings: list[str]
    first: First
    separated: bool

    def of(self, chosen: np.ndarray) -> "Queries":
        """The queries of some texts, in the order given."""
        return replace(self, strings=[self.strings[i] for i in chosen])


def queries_of(strings: Sequence[str], first: First, tokenizer: Any, place: str) -> Queries:
    """Make queries for a model, whose tokeniser decides what stands around and between the two.

    Args:
        strings: a query for each text.
        first: which of the two the model reads first.
        tokenizer: a fast tokeniser of `transformers`.
        place: the key of the config that names the model, for messages.

    Raises:
        InputError: the tokeniser adds special subwords to a single text, but none to a pair.
    """
    alone, both = (tokenizer.num_special_tokens_to_add(pair=pair) for pair in (False, True))
    if alone and not both:
        raise InputError(
            f"{place}: its tokeniser adds {alone} special subwords to one text and none to two, "
            "expected a tokeniser with a template for pairs"
        )
    if both == alone:
        log.warning("%s: its tokeniser puts nothing between the text and the query", place)
    return Queries(list(strings), first, both > alone)


def check_room(
    strings: Sequence[str],
    spans: Sequence[np.ndarray],
    queries: Queries,
    tokenizer: Any,
    limit: int,
    place: str,
    numbers: Sequence[int],
) -> None:
    """Check that each query leaves room for the first two words of its text.

    A text whose first two words are longer than the window even without a query is no error.

    Args:
        strings, spans: the texts and their words, see `encode`.
        queries: their queries.
        tokenizer, limit: of the model, see `encode`.
        place: the key of the config that names the model, for messages.
        numbers: [texts] the number of each text, for messages.

    Raises:
        InputError: a query leaves no such room.
    """
    words = [
        string[own[0, 0] : own[:2][-1, 1]] if len(own) else ""
        for string, own in zip(strings, spans, strict=True)
    ]
    window = limit - tokenizer.num_special_tokens_to_add(pair=True)
    need, taken = (_sizes(own, tokenizer) for own in (words, queries.strings))
    room = window - taken
    for i in np.flatnonzero((room < 1) | ((room < need) & (need <= window)))[:1]:
        query = queries.strings[i]
        shown = query if len(query) <= SHOWN else f"{query[:SHOWN]}…"
        raise InputError(
            f"{place}: the query of text {numbers[i]} ({shown!r}) has {taken[i]} subwords, which "
            f"leaves no room for two words of the text in the model's window of {limit}: expected "
            "a shorter query"
        )


def _sizes(strings: Sequence[str], tokenizer: Any) -> np.ndarray:
    """[texts] number of subwords of each text, without special ones."""
    if not strings:
        return np.zeros(0, np.int64)
    found = tokenizer(
        list(strings),
        add_special_tokens=False,
        split_special_tokens=True,
        return_attention_mask=False,
        return_token_type_ids=False,
    )
    return np.array([len(ids) for ids in found["input_ids"]])
