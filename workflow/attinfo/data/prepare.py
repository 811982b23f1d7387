"""Raw table -> tokenised, split data set."""

from collections.abc import Mapping
import json
from pathlib import Path
from typing import Any, NamedTuple

from datasets import (
    ClassLabel,
    Dataset,
    DatasetDict,
    Features,
    List,
    Value,
    disable_progress_bars,
)
from datasets.table import InMemoryTable
import numpy as np
import pandas as pd
import pyarrow as pa
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

from attinfo.data.rows import RawTable, class_names, labelled
from attinfo.data.splits import capped, complete
from attinfo.data.tables import shown
from attinfo.runtime.errors import InputError

SPECIAL = ["<pad>", "<unk>"]  # ids 0 and 1
WORD = r"\w+(?:['’-]\w+)*|[^\w\s]"  # words keep inner apostrophes and hyphens
LINE_BREAK = r"<[bB][rR]\s*/?>"  # as in IMDB: a blank, not four words
MOST_WORDS = 2**31 - 1  # no limit; the tokeniser's own would be 30,000 without a word said
BATCH = 1000  # texts tokenised at once; the tokeniser's own objects are large


def train_tokenizer(texts: list[str], min_count: int) -> Tokenizer:
    """A lower-casing word tokeniser whose vocabulary comes from `texts` alone."""
    tokenizer = Tokenizer(models.WordLevel(unk_token=SPECIAL[1]))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(LINE_BREAK), "removed"),
            pre_tokenizers.Split(Regex(WORD), "removed", invert=True),
        ]
    )
    trainer = trainers.WordLevelTrainer(
        special_tokens=SPECIAL, min_frequency=min_count, vocab_size=MOST_WORDS, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.encode_special_tokens = True  # a text that says "<pad>" is not padded
    return tokenizer


class Tokens(NamedTuple):
    """The tokens of some texts, ragged: those of text i are [offsets[i]:offsets[i + 1]]."""

    ids: np.ndarray  # [tokens] int32
    starts: np.ndarray  # [tokens] int32, the first character of each token in its text
    ends: np.ndarray  # [tokens] int32, the character after its last
    offsets: np.ndarray  # [texts + 1] int32
    lengths: np.ndarray  # [texts] tokens before the text was cut

    def lists(self, values: np.ndarray) -> pa.ListArray:
        """Values of the tokens as one list a text."""
        return pa.ListArray.from_arrays(pa.array(self.offsets), pa.array(values))


def tokenize(tokenizer: Tokenizer, texts: list[str], keep: int) -> Tokens:
    """The first `keep` tokens of each text."""
    lengths, found = [], [np.zeros((0, 3), dtype=np.int32)]
    for first in range(0, len(texts), BATCH):
        for encoding in tokenizer.encode_batch(texts[first : first + BATCH]):
            ids, spans = encoding.ids[:keep], encoding.offsets[:keep]
            lengths.append(len(encoding))
            found.append(np.column_stack([ids, np.reshape(spans, (-1, 2))]).astype(np.int32))
    ids, starts, ends = np.ascontiguousarray(np.concatenate(found).T)
    offsets = np.append(0, np.cumsum(np.minimum(lengths, keep))).astype(np.int32)
    return Tokens(ids, starts, ends, offsets, np.array(lengths))


def prepare(raw: Path, options: Mapping[str, Any], folder: Path) -> list[str]:
    """Write the data set of a raw table into a folder.

    `texts/` is a `datasets.DatasetDict` (train, dev, test) with the columns text, label,
    token_ids, starts and ends (character offsets of each token in the text) and, where the source
    knows the decisive characters, decisive (1 for each token that has one of them);
    `vocabulary.json` is the tokeniser; `summary.json` says how many texts, tokens and classes
    there are, what was left out, and how many texts stand in two splits.

    Args:
        raw: the table as its source brought it, in Parquet.
        options: a `sections.Dataset` as plain values.
        folder: where to write; must not exist.

    Returns:
        Warnings, a line each.

    Raises:
        InputError: see `labelled`; or a class has no text in a split, or a cap does not fit.
    """
    read = RawTable(raw)
    table = labelled(read, options)
    classes = class_names(table["label"], options)
    table["label"] = table["label"].map({name: i for i, name in enumerate(classes)})
    parts, whole = _drawn(read, table, classes, options)
    tokenizer = train_tokenizer(parts["train"]["text"].tolist(), options["min_count"])
    tokens = {part: _tokens(read, rows, tokenizer, options) for part, rows in parts.items()}
    features = _features(classes, decisive="decisive" in table)
    splits = {part: _dataset(rows, tokens[part], features) for part, rows in parts.items()}
    repeated = duplicates({part: rows["text"].tolist() for part, rows in parts.items()})
    summary = {
        "classes": classes,
        "vocabulary": tokenizer.get_vocab_size(),
        "rows": {"read": len(read.table), "kept": len(table)},
        "duplicates": repeated,
        "splits": {
            part: {
                "texts": len(rows),
                "of": whole[part],
                "class_counts": np.bincount(rows["label"], minlength=len(classes)).tolist(),
                **_told(tokens[part], tokenizer.token_to_id(SPECIAL[1])),
            }
            for part, rows in parts.items()
        },
    }
    if "truth" in read.table.attrs:
        summary["truth"] = read.table.attrs["truth"]
    folder.mkdir(parents=True)
    disable_progress_bars()
    DatasetDict(splits).save_to_disk(folder / "texts")
    tokenizer.save(str(folder / "vocabulary.json"))
    (folder / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    return [
        f"{read.name}: {repeated[f'train_{part}']:,} of {len(parts[part]):,} {part} texts stand "
        "in the train split too"
        for part in ("dev", "test")
        if repeated[f"train_{part}"]
    ]


def duplicates(texts: Mapping[str, list[str]]) -> dict[str, int]:
    """How many texts of a split stand in the training split, case and outer blanks aside.

    `within_train` counts the training texts that repeat an earlier one.
    """
    keys = {part: [text.strip().casefold() for text in held] for part, held in texts.items()}
    train = set(keys["train"])
    return {
        "train_test": sum(key in train for key in keys["test"]),
        "train_dev": sum(key in train for key in keys["dev"]),
        "within_train": len(keys["train"]) - len(train),
    }


def _drawn(
    read: RawTable, table: pd.DataFrame, classes: list[str], options: Mapping[str, Any]
) -> tuple[dict[str, pd.DataFrame], dict[str, int]]:
    """The rows of each split, and how many there were before the caps."""
    labels = table["label"].to_numpy()
    shares = {key: options["split"][key] for key in ("train", "dev", "seed")}
    try:
        whole = complete(table["split"].to_numpy(), labels, **shares)
        parts = capped(whole, labels, options["caps"])
    except InputError as error:
        raise InputError(f"{read.name}: {error}") from None
    for part, rows in parts.items():
        counts = np.bincount(labels[rows], minlength=len(classes))
        if not counts.all():
            raise InputError(
                f"{read.name}: class '{shown(classes[np.argmin(counts)])}' has no text among the "
                f"{len(rows)} of the {part} split, expected one or more"
            )
    return (
        {part: table.iloc[rows] for part, rows in parts.items()},
        {part: len(rows) for part, rows in whole.items()},
    )


def _tokens(
    read: RawTable, rows: pd.DataFrame, tokenizer: Tokenizer, options: Mapping[str, Any]
) -> Tokens:
    """The tokens of a split, of which every text has one or more."""
    tokens = tokenize(tokenizer, rows["text"].tolist(), options["max_tokens"])
    for text in np.flatnonzero(tokens.lengths == 0):
        raise InputError(
            f"{read.name}: the text of {read.place(rows.index[text])} has no word, expected one "
            "or more"
        )
    return tokens


def _features(classes: list[str], decisive: bool) -> Features:
    features = {
        "text": Value("string"),
        "label": ClassLabel(names=classes),
        "token_ids": List(Value("int32")),
        "starts": List(Value("int32")),
        "ends": List(Value("int32")),
    }
    return Features(features | ({"decisive": List(Value("int8"))} if decisive else {}))


def _dataset(rows: pd.DataFrame, tokens: Tokens, features: Features) -> Dataset:
    columns = {
        "text": pa.array(rows["text"].tolist(), pa.string()),
        "label": pa.array(rows["label"], pa.int64()),
        "token_ids": tokens.lists(tokens.ids),
        "starts": tokens.lists(tokens.starts),
        "ends": tokens.lists(tokens.ends),
    }
    if "decisive" in features:
        columns["decisive"] = tokens.lists(_decisive(rows["decisive"].tolist(), tokens))
    return Dataset(InMemoryTable(pa.table(columns, schema=features.arrow_schema)))


def _decisive(spans: list[Any], tokens: Tokens) -> np.ndarray:
    """[tokens] int8, 1 for each token that has a character of a decisive span of its text."""
    marks = np.zeros(len(tokens.ids), dtype=np.int8)
    for text, held in enumerate(spans):
        own = slice(*tokens.offsets[text : text + 2])
        for start, end in held:
            marks[own] |= (tokens.starts[own] < end) & (tokens.ends[own] > start)
    return marks


def _told(tokens: Tokens, unknown_id: int) -> dict[str, Any]:
    """What the summary says of the tokens of a split."""
    kept = np.diff(tokens.offsets)
    return {
        "tokens": int(kept.sum()),
        "median_tokens": float(np.median(kept)),
        "unknown_share": float(np.mean(tokens.ids == unknown_id)),
        "truncated_share": float(np.mean(tokens.lengths > kept)),
        "truncated_tokens_share": float(1 - kept.sum() / tokens.lengths.sum()),
    }
