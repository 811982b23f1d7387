"""The page of a study: one self-contained HTML file with its tables, figures and strips."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.resources import files
import json
from pathlib import Path
from typing import Any

from markupsafe import Markup
import pandas as pd

from attinfo.figures.catalogue import SECTIONS
from attinfo.labels import label_of
from attinfo.report.figures import Figure
from attinfo.report.findings import MET, NONE, OPEN, PART, STANDS, Study
from attinfo.report.objections import QUESTIONS, Reply, replies
from attinfo.report.strips import Strip
from attinfo.report.tables.agreement import (
    agreement_table,
    completeness_table,
    faithfulness_table,
    measure_table,
    model_table,
    reliability_table,
    unit_table,
)
from attinfo.report.tables.base import Table
from attinfo.report.tables.claims import (
    across_table,
    contrast_table,
    moderator_table,
    published_table,
    rank_table,
    robustness_table,
    variance_table,
    verdict_table,
)
from attinfo.report.tables.estimates import (
    calibration_table,
    context_table,
    flag_table,
    reliability,
    spot_checks,
    truth_table,
)
from attinfo.report.tables.methods import method_table, rationale_table
from attinfo.report.tables.provenance import cost_table, data_table, provenance_table
from attinfo.report.tables.training import enough_sentence, enough_table
from attinfo.report.template import template
from attinfo.report.verdict_text import answers, headline
from attinfo.runtime.cost import Cost

CONTENTS = (
    ("verdicts", "Verdicts"),
    ("robustness", "Do verdicts hang on choices?"),
    ("words", "Words used"),
    ("agreement", "Agreement with information"),
    ("information", "Where the information is"),
    ("attention", "How unequal weights are"),
    ("faithfulness", "Faithfulness"),
    ("blocks", "Blocks and combinations"),
    ("contrasts", "All contrasts"),
    ("strips", "Texts, word by word"),
    ("trust", "Trust in the estimates"),
    ("ablations", "Ablations"),
    ("questions", "A reviewer’s questions"),
    ("models", "Data, models, accuracy"),
    ("choices", "Our choices, and limits"),
    ("cost", "Cost"),
    ("provenance", "Provenance"),
)


def tables_of(
    tables: Mapping[str, pd.DataFrame],
    summaries: Mapping[str, Mapping[str, Any]],
    costs: Sequence[Cost],
    records: Sequence[str | Path],
    level: float,
) -> dict[str, Table | None]:
    """Make the tables of the page, by the names that the template has for them."""
    claims, cells, agreement = tables["claims"], tables["cells"], tables["agreement"]
    information = tables["information"]
    published = tables.get("published")
    return {
        "verdicts": verdict_table(claims, level),
        "robustness": robustness_table(tables["specifications"]),
        "across": across_table(tables["across"], level),
        "moderators": moderator_table(tables["moderators"]),
        "agreement": agreement_table(cells, level),
        "units": unit_table(agreement),
        "measures": measure_table(cells),
        "rationales": rationale_table(cells, level),
        "completeness": completeness_table(tables["completeness"]),
        "reliability": reliability_table(agreement),
        "published": None if published is None else published_table(published, level),
        "context": context_table(information),
        "faithfulness": faithfulness_table(tables["faithfulness"]),
        "methods": method_table(cells, tables["faithfulness"], tables["seconds"])
        if "seconds" in tables
        else None,
        "variance": variance_table(tables["variance"]),
        "ranks": rank_table(tables["ranks"]),
        "contrasts": contrast_table(claims),
        "calibration": calibration_table(tables["calibration"]),
        "flags": flag_table(information),
        "truth": truth_table(information, cells),
        "models": model_table(cells, level),
        "enough": enough_table(tables["training"]),
        "data": data_table(summaries),
        "cost": cost_table(costs),
        "provenance": provenance_table(records),
    }


def page(
    study: str,
    level: float,
    tables: Mapping[str, pd.DataFrame],
    figures: Sequence[Figure],
    summaries: Mapping[str, Mapping[str, Any]],
    shown: Sequence[Strip],
    seed: int,
    costs: Sequence[Cost],
    records: Sequence[str | Path],
    code: str,
    config: Mapping[str, Any],
) -> dict[str, Any]:
    """Collect everything that the template needs.

    Args:
        study: the name of the study.
        level: of its intervals.
        tables: `claims`, `specifications`, `cells`, `runs`, `training`, `information`,
            `calibration`, `agreement`, `faithfulness`, `completeness`, `variance`, `ranks`,
            `across`, `moderators`; `seconds`, of `methods.seconds_of`, if the times are known;
            and `published`, if the study has published numbers to compare with.
        figures: of the study.
        summaries: data set -> its summary.
        shown: the texts to show word by word.
        seed: of the models that these show.
        costs: of the stages.
        records: the `run.json` of every model.
        code: the digest of the code that makes the page.
        config: of the study, as plain values.
    """
    runs = tables["runs"]
    made = tables_of(tables, summaries, costs, records, level)
    anchors = {f.name: f.anchor for f in reversed(figures) if f.source}
    anchors |= {t.name: t.name for t in made.values() if t} | {"contents": "contents"}
    answered = answers(tables["claims"], tables["specifications"], level)
    replied = replies(QUESTIONS, Study(tables, summaries, config), anchors)
    titles = {f.anchor: f"Figure: {f.title}" for f in figures}
    titles |= {t.name: f"Table: {t.title}" for t in made.values() if t}
    return {
        "study": study,
        "contents": CONTENTS,
        "models": f"{len(runs):,} model{'s' * (len(runs) > 1)}",
        "seeds": runs["seed"].nunique(),
        "datasets": ", ".join(map(label_of, summaries)),
        "accuracy": _accuracy(runs),
        "enough": enough_sentence(tables["training"]),
        "answers": answered,
        "headline": headline(answered),
        "figures": {s: [f for f in figures if f.section == s] for s in SECTIONS},
        "tables": made,
        "strips": shown,
        "strips_of": label_of(shown[0].name.rpartition("-")[0]) if shown else "",
        "strips_open": _first_of_each([s.group for s in shown]),
        "strips_seed": seed,
        "trust": [reliability(tables["information"]), *spot_checks(tables["information"])],
        "replies": [r._asdict() | {"link": titles.get(r.place, "Contents")} for r in replied],
        "replied": _counted(replied),
        "cost": _cost(costs),
        "code_sha256": code,
        "config": _config(config, summaries),
    }


def render(content: Mapping[str, Any], name: str = "report.html.j2") -> str:
    """Render a page. Its policy allows no script but its own, and no requests."""
    own = files("attinfo.report") / "templates"
    script = (own / "report.js").read_text("utf-8")
    digest = b64encode(sha256(script.encode()).digest()).decode()
    return template(name).render(
        style=Markup((own / "report.css").read_text("utf-8")),
        script=Markup(script),
        script_sha256=digest,
        **content,
    )


def _config(config: Mapping[str, Any], used: Mapping[str, Any]) -> str:
    """The config as JSON, without the data sets that the study does not use."""
    datasets = {name: config["datasets"][name] for name in used if name in config["datasets"]}
    return json.dumps({**config, "datasets": datasets}, indent=2, ensure_ascii=False)


def _accuracy(runs: pd.DataFrame) -> str:
    own = runs.loc[runs["variant"] == "trained", "accuracy"]
    if own.empty:
        return "All of them are ablations."
    if own.isna().all():
        return "They predict numbers, so none has an accuracy."
    low, high = f"{own.min():.0%}", f"{own.max():.0%}"
    right = low if low == high else f"{low} to {high}"
    return f"The trained models predict {right} of the test texts correctly."


def _first_of_each(groups: Sequence[str]) -> set[int]:
    """The places at which a group first occurs."""
    return {groups.index(group) for group in groups}


_OUTCOMES = {  # in the singular and the plural
    MET: ("is met", "are met"),
    PART: ("is met in part", "are met in part"),
    STANDS: ("stands", "stand"),
    OPEN: ("is not settled", "are not settled"),
    NONE: ("was not measured", "were not measured"),
}


def _counted(replied: Sequence[Reply]) -> str:
    counts = {o: sum(r.outcome == o for r in replied) for o in (MET, PART, STANDS, OPEN, NONE)}
    words = ", ".join(f"{n} {_OUTCOMES[o][n > 1]}" for o, n in counts.items() if n)
    return (
        f"{len(replied)} objections to such a study, the control for each, and what the control "
        f"found here: {words}. The thresholds behind these outcomes are our choice."
    )


def _cost(costs: Sequence[Cost]) -> str:
    if not costs:
        return "This study has no benchmark files, so its cost is not known."
    seconds, jobs = sum(c.seconds for c in costs), sum(c.jobs for c in costs)
    time = f"{seconds / 3600:.1f} hours" if seconds > 7200 else f"{seconds / 60:.0f} minutes"
    return (
        f"{jobs:,} jobs took {time} in total, run one after the other. The largest needed "
        f"{max(c.memory for c in costs):,.0f} MB of memory."
    )
