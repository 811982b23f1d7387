"""Texts word by word: what attention, information and importance say of each, in aligned rows."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
import re
from typing import NamedTuple
from unicodedata import east_asian_width

import numpy as np
import pandas as pd

from attinfo.agreement.kendall import kendall_by_text
from attinfo.config.grid import Run
from attinfo.data.texts import read_arrow, read_summary
from attinfo.figures.style import name_of
from attinfo.report.template import template
from attinfo.runtime.seeds import seed_of
from attinfo.states.store import States, read_states

LONGEST = 60  # words of a text that are shown
LINE = 96  # letters of a line of words, spaces between them counted
MEASURES = {  # column: label
    "attention": "attention",
    "linear_gain": "gain, nats",
    "linear_pvi": "pvi, nats",
    "gradient": "gradient × input",
    "leave_one_out": "leave-one-out",
}
AGREEMENT = ("high", "low")  # the upper and the lower quarter of the texts
GROUPS = [(right, agreement) for right in (True, False) for agreement in AGREEMENT]


class Files(NamedTuple):
    """What a run says of the words of the test texts, by the paths of its files."""

    run: Run
    states: str | Path
    pointwise: str | Path
    importance: str | Path


class Row(NamedTuple):
    """One measure over the words of a text; `shades` are of its largest size, in [-1, 1]."""

    label: str
    values: list[float]
    shades: list[float]
    largest: float


class Model(NamedTuple):
    """What one model says of a text: its rows, the class it predicts, and whether that is right."""

    name: str
    predicted: str
    right: bool
    tau: float
    rows: list[Row]


class Strip(NamedTuple):
    """A text with what several models say of its words."""

    name: str
    number: int
    label: str
    group: str
    text: str  # as it is written, as far as its words are shown
    words: list[str]
    left_out: int  # words beyond those shown
    models: list[Model]

    @property
    def lines(self) -> list[slice]:
        """The words, broken into lines."""
        ends, used = [0], 0
        for place, word in enumerate(self.words):
            used += cells_of(word) + 1
            if used > LINE and place > ends[-1]:
                ends.append(place)
                used = cells_of(word) + 1
        return [slice(a, b) for a, b in pairwise([*ends, len(self.words)])]


def cells_of(word: str) -> int:
    """How many letters wide a word is in a font of one width; those of East Asia are two."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in word)


class Told(NamedTuple):
    """A run's files, read: a value a token for every measure."""

    run: Run
    states: States
    values: pd.DataFrame
    tau: np.ndarray  # [texts] of attention and gain


def read(files: Files) -> Told:
    """The files of a run; measures of `MEASURES` that it has not are left out."""
    states = read_states(files.states)
    tables = pd.read_parquet(files.pointwise), pd.read_parquet(files.importance)
    values = pd.concat([table.drop(columns=["text", "token"]) for table in tables], axis=1)
    gain = values["linear_gain"].to_numpy()
    tau = kendall_by_text(states.score, gain, states.offsets)["tau"].to_numpy()
    return Told(files.run, states, values[[m for m in MEASURES if m in values]], tau)


def choose(told: Told, count: int, seed: int) -> dict[int, tuple[bool, str]]:
    """Texts by a seeded draw: right and wrong ones, of high and of low agreement, in turn.

    High and low are the upper and lower quarter of the τ-b of attention and gain. Texts without
    an order are never drawn, those longer than `LONGEST` only where all are.

    Args:
        told: of the run by which they are chosen.
        count: how many, where there are as many.
        seed: of the draw.

    Returns:
        Text -> whether the run predicts its label, and `high` or `low`; a group after the other.
    """
    states, tau = told.states, told.tau
    known = ~np.isnan(tau)
    short = known & (states.lengths <= LONGEST)
    candidates = short if short.any() else known
    if not candidates.any():
        return {}
    low, high = np.quantile(tau[candidates], [0.25, 0.75])
    ends = {"high": tau >= high, "low": tau <= low}
    right = states.predicted == states.label
    rng = np.random.default_rng(seed_of("strips", seed))
    pools = [
        list(rng.permutation(np.flatnonzero(candidates & (right == is_right) & ends[agreement])))
        for is_right, agreement in GROUPS
    ]
    chosen: dict[int, tuple[bool, str]] = {}
    taken = {group: [] for group in GROUPS}
    while len(chosen) < count and any(pools):
        for group, pool in zip(GROUPS, pools, strict=True):
            if pool and len(chosen) < count and pool[0] not in chosen:
                chosen[int(pool[0])] = group
                taken[group].append(int(pool[0]))
            del pool[:1]
    return {text: group for group in GROUPS for text in taken[group]}


