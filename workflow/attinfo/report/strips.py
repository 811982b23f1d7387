"""Texts word by word: attention, information and importance of each word, in aligned rows."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
import re
from typing import NamedTuple
from unicodedata import east_asian_width

import numpy as np
import pandas as pd

from attinfo.agreement.kendall import kendall_by_text
from attinfo.blocks.measures import MEASURES
from attinfo.config.grid import Run
from attinfo.data.texts import read_arrow, read_summary
from attinfo.keys import GIVEN, PLACE
from attinfo.labels import label_of
from attinfo.report.choice import in_turn, name_of
from attinfo.report.template import template
from attinfo.runtime.seeds import seed_of
from attinfo.states.store import States, read_states

LONGEST = 60  # words of a text to show
LINE = 96  # letters of a line of words, with the spaces
ROWS = {  # column: label
    "attention": "attention",
    "linear_gain": "gain, nats",
    "linear_pvi": "pvi, nats",
    **{measure.name: measure.label for measure in MEASURES.values() if measure.in_strips},
}
MARKED = "marked by people"  # the share of the annotators of a rationale


class Files(NamedTuple):
    """The files of a run with values for the words of the test texts."""

    run: Run
    states: str | Path
    pointwise: str | Path
    importance: str | Path


class Row(NamedTuple):
    """One measure over the words of a text; `shades` are shares of the largest size, in [-1, 1]."""

    label: str
    values: list[float]
    shades: list[float]
    largest: float


class Model(NamedTuple):
    """A model on one text: its rows, the class it predicts, and whether the prediction is right."""

    name: str
    predicted: str
    right: bool
    tau: float
    rows: list[Row]


class Strip(NamedTuple):
    """A text with the rows of several models."""

    name: str
    number: int
    label: str
    group: str
    text: str  # up to the last word that is shown
    words: list[str]
    left_out: int  # words beyond those shown
    models: list[Model]
    query: str = ""  # the second text, if there is one

    @property
    def lines(self) -> list[slice]:
        """The places of the words of each line."""
        ends, used = [0], 0
        for place, word in enumerate(self.words):
            used += cells_of(word) + 1
            if used > LINE and place > ends[-1]:
                ends.append(place)
                used = cells_of(word) + 1
        return [slice(a, b) for a, b in pairwise([*ends, len(self.words)])]


def cells_of(word: str) -> int:
    """Width of a word in a monospaced font, in letters; East Asian letters are two wide."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in word)


class Values(NamedTuple):
    """What `read` returns: `values` has one row per token and one column per measure."""

    run: Run
    states: States
    values: pd.DataFrame
    tau: np.ndarray  # [texts] of attention and gain
    drawn: np.ndarray  # [texts] bool: whether all measures have values


def read(files: Files) -> Values:
    """Read the files of a run; measures of `ROWS` that it does not have are left out."""
    states = read_states(files.states)
    tables = pd.read_parquet(files.pointwise), pd.read_parquet(files.importance)
    importance = tables[1].drop(columns=PLACE)
    values = pd.concat([tables[0].drop(columns=["text", "token"]), importance], axis=1)
    drawn = tables[1]["drawn"].to_numpy()[states.offsets[:-1]]
    gain = values["linear_gain"].to_numpy()
    tau = kendall_by_text(states.score, gain, states.offsets)["tau"].to_numpy()
    shown = [m for m in (*ROWS, *values) if m in values and (m in ROWS or m.startswith(GIVEN))]
    return Values(files.run, states, values[list(dict.fromkeys(shown))], tau, drawn)


def choose(run: Values, count: int, seed: int) -> dict[int, tuple[bool, str]]:
    """Draw texts that are predicted right and wrong, and of high and low agreement, in turn.

    High and low are the upper and the lower quarter of the τ-b of attention and gain. Texts without
    an order, or without values of costly measures, are never drawn; texts longer than `LONGEST`
    only if all are.

    Args:
        run: by whose predictions and agreement the texts are chosen.
        count: the number of texts; fewer if there are not as many.
        seed: of the draw.

    Returns:
        Text -> whether the run predicts its label, and `high` or `low`; group by group.
    """
    states, tau = run.states, run.tau
    known = ~np.isnan(tau) & run.drawn
    short = known & (states.lengths <= LONGEST)
    candidates = short if short.any() else known
    right = states.predicted == states.label
    if states.numbers:  # right: as far off as half of the texts, or less
        error = np.abs(states.logits[:, 0] - states.label)
        right = error <= np.median(error)
    rng = np.random.default_rng(seed_of("strips", seed))
    return in_turn(tau, right, candidates, count, rng)


