"""Preparation: from a raw table to a data set with splits and token ids."""

from collections.abc import Mapping
import json
from pathlib import Path
from typing import Any

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
from tokenizers import Tokenizer

from attinfo.data.described import described, duplicates, groups, marked, note_repeated
from attinfo.data.names import shown
from attinfo.data.rationales import rationales, shares
from attinfo.data.raw_table import RawTable
from attinfo.data.rows import labelled
from attinfo.data.splits import capped, complete
from attinfo.data.targets import class_names
from attinfo.data.tokenization import (
    LONG_RUN,
    SPECIAL,
    Tokens,
    given_vocabulary,
    look_up,
    tokenize,
    train_subwords,
    train_tokenizer,
    word_counts,
)
from attinfo.runtime.errors import InputError

NUMBER = "number"  # the one output of a data set of numbers, in the place of classes
MOST_RUNS = 0.2  # share of unsegmented runs among the words, above which the user should know


def prepare(raw: Path, options: Mapping[str, Any], folder: Path) -> list[str]:
    """Write the data set of a raw table into a folder.

    `texts/` is a `datasets.DatasetDict` (train, dev, test) with the columns text, label,
    token_ids, starts and ends (character offsets of each token in the text), query and
    query_token_ids (where the data set names a second text), group (int32, where
    the data set names its column), rationale (share of the annotators who marked each token, NaN
    in texts without one) and, where the source knows the decisive characters, decisive
    (1 for each token that has one of them). The text of given tokens is these tokens with a blank
    between them. `vocabulary.json` is the tokeniser; `summary.json` says how many texts, tokens
    and classes there are, what was left out, and how many texts, and groups, stand in two splits.

    Args:
        raw: the table as its source brought it, in Parquet.
        options: a `sections.Dataset` as plain values.
        folder: where to write; must not exist.

    Returns:
        What the user must know of the data set, a line each.

    Raises:
        InputError: see `labelled`; or a class has no text in a split, a cap does not fit, or too
            many words of the test split are unknown.
    """
    read = RawTable(raw)
    table = labelled(read, options)
    if options["rationale"]:
        table["marks"] = rationales(read, table, options["rationale"])
    classes = class_names(table["label"], options)  # of numbers: tenths of the texts
    table["label"] = table["label"].map({name: i for i, name in enumerate(classes)})
    parts, whole = _drawn(read, table, classes, options)
    if "value" in table:
        classes = [NUMBER]
        parts = {part: rows.assign(label=0) for part, rows in parts.items()}
    tokenizer = _tokenizer(read, parts["train"], options)
    tokens = {part: _tokens(read, rows, tokenizer, options) for part, rows in parts.items()}
    queries = {
        part: _tokens(read, rows, tokenizer, options, "query") if "query" in rows else None
        for part, rows in parts.items()
    }
    unknown = SPECIAL.index("<unk>")
    _check_known(read, parts["test"], tokens["test"], tokenizer, options)
    features = _features(classes, table)
    splits = {
        part: _dataset(rows, tokens[part], queries[part], features) for part, rows in parts.items()
    }
    texts = {part: rows["text"].tolist() for part, rows in parts.items()}
    repeated = duplicates(texts)
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
                **described(tokens[part], unknown),
            }
            for part, rows in parts.items()
        },
    }
    if "truth" in read.table.attrs:
        summary["truth"] = read.table.attrs["truth"]
    if "value" in table:
        own = parts["train"]["value"]
        summary["output"] = {"mean": float(own.mean()), "std": float(own.std(ddof=0)) or 1.0}
    if "query" in table:
        summary["queries"] = {
            part: described(own, unknown) for part, own in queries.items() if own is not None
        }
    if "marks" in table:
        summary["rationales"] = marked(read, parts, tokens)
    if "group" in table:
        summary["groups"] = groups(read, parts, options["group"])
    folder.mkdir(parents=True)
    disable_progress_bars()
    DatasetDict(splits).save_to_disk(folder / "texts")
    tokenizer.save(str(folder / "vocabulary.json"))
    (folder / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    note_repeated(read, texts, repeated)
    return read.notes


def _drawn(
    read: RawTable, table: pd.DataFrame, classes: list[str], options: Mapping[str, Any]
) -> tuple[dict[str, pd.DataFrame], dict[str, int]]:
    """The rows of each split, and how many there were before the caps."""
    labels = table["label"].to_numpy()
    shares = {key: options["split"][key] for key in ("train", "dev", "seed")}
    try:
        group = table["group"].to_numpy() if "group" in table else None
        whole = complete(table["split"].to_numpy(), labels, **shares, group=group)
        parts = capped(whole, labels, options["caps"])
    except InputError as error:
        raise InputError(f"{read.name}: {error}") from None
    for part, rows in parts.items():
        counts = np.bincount(labels[rows], minlength=len(classes))
        if not counts.all():
            cut = "" if group is None else f"; no group of column '{options['group']}' is cut"
            raise InputError(
                f"{read.name}: class '{shown(classes[np.argmin(counts)])}' has no text among the "
                f"{len(rows)} of the {part} split, expected one or more{cut}"
            )
    return (
        {part: table.iloc[rows] for part, rows in parts.items()},
        {part: len(rows) for part, rows in whole.items()},
    )


def _tokenizer(read: RawTable, train: pd.DataFrame, options: Mapping[str, Any]) -> Tokenizer:
    """The tokeniser of a data set, from its train split alone."""
    if "tokens" in train and options["tokenizer"] != "words":
        raise InputError(
            f"{read.name}: column '{options['text']}' holds lists of tokens, which are kept as "
            f"they are, but 'tokenizer' is '{options['tokenizer']}', expected 'words'"
        )
    queries = train["query"].tolist() if "query" in train else []
    if "tokens" in train:
        split = (query.split() for query in queries)
        return given_vocabulary([*train["tokens"], *split], options["min_count"])
    texts = train["text"].tolist() + queries
    if options["tokenizer"] == "subwords":
        return train_subwords(texts, options["min_count"], options["vocabulary_size"])
    return train_tokenizer(texts, options["min_count"])


def _tokens(
    read: RawTable,
    rows: pd.DataFrame,
    tokenizer: Tokenizer,
    options: Mapping[str, Any],
    role: str = "text",
) -> Tokens:
    """The tokens of a split's texts or queries, of which each has one or more."""
    if "tokens" in rows:
        given = rows["tokens"] if role == "text" else rows["query"].str.split()
        return look_up(tokenizer, given.tolist(), options["max_tokens"])
    tokens = tokenize(tokenizer, rows[role].tolist(), options["max_tokens"])
    for text in np.flatnonzero(tokens.lengths == 0):
        place = read.place(rows.index[int(text)])
        raise InputError(f"{read.name}: the {role} of {place} has no word, expected one or more")
    return tokens


def _check_known(
    read: RawTable,
    rows: pd.DataFrame,
    tokens: Tokens,
    tokenizer: Tokenizer,
    options: Mapping[str, Any],
) -> None:
    """Most words of the test split are in the vocabulary, and they are words.

    Raises:
        InputError: the share of unknown words is above `most_unknown`.
    """
    words, unknown, runs = word_counts(tokenizer, rows["text"].tolist(), tokens)
    share, most = unknown / max(words, 1), options["most_unknown"]
    by_words = options["tokenizer"] == "words" and "tokens" not in rows
    subwords = "for a language written without blanks set 'tokenizer: subwords'"
    if share > most:
        cure = "do not stand in the train split; are both splits in one language?"
        if options["tokenizer"] == "words":
            cure = f"stand fewer than {options['min_count']} times in the train split (min_count)"
            cure += f"; {subwords}" if by_words else ""
        raise InputError(
            f"{read.name}: {share:.0%} of the words of the test split are unknown, expected at "
            f"most {most:.0%} (most_unknown): they {cure}"
        )
    if by_words and runs > MOST_RUNS * words:
        read.note(
            f"{runs / words:.0%} of the words of the test split are runs of {LONG_RUN} or more "
            f"characters of a script without blanks between words; {subwords}"
        )


def _features(classes: list[str], table: pd.DataFrame) -> Features:
    features: dict[str, Any] = {
        "text": Value("string"),
        "label": ClassLabel(names=classes),
        "token_ids": List(Value("int32")),
        "starts": List(Value("int32")),
        "ends": List(Value("int32")),
    }
    if "value" in table:
        features["value"] = Value("float64")
    if "query" in table:
        features |= {"query": Value("string"), "query_token_ids": List(Value("int32"))}
    if "group" in table:
        features["group"] = Value("int32")
    if "marks" in table:
        features["rationale"] = List(Value("float32"))
    if "decisive" in table:
        features["decisive"] = List(Value("int8"))
    return Features(features)


def _dataset(
    rows: pd.DataFrame, tokens: Tokens, queries: Tokens | None, features: Features
) -> Dataset:
    columns = {
        "text": pa.array(rows["text"].tolist(), pa.string()),
        "label": pa.array(rows["label"], pa.int64()),
        "token_ids": tokens.lists(tokens.ids),
        "starts": tokens.lists(tokens.starts),
        "ends": tokens.lists(tokens.ends),
    }
    if "value" in features:
        columns["value"] = pa.array(rows["value"], pa.float64())
    if queries is not None:
        columns["query"] = pa.array(rows["query"].tolist(), pa.string())
        columns["query_token_ids"] = queries.lists(queries.ids)
    if "group" in features:
        columns["group"] = pa.array(rows["group"], pa.int32())
    if "rationale" in features:
        columns["rationale"] = tokens.lists(shares(rows["marks"].tolist(), tokens))
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