def strips(files: Sequence[Files], data: str | Path, count: int, seed: int) -> list[Strip]:
    """Chosen test texts with what every run says of their words.

    Args:
        files: of runs of one data set; the texts are chosen by the first.
        data: folder of the prepared data set.
        count: how many texts.
        seed: of their choice.
    """
    table, classes = read_arrow(data, "test"), read_summary(data)["classes"]
    told = [read(own) for own in files]
    found = []
    for text, (right, agreement) in choose(told[0], count, seed).items():
        row = table.slice(text, 1).to_pylist()[0]
        spans = list(zip(row["starts"], row["ends"], strict=True))
        words = [row["text"][a:b] for a, b in spans]
        group = f"predicted {'right' if right else 'wrong'}, {agreement} agreement"
        found.append(
            Strip(
                f"{told[0].run.dataset}-{text}",
                text,
                classes[row["label"]],
                group,
                row["text"][spans[0][0] : spans[:LONGEST][-1][1]],
                words[:LONGEST],
                len(words[LONGEST:]),
                [_model(own, text, classes) for own in told],
            )
        )
    return found


def _model(told: Told, text: int, classes: Sequence[str]) -> Model:
    states, run = told.states, told.run
    start, end = states.offsets[text], states.offsets[text + 1]
    own = told.values.iloc[start : min(end, start + LONGEST)]
    predicted = states.predicted[text]
    return Model(
        " · ".join(map(name_of, (run.encoder, run.attention, run.normaliser))),
        classes[predicted],
        bool(predicted == states.label[text]),
        float(told.tau[text]),
        [_row(measure, own[measure].to_numpy(float)) for measure in own],
    )


def _row(measure: str, values: np.ndarray) -> Row:
    largest = float(np.nanmax(np.abs(values), initial=0))
    shades = np.nan_to_num(values / largest) if largest > 0 else np.zeros_like(values)
    return Row(MEASURES[measure], values.tolist(), np.round(shades, 2).tolist(), largest)


# Sizes of the picture, in its units: a letter, a row, and what stands to the left and right.
LETTER, ROW, LEFT, RIGHT = 7, 14, 130, 70
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Box(NamedTuple):
    """A word in the picture, and where its column stands."""

    word: str
    x: float
    width: float
    place: int


def boxes(strip: Strip) -> Iterator[list[Box]]:
    """The words of each line, one after the other."""
    for line in strip.lines:
        x, found = float(LEFT), []
        for place in range(line.start, line.stop):
            width = LETTER * (cells_of(strip.words[place]) + 1)
            found.append(Box(strip.words[place], x, width, place))
            x += width
        yield found


def svg(strip: Strip) -> str:
    """A text and its rows as a picture, values as titles of its fields."""
    strip = strip._replace(words=[NOT_XML.sub("\ufffd", word) for word in strip.words])
    lines = list(boxes(strip))
    block = ROW * (2 + sum(len(model.rows) + 1 for model in strip.models))
    width = max((line[-1].x + line[-1].width for line in lines if line), default=LEFT) + RIGHT
    return template("strip.svg.j2").render(
        strip=strip, lines=lines, block=block, width=width, height=block * len(lines) + 2 * ROW,
        row_height=ROW, left=LEFT,
    )  # fmt: skip


def write_svgs(shown: Sequence[Strip], folder: Path) -> None:
    """A picture a text, by its name."""
    folder.mkdir(parents=True, exist_ok=True)
    for strip in shown:
        (folder / f"{strip.name}.svg").write_text(svg(strip), encoding="utf-8")