def strips(files: Sequence[Files], data: str | Path, count: int, seed: int) -> list[Strip]:
    """Choose test texts and collect the values that each run has for their words.

    Args:
        files: of runs of one data set; the first chooses the texts.
        data: folder of the prepared data set.
        count: the number of texts.
        seed: of the choice.
    """
    summary = read_summary(data)
    table, classes, scale = read_arrow(data, "test"), summary["classes"], summary.get("output")
    runs = [read(own) for own in files]
    found = []
    for text, group in choose(runs[0], count, seed).items():
        row = table.slice(text, 1).to_pylist()[0]
        spans = list(zip(row["starts"], row["ends"], strict=True))
        words = [row["text"][a:b] for a, b in spans]
        models = [_model(own, text, classes, scale) for own in runs]
        marked = np.array(row.get("rationale") or [], float)[:LONGEST]
        if np.isfinite(marked).any():  # with the first model, as it is the same for all
            models[0].rows.append(row_of(MARKED, marked))
        found.append(
            Strip(
                f"{runs[0].run.dataset}-{text}",
                text,
                f"{row['value']:.2f}" if scale else classes[row["label"]],
                name_of(group),
                row["text"][spans[0][0] : spans[:LONGEST][-1][1]],
                words[:LONGEST],
                len(words[LONGEST:]),
                models,
                row.get("query") or "",
            )
        )
    return found


def _model(
    values: Values, text: int, classes: Sequence[str], scale: Mapping[str, float] | None = None
) -> Model:
    states, run = values.states, values.run
    start, end = states.offsets[text], states.offsets[text + 1]
    own = values.values.iloc[start : min(end, start + LONGEST)]
    predicted = states.predicted[text]
    name, right = classes[predicted], bool(predicted == states.label[text])
    if scale is not None:  # a number
        name, right = f"{states.logits[text, 0] * scale['std'] + scale['mean']:.2f}", True
    return Model(
        " · ".join(map(label_of, (run.encoder, run.attention, run.normaliser))),
        name,
        right,
        float(values.tau[text]),
        [
            row_of(ROWS.get(name, label_of(name)), own[name].to_numpy(float))
            for name in own
            if own[name].notna().any()
        ],
    )


def row_of(label: str, values: np.ndarray) -> Row:
    """A row of a strip from [words] values."""
    largest = float(np.nanmax(np.abs(values), initial=0))
    shades = np.nan_to_num(values / largest) if largest > 0 else np.zeros_like(values)
    return Row(label, values.tolist(), np.round(shades, 2).tolist(), largest)


# Sizes of the picture, in its units: a letter, a row, and the margins to the left and right.
LETTER, ROW, LEFT, RIGHT = 7, 14, 130, 70
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Box(NamedTuple):
    """A word in the picture, and the place of its column."""

    word: str
    x: float
    width: float
    place: int


def boxes(strip: Strip) -> Iterator[list[Box]]:
    """The words of each line."""
    for line in strip.lines:
        x, found = float(LEFT), []
        for place in range(line.start, line.stop):
            width = LETTER * (cells_of(strip.words[place]) + 1)
            found.append(Box(strip.words[place], x, width, place))
            x += width
        yield found


def svg(strip: Strip) -> str:
    """Draw a text and its rows; the values are the titles of the fields."""
    strip = strip._replace(words=[NOT_XML.sub("\ufffd", word) for word in strip.words])
    lines = list(boxes(strip))
    block = ROW * (2 + sum(len(model.rows) + 1 for model in strip.models))
    width = max((line[-1].x + line[-1].width for line in lines if line), default=LEFT) + RIGHT
    return template("strip.svg.j2").render(
        strip=strip, lines=lines, block=block, width=width, height=block * len(lines) + 2 * ROW,
        row_height=ROW, left=LEFT,
    )  # fmt: skip


def write_svgs(shown: Sequence[Strip], folder: Path) -> None:
    """Write one picture per text, named after it."""
    folder.mkdir(parents=True, exist_ok=True)
    for strip in shown:
        (folder / f"{strip.name}.svg").write_text(svg(strip), encoding="utf-8")
