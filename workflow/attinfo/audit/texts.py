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
        strings: the texts. Texts with the same subwords are there once.
        encoded: the texts in subwords and words.
        labels: [texts] the label of each text, as a class of the model.
        half: [texts] `CHOOSING` or `JUDGING` for the drawn texts, which have two words or more,
            else `NEITHER`.
        frequency: [words] number of times that the word occurs in all texts, whatever its case.
    """

    strings: list[str]
    encoded: Encoded
    labels: np.ndarray
    half: np.ndarray
    frequency: np.ndarray

    def __len__(self) -> int:
        return len(self.strings)

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
            the model, empty if the names are the same.
        audit: the section `audit`.
        place: the key of the config that names the model, for messages.

    Raises:
        InputError: the classes of the data are not the model's, or there are too few texts.
    """
    splits = ("test",) if options["texts"] == "test" else ("train", "dev", "test")
    table = pa.concat_tables([read_arrow(data, split) for split in splits]).combine_chunks()
    classes = read_summary(data)["classes"]
    places = places_of_classes(classes, model.classes, options["labels"], place)
    labels = places[table["label"].to_numpy()]
    return _drawn(table["text"].to_pylist(), spans_of(table), labels, model, audit, place)


def given_texts(
    texts: Sequence[str], labels: Sequence[object], model: TransformerClassifier, audit: Audit
) -> AuditedTexts:
    """Draw texts from a list, and cut them into the subwords of a model.

    Args:
        texts: the texts.
        labels: the class of each text, by the model's names or numbers.
        model: the model.
        audit: the section `audit`.

    Raises:
        InputError: the numbers of texts and labels differ, an entry is not a text, a label is not a
            class of the model, or there are too few texts.
    """
    if len(texts) != len(labels):
        raise InputError(f"texts has {len(texts)} entries, labels {len(labels)}: expected as many")
    for i, text in enumerate(texts):
        if not isinstance(text, str) or not text.strip():
            raise InputError(f"texts: entry {i} is {text!r}, expected a text")
    names = [str(label) for label in labels]
    classes = sorted(set(names))
    places = places_of_classes(classes, model.classes, {}, "labels")
    found = places[[classes.index(name) for name in names]]
    spans = [
        np.array([match.span() for match in re.finditer(WORD, text)], np.int64).reshape(-1, 2)
        for text in texts
    ]
    return _drawn(list(texts), spans, found, model, audit, "texts")


def _drawn(
    strings: list[str],
    spans: list[np.ndarray],
    labels: np.ndarray,
    model: TransformerClassifier,
    audit: Audit,
    place: str,
) -> AuditedTexts:
    """Draw texts and cut them into subwords. The draw depends on the seed and the characters."""
    keys = np.array([seed_of("audited texts", audit.seed, string) for string in strings])
    order = np.argsort(keys, kind="stable")[: audit.texts]
    given = len(strings)
    strings, spans = [strings[i] for i in order], [spans[i] for i in order]
    encoded = encode(strings, spans, model.tokenizer, model.limit, audit.units)
    kept = _distinct(encoded, np.flatnonzero(encoded.lengths > 0))
    ranked = int((encoded.lengths[kept] > 1).sum())
    if ranked < FEWEST:
        raise InputError(
            f"{place}: {given} texts were given and {len(order)} of them drawn; {ranked} of these "
            f"have two {audit.units} or more within the model's window of {model.limit} subwords "
            f"and are unlike each other, expected {FEWEST} or more"
        )
    encoded = _chosen(encoded, kept)
    strings, labels = [strings[i] for i in kept], labels[order][kept]
    fit = np.flatnonzero(encoded.lengths > 1)[: audit.costly_texts]
    half = np.full(len(strings), NEITHER)
    half[fit[0::2]], half[fit[1::2]] = CHOOSING, JUDGING
    model.pad_with_unused(encoded.ids)
    return AuditedTexts(strings, encoded, labels, half, _frequency(strings, encoded))


def _distinct(encoded: Encoded, chosen: np.ndarray) -> np.ndarray:
    """The first of the texts that have the same subwords, so that both halves share none."""
    first: dict[bytes, int] = {}
    for i, row in zip(chosen.tolist(), encoded.rows(chosen), strict=True):
        first.setdefault(row.tobytes(), i)
    return np.array(list(first.values()), np.int64)


def _frequency(strings: Sequence[str], encoded: Encoded) -> np.ndarray:
    text = np.repeat(np.arange(len(encoded)), encoded.lengths).tolist()
    spans = zip(text, encoded.starts, encoded.ends, strict=True)
    words = [strings[i][a:b].casefold() for i, a, b in spans]
    counts = Counter(words)
    return np.array([counts[word] for word in words])


def _chosen(encoded: Encoded, kept: np.ndarray) -> Encoded:
    """Some of the texts, in the order given."""
    words = ranges(encoded.offsets, kept)
    overlaps = ranges(encoded.overlaps, kept)
    return Encoded(
        ids=encoded.ids[ranges(encoded.pieces, kept)],
        pieces=np.append(0, encoded.sizes[kept].cumsum()),
        offsets=np.append(0, encoded.lengths[kept].cumsum()),
        starts=encoded.starts[words],
        ends=encoded.ends[words],
        overlaps=np.append(0, np.diff(encoded.overlaps)[kept].cumsum()),
        piece=encoded.piece[overlaps],
        word=encoded.word[overlaps],
        lost=encoded.lost[kept],
    )
