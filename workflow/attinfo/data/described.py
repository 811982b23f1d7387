"""The content of `summary.json`: counts of texts, tokens, rationales, groups, repeated texts."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from attinfo.data.names import text_key
from attinfo.data.rationales import shares
from attinfo.data.raw_table import RawTable
from attinfo.data.tokenization import Tokens
from attinfo.runtime.errors import InputError


def marked(
    read: RawTable, parts: Mapping[str, pd.DataFrame], tokens: Mapping[str, Tokens]
) -> dict[str, dict[str, Any]]:
    """How many texts of each split have a rationale, by how many people, and how much is marked."""
    found = {}
    for part, rows in parts.items():
        annotators = [len(own) for own in rows["marks"] if own]
        if part == "test" and not annotators:
            raise InputError(
                f"{read.name}: no text of the test split has a rationale, expected one or more"
            )
        share = shares(rows["marks"].tolist(), tokens[part])
        known = share[~np.isnan(share)]
        found[part] = {
            "texts": len(annotators),
            "most_annotators": max(annotators, default=0),
            "marked_share": float(known.mean()) if len(known) else None,
        }
    return found


def note_repeated(
    read: RawTable, texts: Mapping[str, list[str]], repeated: Mapping[str, int]
) -> None:
    """Note how many texts stand in two splits."""
    dev = set(map(text_key, texts["dev"]))
    between = {**repeated, "dev_test": sum(text_key(text) in dev for text in texts["test"])}
    for first, second in (("train", "dev"), ("train", "test"), ("dev", "test")):
        if count := between[f"{first}_{second}"]:
            read.note(
                f"{count:,} of {len(texts[second]):,} {second} texts stand in the {first} split too"
            )


def groups(
    read: RawTable, parts: Mapping[str, pd.DataFrame], column: str
) -> dict[str, dict[str, int]]:
    """How many groups each split has, and how many groups of each two splits stand in both."""
    held = {part: set(rows["group"]) for part, rows in parts.items()}
    between = {}
    for first, second in (("train", "dev"), ("train", "test"), ("dev", "test")):
        count = between[f"{first}_{second}"] = len(held[first] & held[second])
        if count:
            read.note(
                f"column '{column}': {count:,} of {len(held[second]):,} groups of the {second} "
                f"split stand in the {first} split too"
            )
    return {"splits": {part: len(own) for part, own in held.items()}, "in_both": between}


def duplicates(texts: Mapping[str, list[str]]) -> dict[str, int]:
    """How many texts of a split stand in the training split, case and outer blanks aside.

    `within_train` counts the training texts that repeat an earlier one.
    """
    keys = {part: list(map(text_key, held)) for part, held in texts.items()}
    train = set(keys["train"])
    return {
        "train_test": sum(key in train for key in keys["test"]),
        "train_dev": sum(key in train for key in keys["dev"]),
        "within_train": len(keys["train"]) - len(train),
    }


def described(tokens: Tokens, unknown_id: int) -> dict[str, Any]:
    """What the summary says about the tokens of a split."""
    kept = np.diff(tokens.offsets)
    return {
        "tokens": int(kept.sum()),
        "median_tokens": float(np.median(kept)),
        "unknown_share": float(np.mean(tokens.ids == unknown_id)),
        "truncated_share": float(np.mean(tokens.lengths > kept)),
        "truncated_tokens_share": float(1 - kept.sum() / tokens.lengths.sum()),
    }
