"""The page of an audit: the answer first, then maps, orders, removal, texts, trust, cost."""

from collections.abc import Mapping, Sequence
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from attinfo.audit.answer import FAILED, MET, RULES, SHARE, Answer, from_plain
from attinfo.audit.figures import Tables, drawings
from attinfo.audit.words import BADGES, in_words, listed, name_of, reason
from attinfo.blocks.catalogue import block_of
from attinfo.figures.drawing import save
from attinfo.figures.style import applied
from attinfo.labels import counted, label_of
from attinfo.report.figures import Figure, picture
from attinfo.report.strips import Model, Strip, row_of, write_svgs
from attinfo.report.tables.base import Table
from attinfo.report.tables.provenance import cost_table
from attinfo.runtime.cost import Cost
from attinfo.statistics.intervals import t_interval

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
INCOMPLETE = 0.1  # error of sums above which the page says that it is too much
BADGE_CLASSES = {"would": "supported", "would not": "contradicted", "not settled": "undetermined"}


class Checkpoint(NamedTuple):
    """What the stages found about one checkpoint; `model` and `number` name it."""

    model: str
    number: int
    answers: list[Answer]
    numbers: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame]
    texts: pd.DataFrame
    strips: list[dict[str, Any]]


TABLES = ("agreement", "columns", "measures", "removal", "gaps", "plausibility", "information")


def read_checkpoints(folders: Sequence[str | Path]) -> list[Checkpoint]:
    """Read the results of checkpoints, whose folders are `<model>/<number>`."""
    found = []
    for folder in map(Path, folders):
        content = json.loads((folder / "answer.json").read_text("utf-8"))
        found.append(
            Checkpoint(
                folder.parent.name,
                int(folder.name),
                from_plain(content["answers"]),
                content,
                {name: pd.read_csv(folder / f"{name}.csv") for name in TABLES},
                pd.read_parquet(folder / "texts.parquet"),
                json.loads((folder / "strips.json").read_text("utf-8")),
            )
        )
    return found


