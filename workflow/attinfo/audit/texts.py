"""The texts of an audit: a random sample, and two halves of it for choosing and for judging."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
import re
from typing import Any

import numpy as np
import pyarrow as pa

from attinfo.audit.agreement import Drawn
from attinfo.audit.encoded import Encoded, encode, spans_of
from attinfo.audit.model import TransformerClassifier, places_of_classes
from attinfo.audit.names import CHOOSING, JUDGING, NEITHER
from attinfo.audit.pairs import First, Queries, check_room, queries_of
from attinfo.config.sections.audit import Audit
from attinfo.data.batches import ranges
from attinfo.data.texts import read_arrow, read_summary
from attinfo.data.tokenization import WORD
from attinfo.runtime.errors import InputError
from attinfo.runtime.seeds import seed_of

FEWEST = 20  # texts of two words or more: words of shorter ones cannot be ranked


@dataclass(frozen=True)
class AuditedTexts:
    """Texts of an audit, in the order of their draw.

    Attributes:
        strings: the texts. Texts with the same subwords are there once; with queries, pairs are.
        encoded: the texts in subwords and words.
        labels: [texts] the label of each text, as a class of the model.
        half: [texts] `CHOOSING` or `JUDGING` for the drawn texts, which have two words or more,
            else `NEITHER`.
        frequency: [words] number of times that the word occurs in all texts, whatever its case.
        queries: the second texts; None if the model reads one text.
    """

    strings: list[str]
    encoded: Encoded
    labels: np.ndarray
    half: np.ndarray
    frequency: np.ndarray
    queries: Queries | None = None

    def __len__(self) -> int:
        return len(self.strings)

    @property
    def sources(self) -> np.ndarray:
        """[texts] a number that pairs of one text share; no text is on two sides of a split."""
        return _sources(self.strings, self.queries)

    @property
    def drawn(self) -> np.ndarray:
        """[texts] bool, the texts for which measures are computed."""
        return self.half != NEITHER

    def of_drawn(self) -> Drawn:
        """The words of the drawn texts."""
        chosen = np.flatnonzero(self.drawn)
        lengths = self.encoded.lengths[chosen]
        words = ranges(self.encoded.offsets, chosen)
        return Drawn(words, np.append(0, lengths.cumsum()), self.half[chosen])

    def words(self, text: int) -> list[str]:
        """The words of a text."""
        own = slice(*self.encoded.offsets[text : text + 2])
        spans = zip(self.encoded.starts[own], self.encoded.ends[own], strict=True)
        return [self.strings[text][a:b] for a, b in spans]

    def key(self, text: int) -> tuple[str, ...]:
        """A text, and its query if there is one, for seeds."""
        own = (self.strings[text],)
        return own if self.queries is None else (*own, self.queries.strings[text])

    @property
    def position(self) -> np.ndarray:
        """[words] place of each word in its text, from 0."""
        lengths = self.encoded.lengths
        return np.arange(lengths.sum()) - np.repeat(self.encoded.offsets[:-1], lengths)


def audited_texts(
    data: str | Path,
    model: TransformerClassifier,
    options: Mapping[str, Any],
    audit: Audit,
    place: str,
) -> AuditedTexts:
    """Draw texts of a prepared data set, and cut them into the subwords of a model.

    Args:
        data: folder of the data set.
        model: the model.
        options: `texts`, the split "test" or "all" splits; `labels`, class of the data -> class of
            the model, empty if the names are the same; `first`, "text" or "query", read if the data
            set has queries.
        audit: the section `audit`.
        place: the key of the config that names the model, for messages.

    Raises:
        InputError: the classes of the data are not the model's, there are too few texts, or the
            model cannot read a pair of text and query.
    """
    splits = ("test",) if options["texts"] == "test" else ("train", "dev", "test")
    table = pa.concat_tables([read_arrow(data, split) for split in splits]).combine_chunks()
    classes = read_summary(data)["classes"]
    places = places_of_classes(classes, model.classes, options["labels"], place)
    labels = places[table["label"].to_numpy()]
    queries = None
    if "query" in table.column_names:
        strings = table["query"].to_pylist()
        queries = queries_of(strings, options["first"], model.tokenizer, place)
    strings = table["text"].to_pylist()
    return _drawn(strings, spans_of(table), queries, labels, model, audit, place)


def given_texts(
    texts: Sequence[str],
    labels: Sequence[object],
    model: TransformerClassifier,
    audit: Audit,
    queries: Sequence[str] | None = None,
    first: First | None = None,
) -> AuditedTexts:
    """Draw texts from a list, and cut them into the subwords of a model.

    Args:
        texts: the texts.
        labels: the class of each text, by the model's names or numbers.
        model: the model.
        audit: the section `audit`.
        queries: a second text for each text; None if the model reads one text.
        first: which of the two the model reads first; None for the text.

    Raises:
        InputError: the numbers of texts, labels and queries differ, an entry is not a text, a label
            is not a class of the model, there are too few texts, the model cannot read a pair of
            text and query, or `first` has no queries beside it.
    """
    for name, others in (("labels", labels), ("queries", texts if queries is None else queries)):
        if len(texts) != len(others):
            raise InputError(
                f"texts has {len(texts)} entries, {name} {len(others)}: expected as many"
            )
    for name, given in (("texts", texts), ("queries", queries or ())):
        for i, text in enumerate(given):
            if not isinstance(text, str) or not text.strip():
                raise InputError(f"{name}: entry {i} is {text!r}, expected a text")
    if first not in (None, "text", "query"):
        raise InputError(f"first: found {first!r}, expected 'text' or 'query'")
    if first is not None and queries is None:
        raise InputError(f"first: found {first!r} without queries, expected them beside it")
    names = [str(label) for label in labels]
    classes = sorted(set(names))
    places = places_of_classes(classes, model.classes, {}, "labels")
    found = places[[classes.index(name) for name in names]]
    spans = [
        np.array([match.span() for match in re.finditer(WORD, text)], np.int64).reshape(-1, 2)
        for text in texts
    ]
    own = None
    if queries is not None:
        own = queries_of(queries, first or "text", model.tokenizer, "queries")
    return _drawn(list(texts), spans, own, found, model, audit, "texts")


def _drawn(
    strings: list[str],
    spans: list[np.ndarray],
    queries: Queries | None,
    labels: np.ndarray,
    model: TransformerClassifier,
    audit: Audit,
    place: str,
) -> AuditedTexts:
    """Draw texts and cut them into subwords. The draw depends on the seed and the characters."""
    sides = [strings] if queries is None else [strings, queries.strings]
    keys = np.array(
        [seed_of("audited texts", audit.seed, *own) for own in zip(*sides, strict=True)]
    )
    order = np.argsort(keys, kind="stable")[: audit.texts]
    given = len(strings)
    strings, spans = [strings[i] for i in order], [spans[i] for i in order]
    if queries is not None:
        queries = queries.of(order)
        numbers = order.tolist()
        check_room(strings, spans, queries, model.tokenizer, model.limit, place, numbers)
    encoded = encode(
        strings, spans, model.tokenizer, model.limit, audit.units, queries, model.segmented
    )
    kept = _distinct(encoded, np.flatnonzero(encoded.lengths > 0))
    encoded = encoded.of(kept)
    strings, labels = [strings[i] for i in kept], labels[order][kept]
    queries = None if queries is None else queries.of(kept)
    fit = np.flatnonzero(encoded.lengths > 1)[: audit.costly_texts]
    number = np.unique(_sources(strings, queries)[fit], return_inverse=True)[1]
    ranked = len(np.unique(number))
    if ranked < FEWEST:
        raise InputError(
            f"{place}: {given} texts were given and {len(order)} of them drawn; {ranked} of these "
            f"have two {audit.units} or more within the model's window of {model.limit} subwords "
            f"and are unlike each other, expected {FEWEST} or more"
        )
    half = np.full(len(strings), NEITHER)
    half[fit] = np.where(number % 2, JUDGING, CHOOSING)
    model.pad_with_unused(encoded.ids)
    return AuditedTexts(strings, encoded, labels, half, _frequency(strings, encoded), queries)


def _sources(strings: Sequence[str], queries: Queries | None) -> np.ndarray:
    """[texts] the first place of each text; texts without queries are unlike each other."""
    if queries is None:
        return np.arange(len(strings))
    first: dict[str, int] = {}
    return np.array([first.setdefault(string, i) for i, string in enumerate(strings)], np.int64)


def _distinct(encoded: Encoded, chosen: np.ndarray) -> np.ndarray:
    """The first of the texts that have the same subwords, so that both halves share none.

    With queries, the first of the pairs whose texts and queries have the same subwords.
    """
    first: dict[tuple[bytes, bytes], int] = {}
    for i, row in zip(chosen.tolist(), encoded.rows(chosen), strict=True):
        own = slice(encoded.pieces[i], encoded.pieces[i + 1])
        side = b"" if encoded.asked is None else encoded.asked[own].tobytes()
        first.setdefault((row.key, side), i)
    return np.array(list(first.values()), np.int64)


def _frequency(strings: Sequence[str], encoded: Encoded) -> np.ndarray:
    text = np.repeat(np.arange(len(encoded)), encoded.lengths).tolist()
    spans = zip(text, encoded.starts, encoded.ends, strict=True)
    words = [strings[i][a:b].casefold() for i, a, b in spans]
    counts = Counter(words)
    return np.array([counts[word] for word in words])
