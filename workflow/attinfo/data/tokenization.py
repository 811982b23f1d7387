"""Texts -> token ids with character offsets: words, subwords, or the tokens that a table gives."""

from collections import Counter
from collections.abc import Iterable, Sequence
import re
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

SPECIAL = ["<pad>", "<unk>"]  # ids 0 and 1
WORD = r"\w+(?:['’-]\w+)*|[^\w\s]"  # words keep inner apostrophes and hyphens
LINE_BREAK = r"<[bB][rR]\s*/?>"  # as in IMDB: a blank, not four words
MOST_WORDS = 2**31 - 1  # no limit; the tokeniser's own would be 30,000 without a word said
LONG_RUN = 4  # characters; few words of the scripts in UNSEGMENTED are as long
# Thai, Lao, Myanmar, Khmer, kana, Han: written without blanks between words.
UNSEGMENTED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]"
    f"{{{LONG_RUN},}}"
)
SUBWORDS = 8000  # size of a vocabulary of subwords where the config gives none
BATCH = 1000  # texts tokenised at once; the tokeniser's own objects are large


class Tokens(NamedTuple):
    """The tokens of some texts, ragged: those of text i are [offsets[i]:offsets[i + 1]]."""

    ids: np.ndarray  # [tokens] int32
    starts: np.ndarray  # [tokens] int32, the first character of each token in its text
    ends: np.ndarray  # [tokens] int32, the character after its last
    offsets: np.ndarray  # [texts + 1] int32
    lengths: np.ndarray  # [texts] tokens before the text was cut

    def lists(self, values: np.ndarray) -> pa.ListArray:
        """Values of the tokens as one list for each text."""
        return pa.ListArray.from_arrays(pa.array(self.offsets), pa.array(values))


def train_tokenizer(texts: list[str], min_count: int) -> Tokenizer:
    """A lower-casing word tokeniser whose vocabulary comes from `texts` alone."""
    tokenizer = _untrained(models.WordLevel(unk_token=SPECIAL[1]))
    trainer = trainers.WordLevelTrainer(
        special_tokens=SPECIAL, min_frequency=min_count, vocab_size=MOST_WORDS, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def train_subwords(texts: list[str], min_count: int, size: int | None = None) -> Tokenizer:
    """A lower-casing tokeniser of subwords: byte-pair encoding, trained on `texts` alone.

    A subword lies within a word as `train_tokenizer` finds it, so that none holds a blank or a
    punctuation mark. A character that the texts lack is an unknown word. The same texts in any
    order of equal counts, on any number of cores, give the same vocabulary.

    Args:
        texts: of the train split.
        min_count: two subwords are merged if they stand side by side as often.
        size: largest size of the vocabulary; None for `SUBWORDS`. Every single character is
            kept, even if that makes the vocabulary larger.

    Reference: Sennrich, Haddow & Birch 2016, "Neural machine translation of rare words with
    subword units".
    """
    tokenizer = _untrained(models.BPE(unk_token=SPECIAL[1]))
    trainer = trainers.BpeTrainer(
        special_tokens=SPECIAL,
        min_frequency=min_count,
        vocab_size=SUBWORDS if size is None else size,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def given_vocabulary(texts: Iterable[Sequence[str]], min_count: int) -> Tokenizer:
    """The vocabulary of texts that come as tokens: the lower-cased tokens, the frequent first.

    It is the vocabulary of `train_tokenizer` where the tokens are the words that it finds.
    """
    counts: Counter[str] = Counter()
    lower = normalizers.Lowercase()
    for tokens in texts:
        counts.update(map(lower.normalize_str, tokens))
    for special in SPECIAL:  # a token that is written so is an unknown word
        counts.pop(special, None)
    kept = [word for word, count in counts.items() if count >= min_count]
    kept.sort(key=lambda word: (-counts[word], word))
    vocabulary = {word: i for i, word in enumerate([*SPECIAL, *kept])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=SPECIAL[1]))
    tokenizer.add_special_tokens(SPECIAL)
    tokenizer.normalizer = lower
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.encode_special_tokens = True
    return tokenizer


def _untrained(model: models.Model) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(LINE_BREAK), "removed"),
            pre_tokenizers.Split(Regex(WORD), "removed", invert=True),
        ]
    )
    tokenizer.encode_special_tokens = True  # a text that says "<pad>" is not padded
    return tokenizer


def tokenize(tokenizer: Tokenizer, texts: list[str], keep: int) -> Tokens:
    """The first `keep` tokens of each text."""
    lengths, found = [], [np.zeros((0, 3), dtype=np.int32)]
    for first in range(0, len(texts), BATCH):
        for encoding in tokenizer.encode_batch(texts[first : first + BATCH]):
            ids, spans = encoding.ids[:keep], encoding.offsets[:keep]
            lengths.append(len(encoding))
            found.append(np.column_stack([ids, np.reshape(spans, (-1, 2))]).astype(np.int32))
    return _ragged(np.concatenate(found), np.array(lengths), keep)


def look_up(tokenizer: Tokenizer, texts: Sequence[Sequence[str]], keep: int) -> Tokens:
    """The first `keep` of the given tokens of each text, in the text that `join` makes of them."""
    lower, vocabulary = tokenizer.normalizer, tokenizer.get_vocab()
    unknown = vocabulary[SPECIAL[1]]
    found = [np.zeros((0, 3), dtype=np.int32)]
    for tokens in texts:
        ends = np.cumsum([len(token) + 1 for token in tokens[:keep]]) - 1
        ids = [_id(lower.normalize_str(token), vocabulary, unknown) for token in tokens[:keep]]
        starts = ends - [len(token) for token in tokens[:keep]]
        found.append(np.column_stack([ids, starts, ends]).astype(np.int32))
    return _ragged(np.concatenate(found), np.array([len(tokens) for tokens in texts]), keep)


def word_counts(tokenizer: Tokenizer, texts: Sequence[str], tokens: Tokens) -> tuple[int, int, int]:
    """How many tokens are words, how many words are unknown, and how many are unsegmented runs.

    A word has a letter or a digit.
    """
    words = unknown = runs = 0
    unknown_id = tokenizer.token_to_id(SPECIAL[1])
    for i, text in enumerate(texts):
        own = slice(*tokens.offsets[i : i + 2])
        spans = zip(tokens.ids[own], tokens.starts[own], tokens.ends[own], strict=True)
        for token, start, end in spans:
            word = text[start:end]
            if any(map(str.isalnum, word)):
                words += 1
                unknown += token == unknown_id
                runs += UNSEGMENTED.search(word) is not None
    return words, int(unknown), runs


def join(tokens: Sequence[str]) -> str:
    """The text of given tokens: a blank stands between them."""
    return " ".join(tokens)


def _id(word: str, vocabulary: dict[str, int], unknown: int) -> int:
    return unknown if word in SPECIAL else vocabulary.get(word, unknown)


def _ragged(columns: np.ndarray, lengths: np.ndarray, keep: int) -> Tokens:
    ids, starts, ends = np.ascontiguousarray(columns.T)
    offsets = np.append(0, np.cumsum(np.minimum(lengths, keep))).astype(np.int32)
    return Tokens(ids, starts, ends, offsets, lengths)
