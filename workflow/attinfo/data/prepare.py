"""Raw table -> tokenised, split data set."""

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
import numpy as np
import pandas as pd
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

from attinfo.errors import InputError, unknown
from attinfo.seeds import seed_of

SPECIAL = ["<pad>", "<unk>"]  # ids 0 and 1
WORD = r"\w+(?:['’-]\w+)*|[^\w\s]"  # words keep inner apostrophes and hyphens


def read_table(path: Path, options: Mapping[str, Any], name: str) -> pd.DataFrame:
    """The rows of a raw table, as columns `text` and `label` (strings).

    Raises:
        InputError: not a table, a column is missing, a text or label is empty, fewer than two
            classes, or fewer than ten texts of one.
    """
    separator = "\t" if Path(name).suffix == ".tsv" else ","
    try:
        table = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InputError(f"{name}: cannot be read as a table in UTF-8: {error}") from None
    if not isinstance(table.index, pd.RangeIndex):
        raise InputError(f"{name}: rows have more fields than the header; is a comma unquoted?")
    wanted = {"text": options["text"], "label": options["label"]}
    if wanted["text"] == wanted["label"]:
        raise InputError(f"{name}: column '{wanted['text']}' is named as both text and label")
    for role, column in [*wanted.items(), *(("where", column) for column in options["where"])]:
        if column not in table:
            raise InputError(f"{name}: {role}: {unknown('column', column, list(table))}")
    for column, value in options["where"].items():
        table = table[table[column] == value]
    table = table[list(wanted.values())].set_axis(list(wanted), axis="columns")
    for role, column in wanted.items():
        empty = table.index[table[role].str.strip() == ""]
        if len(empty):
            raise InputError(
                f"{name}: column '{column}' is empty in {len(empty)} of {len(table)} rows "
                f"(first: row {empty[0] + 1}), expected a {role} in each"
            )
    table = table.reset_index(drop=True)
    if options["classes"]:
        strange = sorted(set(table["label"]) - set(options["classes"]))
        if strange:
            raise InputError(
                f"{name}: label: {unknown('class', strange[0], list(options['classes']))}"
            )
        table["label"] = table["label"].map(options["classes"])
    counts = table["label"].value_counts()
    if len(counts) < 2:
        only = f"only '{counts.index[0]}'" if len(counts) else "no row at all"
        raise InputError(
            f"{name}: column '{options['label']}' holds {only}, expected two or more classes"
        )
    if counts.min() < 10:
        raise InputError(
            f"{name}: class '{counts.idxmin()}' has {counts.min()} texts, expected 10 or more"
        )
    return table


def split(labels: np.ndarray, train: float, dev: float, seed: int) -> dict[str, np.ndarray]:
    """Row numbers of the train, dev and test splits: stratified by class, seeded, disjoint."""
    rng = np.random.default_rng(seed_of("split", seed))
    parts: dict[str, list[np.ndarray]] = {"train": [], "dev": [], "test": []}
    for label in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == label))
        cuts = [round(train * len(rows)), round((train + dev) * len(rows))]
        for name, part in zip(parts, np.split(rows, cuts), strict=True):
            parts[name].append(part)
    return {name: np.sort(np.concatenate(rows)) for name, rows in parts.items()}


def train_tokenizer(texts: list[str], min_count: int) -> Tokenizer:
    """A lower-casing word tokeniser whose vocabulary comes from `texts` alone."""
    tokenizer = Tokenizer(models.WordLevel(unk_token=SPECIAL[1]))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(WORD), "removed", invert=True)
    trainer = trainers.WordLevelTrainer(
        special_tokens=SPECIAL, min_frequency=min_count, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.encode_special_tokens = True  # a text that says "<pad>" is not padded
    return tokenizer


def prepare(raw: Path, options: Mapping[str, Any], folder: Path) -> None:
    """Write the data set of a raw table into a folder.

    `texts/` is a `datasets.DatasetDict` (train, dev, test) with the columns text, label,
    token_ids, starts and ends (character offsets of each token in the text); `vocabulary.json`
    is the tokeniser; `summary.json` says how many texts, tokens and classes there are.

    Args:
        raw: the table as downloaded.
        options: a `sections.Dataset` as plain values.
        folder: where to write; must not exist.

    Raises:
        InputError: see `read_table`; or a split is left without texts.
    """
    name = options["source"].get("path", raw.name)  # how messages call the table
    table = read_table(raw, options, name)
    classes = list(dict.fromkeys(options["classes"].values())) or sorted(set(table["label"]))
    labels = table["label"].map({c: i for i, c in enumerate(classes)}).to_numpy()
    rows = split(labels, **options["split"])
    for part, chosen in rows.items():
        if len(chosen) == 0:
            raise InputError(f"{name}: split: {part} gets none of {len(table)} texts")
    texts = table["text"].tolist()
    tokenizer = train_tokenizer([texts[i] for i in rows["train"]], options["min_count"])
    encodings = tokenizer.encode_batch(texts)
    lengths = np.array([len(encoding.ids) for encoding in encodings])
    keep = options["max_tokens"]
    features = Features(
        text=Value("string"),
        label=ClassLabel(names=classes),
        token_ids=List(Value("int32")),
        starts=List(Value("int32")),
        ends=List(Value("int32")),
    )
    splits = DatasetDict(
        {
            part: Dataset.from_dict(
                {
                    "text": [texts[i] for i in chosen],
                    "label": labels[chosen],
                    "token_ids": [encodings[i].ids[:keep] for i in chosen],
                    "starts": [[a for a, _ in encodings[i].offsets[:keep]] for i in chosen],
                    "ends": [[b for _, b in encodings[i].offsets[:keep]] for i in chosen],
                },
                features=features,
            )
            for part, chosen in rows.items()
        }
    )
    folder.mkdir(parents=True)
    disable_progress_bars()
    splits.save_to_disk(folder / "texts")
    tokenizer.save(str(folder / "vocabulary.json"))
    unknown_id = tokenizer.token_to_id(SPECIAL[1])
    summary = {
        "classes": classes,
        "vocabulary": tokenizer.get_vocab_size(),
        "splits": {
            part: {
                "texts": len(chosen),
                "tokens": int(np.minimum(lengths[chosen], keep).sum()),
                "median_tokens": float(np.median(np.minimum(lengths[chosen], keep))),
                "class_counts": np.bincount(labels[chosen], minlength=len(classes)).tolist(),
                "unknown_share": float(
                    np.mean(np.concatenate([encodings[i].ids[:keep] for i in chosen]) == unknown_id)
                ),
                "truncated_share": float(np.mean(lengths[chosen] > keep)),
            }
            for part, chosen in rows.items()
        },
    }
    (folder / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
