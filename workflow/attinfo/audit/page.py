"""The page of an audit: the answer, then maps, orders, removal, texts, limits and cost."""

from collections.abc import Mapping, Sequence
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from attinfo.audit.answer import RULES, UNSETTLED, WOULD, WOULD_NOT
from attinfo.audit.checkpoints import Checkpoint
from attinfo.audit.figures import Tables, drawings
from attinfo.audit.names import CHOOSING, HEADS, JUDGING, NEITHER, OWN_HEAD
from attinfo.audit.tables import answers_table, checkpoint_table, every_answer, tables_of
from attinfo.audit.words import BADGES, fall, in_words, name_of, reason
from attinfo.blocks.catalogue import block_of
from attinfo.figures.drawing import save
from attinfo.figures.style import applied
from attinfo.labels import counted, label_of, listed
from attinfo.report.figures import Figure, picture
from attinfo.report.strips import Model, Strip, row_of, write_svgs
from attinfo.report.tables.provenance import cost_table
from attinfo.runtime.cost import Cost

CONTENTS = (
    ("answer", "The answer"),
    ("rules", "The rules"),
    ("words", "Words used"),
    ("maps", "Layers and heads"),
    ("orders", "Orders of words"),
    ("removal", "Removing words"),
    ("information", "Where the information is"),
    ("strips", "Texts, word by word"),
    ("trust", "Trust and limits"),
    ("cost", "Cost"),
    ("provenance", "Provenance"),
)
INCOMPLETE = 0.1  # error of sums above which the page calls it large
BADGE_CLASSES = {WOULD: "supported", WOULD_NOT: "contradicted", UNSETTLED: "undetermined"}


