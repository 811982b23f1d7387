"""The page a reader opens first: one self-contained HTML file."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
import json
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
import numpy as np
import pandas as pd

from attinfo.contrasts import CONCLUSIONS
from attinfo.data.texts import read_arrow, read_summary
from attinfo.figures import FIGURES
from attinfo.grid import Run
from attinfo.quantities import STATISTICS
from attinfo.report_tables import (
    as_html,
    cell_table,
    context_table,
    data_table,
    faithfulness_table,
    flag_table,
    published_table,
    rank_table,
    reliability_table,
    secondary_table,
    truth_table,
    unit_table,
    variance_table,
    yardstick_table,
)
from attinfo.seeds import seed_of
from attinfo.store import read_states
from attinfo.style import name_of

MORE = 0.05  # of H(output): what a spot check must find beyond linear probes to be counted


class Token(NamedTuple):
    """One token of a strip: how it is written, its shades in [0, 1] and its values."""

    text: str
    shade: float
    value: str


class Strip(NamedTuple):
    """One measure over the tokens of a text."""

    label: str
    kind: str  # "attention" or "gain": decides the hue
    tokens: list[Token]


class Example(NamedTuple):
    """A text with the strips of several models."""

    label: str
    strips: list[Strip]
    predictions: list[tuple[str, str]]  # model, predicted class


def examples(
    runs: Sequence[tuple[Run, str, str]], data: str | Path, count: int, seed: int
) -> list[Example]:
    """Seeded test texts, each with attention and gain of every run given.

    Args:
        runs: (run, path of its states, path of its pointwise table), of one data set.
        data: folder of the prepared data set.
        count: how many texts.
        seed: of their choice.
    """
    table, classes = read_arrow(data, "test"), read_summary(data)["classes"]
    rng = np.random.default_rng(seed_of("examples", seed))
    chosen = np.sort(rng.choice(len(table), size=min(count, len(table)), replace=False))
    loaded = [(run, read_states(s), pd.read_parquet(p)) for run, s, p in runs]
    highest = np.log(len(classes))
    shown = []
    for text in chosen:
        row = table.slice(text, 1).to_pylist()[0]
        spans = zip(row["starts"], row["ends"], strict=True)
        words = [row["text"][a:b] for a, b in spans]
        strips, predictions = [], []
        for run, states, pointwise in loaded:
            here = slice(states.offsets[text], states.offsets[text + 1])
            attention = states.attention[here].astype(float)
            gain = pointwise["linear_gain"].to_numpy()[here]
            pvi = pointwise["linear_pvi"].to_numpy()[here]
            model = " · ".join(map(name_of, (run.encoder, run.attention, run.normaliser)))
            weights = [
                Token(word, a / attention.max(), f"{word}: attention {a:.3f}")
                for word, a in zip(words, attention, strict=True)
            ]
            information = [
                Token(word, min(g / highest, 1), f"{word}: gain {g:.3f} nats, pvi {p:+.3f} nats")
                for word, g, p in zip(words, gain, pvi, strict=True)
            ]
            strips += [
                Strip(f"{model}: attention", "attention", weights),
                Strip(f"{model}: gain", "gain", information),
            ]
            predictions.append((model, classes[states.predicted[text]]))
        shown.append(Example(classes[row["label"]], strips, predictions))
    return shown


def conclusions(claims: pd.DataFrame) -> list[dict[str, Any]]:
    """One entry a conclusion: its wording, its primary contrast and why its verdict."""
    shown = []
    claims = claims[claims["dataset"] == "all"]
    for row in claims[claims["role"] == "primary"].to_dict("records"):
        shown.append(
            row
            | {
                "conclusion": CONCLUSIONS[row["claim"]],
                "unit": STATISTICS[row["statistic"]].label,
            }
        )
    return shown


def spot_checks(information: pd.DataFrame) -> list[str]:
    """A sentence for each estimator that checked some units: what it finds beyond `linear`."""
    key = ["dataset", "encoder", "attention", "normaliser", "variant", "seed", "index", "unit"]
    linear = information[information["estimator"] == "linear"].set_index(key)
    sentences = []
    for name, rows in information[information["spot_check"]].groupby("estimator"):
        checked = rows.set_index(key)
        base = linear.loc[checked.index]
        excess = (checked["mi_nats"] - base["mi_nats"]) / checked["h_output"]
        more = excess > MORE
        sentences.append(
            f"The {name_of(name)} checked {len(checked)} units drawn at random. It finds "
            f"{excess.mean():+.3f} of H(Ŷ) more than linear probes on average "
            f"({excess.min():+.3f} to {excess.max():+.3f}), and over {MORE:g} more in "
            f"{more.sum()} of them."
        )
    return sentences


def reliability(information: pd.DataFrame) -> str:
    """How reliable the orders of units are, and how far extrapolation in n moves an estimate."""
    linear = information["estimator"] == "linear"
    ranked = information[linear & information["index"].isin(["position", "rank"])]
    median = ranked.groupby("index")["ranking_reliability"].median()
    moved = (ranked["mi_extrapolated"] - ranked["mi_nats"]) / ranked["h_output"]
    orders = ", ".join(f"{value:.2f} by {index}" for index, value in median.items())
    return (
        f"Linear probes order the units of a run alike in two halves of its texts: median "
        f"reliability {orders}. Extrapolated to infinitely many texts, an estimate moves by "
        f"{moved.median():+.3f} of H(Ŷ) (median)."
    )


def caption_of(path: str | Path) -> str:
    """A caption, which is plain text."""
    return Path(path).read_text("utf-8").strip()


def figure(
    name: str, dataset: str, path: str | Path, caption: str | Path, tell: bool
) -> dict[str, str]:
    """What the template needs of a figure; its title tells the data set if `tell` says so."""
    title = FIGURES[name].title
    one = dataset != "all"
    return {
        "name": f"{name}-{dataset}" if one else name,
        "file": f"{dataset}/{name}" if one else name,
        "title": f"{title}: {dataset}" if one and tell else title,
        "data": b64encode(Path(path).read_bytes()).decode(),
        "caption": caption_of(caption),
    }


def write(path: Path, **content: Any) -> None:
    """Render the page."""
    environment = Environment(
        loader=PackageLoader("attinfo"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    page = environment.get_template("report.html.j2").render(**content)
    path.write_text(page, encoding="utf-8")


def page(
    study: str,
    level: float,
    tables: Mapping[str, pd.DataFrame],
    figures: Mapping[tuple[str, str], str | Path],
    captions: Mapping[tuple[str, str], str | Path],
    summaries: Mapping[str, Mapping[str, Any]],
    shown: Sequence[Example],
    run: str | Path,
    config: str,
) -> dict[str, Any]:
    """Everything the template needs.

    Args:
        study: its name.
        level: of the intervals.
        tables: `claims`, `cells`, `runs`, `information`, `agreement`, `faithfulness`,
            `variance`, `ranks`; `published`, where the study names such numbers.
        figures: (name, data set or "all") -> SVG file.
        captions: (name, data set or "all") -> its caption, a text file.
        summaries: data set -> its summary.
        shown: texts shown token by token.
        run: the `run.json` of one run, for versions and digests.
        config: the study's config, as text.
    """
    claims, cells, runs = tables["claims"], tables["cells"], tables["runs"]
    information = tables["information"]
    accuracy = runs.loc[runs["variant"] == "trained", "accuracy"]
    return {
        "study": study,
        "conclusions": conclusions(claims),
        "level": f"{level:.0%}",
        "models": len(runs),
        "seeds": runs["seed"].nunique(),
        "accuracy": f"{accuracy.min():.3f} to {accuracy.max():.3f}",
        "figures": [
            figure(name, dataset, path, captions[name, dataset], tell=len(summaries) > 1)
            for (name, dataset), path in figures.items()
        ],
        "examples": shown,
        "secondary": as_html(secondary_table(claims)),
        "data": as_html(data_table(summaries)),
        "trust": [reliability(information), *spot_checks(information)],
        "flags": as_html(flag_table(information)),
        "context": as_html(context_table(information)),
        "truth": as_html(truth_table(information, cells))
        if "planted" in set(information["index"])
        else "",
        "cells": as_html(cell_table(cells)),
        "yardsticks": as_html(yardstick_table(cells)),
        "units": as_html(unit_table(tables["agreement"])),
        "reliability": as_html(reliability_table(tables["agreement"])),
        "published": as_html(published_table(tables["published"])) if "published" in tables else "",
        "faithfulness": as_html(faithfulness_table(tables["faithfulness"])),
        "variance": as_html(variance_table(tables["variance"])),
        "ranks": as_html(rank_table(tables["ranks"])),
        "provenance": json.loads(Path(run).read_text("utf-8")),
        "config": config,
    }