def page(
    checkpoints: Sequence[Checkpoint],
    options: Mapping[str, Any],
    costs: Sequence[Cost],
    code: str,
    folder: Path,
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Collect what the template needs, and write the figures.

    Args:
        checkpoints: of all models of the study.
        options: `study`, and the sections `models`, `audit`, `faithfulness`, `statistics`.
        costs: of the stages.
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
    answers = _answers(checkpoints)
    content = {
        "study": options["study"],
        "contents": CONTENTS,
        "models": models,
        "rules": [(rule, text) for rule, text in RULES.items()],
        "share": f"{SHARE:.0%}",
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
    """What the page shows of a model: the first checkpoint in full, the others in a table."""
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
        "which": "test split" if section["texts"] == "test" else "audited texts",
        "accuracy": f"{first.texts['right'].mean():.1%}",
        "badge": BADGES[quoted.verdict],
        "badge_class": BADGE_CLASSES[quoted.verdict],
        "sentence": in_words(quoted, references, level),
        "criteria": [
            {"outcome": one.outcome, "rule": RULES[one.rule], "reason": reason(one, quoted)}
            for one in quoted.criteria
        ],
        "others": _others(first),
        "checkpoints": _checkpoint_table(own, level) if len(own) > 1 else None,
        "figures": figures,
        "tables": _tables(first, level),
        "strips": strips,
        "strips_open": {0},
        "trust": _trust(first, own),
        "quoted": name_of(quoted.column),
    }


def _source(section: Mapping[str, Any]) -> str:
    if section["package"]:
        name = f"{section['package']['name']} {section['package']['version']}"
    else:
        name = listed(section["model"])
    return f"{name}, fine-tuned here" if section["fine_tune"] else name


def _others(first: Checkpoint) -> Table:
    """All views with their verdicts, the quoted one first."""
    rows = []
    for one in first.answers:
        reach = one.removal_best - one.removal_random
        rows.append(
            {
                "view": name_of(one.column),
                "read as an explanation": one.verdict,
                "τ-b": one.tau,
                "τ-b low": one.tau_low,
                "τ-b high": one.tau_high,
                "of the best removal": (one.removal - one.removal_random) / reach
                if reach > 0
                else np.nan,
                "rules met": sum(own.outcome == MET for own in one.criteria),
                "rules failed": sum(own.outcome == FAILED for own in one.criteria),
                "not settled": sum(own.outcome not in (MET, FAILED) for own in one.criteria),
            }
        )
    return Table(
        f"answers-{first.model}",
        "Every view by the same rules",
        pd.DataFrame(rows),
        {"τ-b": "+.2f", "of the best removal": ".0%"},
        {"τ-b": ("τ-b low", "τ-b high")},
        note="The layer or head of each view was chosen on one half of the texts; all numbers are "
        "of the other half. The view in the first row agreed best on the choosing half and is "
        "quoted.",
        whole="answers.csv",
    )


def _checkpoint_table(own: Sequence[Checkpoint], level: float) -> Table:
    """The quoted view of each checkpoint, and the mean over checkpoints with its interval."""
    rows: list[dict[str, object]] = [
        {
            "checkpoint": str(one.number),
            "view": name_of(one.answers[0].column),
            "verdict": BADGES[one.answers[0].verdict],
            "accuracy": one.texts["right"].mean(),
            "τ-b": one.answers[0].tau,
            "low": one.answers[0].tau_low,
            "high": one.answers[0].tau_high,
        }
        for one in own
    ]
    mean, low, high = t_interval(np.array([one.answers[0].tau for one in own]), level)
    rows.append(
        {"checkpoint": "mean", "view": "", "verdict": "", "accuracy": np.nan, "τ-b": mean}
        | {"low": low, "high": high}
    )
    return Table(
        f"checkpoints-{own[0].model}",
        "Checkpoints of this model",
        pd.DataFrame(rows),
        {"τ-b": "+.2f", "accuracy": ".1%"},
        {"τ-b": ("low", "high")},
        note="Intervals of single checkpoints are over texts; that of the mean is over "
        "checkpoints, by t.",
    )


def _tables(first: Checkpoint, level: float) -> dict[str, Table | None]:
    interval = {"τ-b": ("ci_low", "ci_high")}
    among = first.tables["measures"]
    measures = pd.DataFrame(
        {
            "measure": among["measure"].map(name_of),
            "other": among["other"].map(name_of),
            "τ-b": among["estimate"],
            "ci_low": among["ci_low"],
            "ci_high": among["ci_high"],
            "texts": among["n"],
        }
    )
    info = first.tables["information"]
    layers = pd.DataFrame(
        {
            "layer": info["layer"].map(lambda layer: "embeddings" if layer == 0 else str(layer)),
            "read by": info["estimator"].map(
                {"linear": "linear probe", "output_layer": "the model's own head"}
            ),
            "nats": info["mi_nats"],
            "ci_low": info["ci_low"],
            "ci_high": info["ci_high"],
            "I/H": info["mi_over_h"],
            "null, 95 %": info["floor_upper"],
            "words": info["n"],
            "flags": info["flags"].fillna(""),
        }
    )
    rated = first.tables["plausibility"]
    name, words = first.model, f"{level:.0%} intervals over texts of the judging half."
    plausible = None
    if len(rated):
        table = pd.DataFrame(
            {
                "order": rated["ordering"].map(name_of),
                "ROC AUC": rated["estimate"],
                "ci_low": rated["ci_low"],
                "ci_high": rated["ci_high"],
                "texts": rated["n"],
            }
        )
        plausible = Table(
            f"plausibility-{name}",
            "Does the order find the words that people rate?",
            table.sort_values("ROC AUC", ascending=False),
            {"ROC AUC": ".2f"},
            {"ROC AUC": ("ci_low", "ci_high")},
            note="Plausible is not faithful: a model may use other words. 0.5 is chance. " + words,
        )
    return {
        "agreement": _agreement_table(first, words),
        "measures": Table(
            f"measures-{name}",
            "Agreement of the measures among themselves",
            measures,
            {"τ-b": "+.2f"},
            interval,
            note="Rule 3 compares views with these numbers. " + words,
        ),
        "removal": _removal_table(first, words),
        "information": Table(
            f"information-{name}",
            "Information by layer",
            layers,
            {"nats": ".3f", "I/H": ".2f", "null, 95 %": ".3f"},
            {"nats": ("ci_low", "ci_high")},
        ),
        "plausibility": plausible,
    }


def _agreement_table(first: Checkpoint, words: str) -> Table:
    """A row for each order, a column for each measure."""
    rows = first.tables["agreement"]
    wide = pd.DataFrame({"ordering": rows["ordering"].drop_duplicates()})
    wide["order"], wide["kind"] = wide["ordering"].map(name_of), ""
    kinds = rows.drop_duplicates("ordering").set_index("ordering")["kind"]
    wide["kind"] = wide["ordering"].map(kinds)
    intervals: dict[str, tuple[str, str]] = {}
    for measure in dict.fromkeys(rows["measure"]):
        own = rows[rows["measure"] == measure].set_index("ordering")
        name = name_of(measure)
        low, high = intervals[name] = f"{name} low", f"{name} high"
        for column, key in ((name, "estimate"), (low, "ci_low"), (high, "ci_high")):
            wide[column] = wide["ordering"].map(own[key])
    undefined = int(rows["undefined"].max())
    return Table(
        f"agreement-{first.model}",
        "Agreement of orders with measures",
        wide.drop(columns="ordering"),
        dict.fromkeys(intervals, "+.2f"),
        intervals,
        note="τ-b within texts, mean over texts. "
        + (f"Up to {undefined} texts have no order and do not count. " if undefined else "")
        + words,
        whole=f"models/{first.model}/{first.number}/agreement.csv",
    )


REMOVALS = {  # column: kind, and the texts over which it is the mean
    "without top words": ("comprehensiveness", "all"),
    "top words alone": ("sufficiency", "all"),
    "without top words, searched texts": ("comprehensiveness", "searched"),
}


def _removal_table(first: Checkpoint, words: str) -> Table:
    """A row for each order, a column for each kind of removal."""
    rows = first.tables["removal"]
    wide = pd.DataFrame({"ordering": rows["ordering"].drop_duplicates()})
    wide["order"] = wide["ordering"].map(name_of)
    intervals: dict[str, tuple[str, str]] = {}
    for name, (kind, of_texts) in REMOVALS.items():
        own = rows[(rows["kind"] == kind) & (rows["of_texts"] == of_texts)].set_index("ordering")
        low, high = intervals[name] = f"{name} low", f"{name} high"
        for column, key in ((name, "estimate"), (low, "ci_low"), (high, "ci_high")):
            wide[column] = wide["ordering"].map(own[key])
    wide = wide.sort_values("without top words, searched texts", ascending=False)
    counts = {
        of_texts: int(rows.loc[rows["of_texts"] == of_texts, "n"].max())
        for of_texts in ("all", "searched")
        if (rows["of_texts"] == of_texts).any()
    }
    return Table(
        f"removal-{first.model}",
        "Fall of the probability of the predicted class",
        wide.drop(columns="ordering"),
        dict.fromkeys(intervals, "+.2f"),
        intervals,
        note=f"Means over {counts.get('all', 0)} texts. The best and the worst order were searched "
        f"in {counts.get('searched', 0)} short ones; the last column is of these alone. " + words,
        whole=f"models/{first.model}/{first.number}/removal.csv",
    )


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
    )