def page(
    checkpoints: Sequence[Checkpoint],
    options: Mapping[str, Any],
    costs: Sequence[Cost],
    code: str,
    folder: Path,
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Collect what the template needs, and write the figures.

    Args:
        checkpoints: the results for all models of the study.
        options: `study`, and the sections `models`, `audit`, `faithfulness`, `statistics`.
        costs: cost of each stage.
        code: the digest of the code that makes the page.
        folder: to write figures to.

    Returns:
        The content of the page, and the table of all answers.
    """
    level = options["statistics"]["level"]
    folder.mkdir(parents=True)
    models = []
    for name in dict.fromkeys(one.model for one in checkpoints):
        own = [one for one in checkpoints if one.model == name]
        models.append(_model(own, options, level, folder))
    answers = every_answer(checkpoints)
    content = {
        "study": options["study"],
        "contents": CONTENTS,
        "models": models,
        "rules": [(rule, text) for rule, text in RULES.items()],
        "references": listed([name_of(name) for name in options["audit"]["references"]]),
        "views": [
            (block_of("attention view", name).label, block_of("attention view", name).summary)
            for name in options["audit"]["views"]
        ],
        "perturbation": options["audit"]["perturbation"],
        "cost": _cost(costs),
        "tables": {"cost": cost_table(costs)},
        "code_sha256": code,
        "config": json.dumps(
            {key: own for key, own in options.items() if key not in ("folders", "benchmarks")},
            indent=2,
            ensure_ascii=False,
        ),
    }
    return content, answers


def _model(
    own: Sequence[Checkpoint], options: Mapping[str, Any], level: float, folder: Path
) -> dict[str, Any]:
    """The content about a model: the first checkpoint in full, the others in a table."""
    first = own[0]
    references = list(first.numbers["references"])
    quoted = first.answers[0]
    tables = Tables(
        first.tables["agreement"],
        first.tables["columns"],
        first.tables["removal"],
        first.tables["gaps"],
        first.tables["information"],
        references,
        quoted.column,
        level,
    )
    figures = {}
    with applied():
        drawn = drawings(tables)
    for name, (title, drawing) in drawn.items():
        stem = folder / first.model / name
        stem.parent.mkdir(parents=True, exist_ok=True)
        with applied():
            save(drawing, stem)
        figures[name] = Figure(
            name,
            f"figure-{name}-{first.model}",
            name,
            title,
            drawing.caption,
            f"audit_figures/{first.model}/{name}.svg",
            picture(stem),
        )
    strips = [_strip(first, row) for row in first.strips]
    write_svgs(strips, folder / first.model / "strips")
    section = options["models"][first.model]
    return {
        "name": first.model,
        "source": _source(section),
        "dataset": label_of(section["dataset"]),
        "texts": f"{len(first.texts):,}",
        "which": "test split" if section["texts"] == "test" else "all splits",
        "accuracy": f"{first.texts['right'].mean():.1%}",
        "badge": BADGES[quoted.verdict],
        "badge_class": BADGE_CLASSES[quoted.verdict],
        "sentence": in_words(quoted, references, level),
        "criteria": [
            {"outcome": one.outcome, "rule": RULES[one.rule], "reason": reason(one, quoted)}
            for one in quoted.criteria
        ],
        "others": answers_table(first),
        "checkpoints": checkpoint_table(own, level) if len(own) > 1 else None,
        "figures": figures,
        "tables": tables_of(first, level),
        "strips": strips,
        "strips_open": {0},
        "trust": _trust(first, own, options["audit"]),
        "quoted": name_of(quoted.column),
        "pairs": "pairs" in first.numbers,
    }


def _source(section: Mapping[str, Any]) -> str:
    if section["package"]:
        name = f"{section['package']['name']} {section['package']['version']}"
    else:
        name = listed(section["model"])
    return f"{name}, fine-tuned here" if section["fine_tune"] else name


def _strip(first: Checkpoint, row: Mapping[str, Any]) -> Strip:
    rows = [row_of(own["label"], np.array(own["values"], float)) for own in row["rows"]]
    model = Model(first.model, row["predicted"], row["right"], row["tau"], rows)
    return Strip(
        f"{first.model}-{row['number']}",
        row["number"],
        row["label"],
        row["group"],
        row["text"],
        row["words"],
        row["left_out"],
        [model],
        row.get("query", ""),
    )


def _trust(first: Checkpoint, own: Sequence[Checkpoint], audit: Mapping[str, Any]) -> list[str]:
    """The limits of the results, in sentences."""
    texts, columns = first.texts, first.tables["columns"]
    halves = {half: int((texts["half"] == half).sum()) for half in (CHOOSING, JUDGING)}
    drawn = int((texts["half"] != NEITHER).sum())
    cut = int((texts["lost"] > 0).sum())
    sentences = [
        f"{counted(len(texts), 'text')} were drawn. Layers, heads and the quoted view were chosen "
        f"on {halves[CHOOSING]} of them and judged on {halves[JUDGING]} others. Measures were "
        f"computed for these {drawn} texts only (audit.costly_texts); intervals are over the texts "
        "that are judged.",
        f"{counted(cut, 'text')} lost words to the model's window or tokeniser."
        if cut
        else "No text lost words to the model's window or tokeniser.",
    ]
    sentences += _left_out(first, audit)
    special = columns.groupby("view")["special"].mean()
    if HEADS in special:
        sentences.append(
            f"{special[HEADS]:.0%} of the classifying token's attention is on subwords that belong "
            f"to no word, such as [CLS] and [SEP]. Only {audit['units']} of the text are ranked on "
            "this page."
        )
    sentences += _of_pairs(first)
    if not (first.tables["information"]["estimator"] == OWN_HEAD).any():
        sentences.append(
            "The model's own head cannot be applied to single words, so that information is "
            "estimated by linear probes only."
        )
    for name, error in first.numbers["incomplete"].items():
        sentences.append(
            f"The values of {name_of(name)} of a text should sum to the difference of the log-odds "
            f"between both ends of the path. The median error is {error:.1%} of that difference"
            + (
                ", which is large. Another start of the path may help (audit.options: "
                "{integrated_gradients: {baseline: mean}})."
                if error > INCOMPLETE
                else "."
            )
        )
    sentences.append(
        "One model was audited. Its intervals are over texts; the same model trained again may "
        "differ."
        if len(own) == 1
        else f"{len(own)} checkpoints were audited. Their table shows how much they differ."
    )
    number = first.numbers["random_head_removal"]
    if number is not None:
        sentences.append(
            f"Removing the top words of a head drawn at random lowers the probability by "
            f"{fall(number)} on average, removing words in random order by "
            f"{fall(first.numbers['random_order_removal'])}."
        )
    return sentences


def _of_pairs(first: Checkpoint) -> list[str]:
    """Sentences about the queries of a model that reads two texts; none for other models."""
    pairs = first.numbers.get("pairs")
    if pairs is None:
        return []
    columns = first.tables["columns"]
    asked = columns.groupby("view")["query"].mean()
    other = "query" if pairs["first"] == "text" else "text"
    sentences = [
        f"The model reads the {pairs['first']} first, then the {other}. Queries are never removed "
        "or ranked: all numbers are about words of the text, beside the whole query. A text that "
        "has several queries counts once for each; its pairs are in one half. Intervals take them "
        "as independent."
    ]
    if HEADS in asked:
        sentences.append(
            f"{asked[HEADS]:.0%} of the classifying token's attention is on the query."
        )
    if not pairs["separated"]:
        sentences.append(
            f"The tokeniser puts no subword between the two to mark where the {other} starts. If "
            "the model was trained with such a mark, these pairs are unlike those that it knows."
        )
    return sentences


def _left_out(first: Checkpoint, audit: Mapping[str, Any]) -> list[str]:
    """Sentences about views, measures and rules without numbers for this model."""
    views = [name for name in audit["views"] if name not in {own.view for own in first.answers}]
    known = set(first.tables["agreement"]["measure"])
    measures = [name for name in audit["measures"] if name not in known]
    blank = [block_of("attention view", name).label for name in views]
    blank += [block_of("audit measure", name).label for name in measures]
    sentences = [f"Without values for this model, and left out: {listed(blank)}."] if blank else []
    checked = {one.rule for one in first.answers[0].criteria if one.n}
    unchecked = [text for rule, text in RULES.items() if rule not in checked]
    return sentences + [f"Not checked, as there are no numbers: “{text}”." for text in unchecked]


def _cost(costs: Sequence[Cost]) -> str:
    seconds, jobs = sum(c.seconds for c in costs), sum(c.jobs for c in costs)
    return f"{counted(jobs, 'job')} took {seconds / 60:.1f} minutes in sum."