def _trust(first: Checkpoint, own: Sequence[Checkpoint]) -> list[str]:
    """What a reader must know before trusting the page, in sentences."""
    texts, columns = first.texts, first.tables["columns"]
    drawn = int((texts["half"] >= 0).sum())
    cut = int((texts["lost"] > 0).sum())
    sentences = [
        f"{counted(len(texts), 'text')} were read. Layers, heads and the quoted view were chosen "
        f"on {(texts['half'] == 0).sum()} of them and judged on {(texts['half'] == 1).sum()} "
        f"others; measures that cost much are computed for these {drawn}.",
        f"{counted(cut, 'text')} lost words to the model's window or tokeniser."
        if cut
        else "No text is longer than the model's window.",
    ]
    special = columns.groupby("view")["special"].mean()
    if "cls_head" in special:
        sentences.append(
            f"{special['cls_head']:.0%} of the classifying token's attention is on subwords of no "
            "word, such as [CLS] and [SEP]. All orders on this page are of real words alone."
        )
    if not (first.tables["information"]["estimator"] == "output_layer").any():
        sentences.append(
            "The model's own head is not defined at single words, so that information is read by "
            "linear probes alone."
        )
    for name, error in first.numbers["incomplete"].items():
        sentences.append(
            f"The values of {name_of(name)} of a text should sum to the difference of the log-odds "
            f"between both ends of the path; the median error is {error:.1%} of that"
            + (
                ": too much. A path from another start may help (options.integrated_gradients: "
                "{baseline: mean})."
                if error > INCOMPLETE
                else "."
            )
        )
    wide = "; they cover retraining" if len(own) > 1 else ""
    sentences.append(
        "One model is one model: intervals are over texts, and a model that is trained again may "
        "differ."
        if len(own) == 1
        else f"{len(own)} checkpoints were audited{wide}."
    )
    number = first.numbers["random_head_removal"]
    if number is not None:
        sentences.append(
            f"Removing the top words of a head drawn at random lowers the probability by "
            f"{number:.2f} on average, a random order by "
            f"{first.numbers['random_order_removal']:.2f}."
        )
    return sentences


def _answers(checkpoints: Sequence[Checkpoint]) -> pd.DataFrame:
    rows = []
    for one in checkpoints:
        for own in one.answers:
            base = {key: value for key, value in vars(own).items() if key != "criteria"}
            rows += [
                {"model": one.model, "checkpoint": one.number, **base}
                | {f"rule_{key}": value for key, value in vars(criterion).items()}
                for criterion in own.criteria
            ]
    return pd.DataFrame(rows)


def _cost(costs: Sequence[Cost]) -> str:
    seconds, jobs = sum(c.seconds for c in costs), sum(c.jobs for c in costs)
    return f"{counted(jobs, 'job')} took {seconds / 60:.1f} minutes in all, added up."
