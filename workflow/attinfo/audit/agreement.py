"""Agreement of views with measures and controls, and the choice of a column for each view."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from attinfo.agreement.kendall import concordance
from attinfo.audit.columns import parts_of, view_of
from attinfo.audit.names import CHOOSING, JUDGING
from attinfo.config.sections.statistics import Statistics
from attinfo.statistics.intervals import interval, text_weights

AT_ONCE = 32  # columns whose pairs are counted together


@dataclass(frozen=True)
class Drawn:
    """Values of the words of the drawn texts.

    `words`: their places among all words; `offsets`: [drawn + 1]; `half`: [drawn].
    """

    words: np.ndarray
    offsets: np.ndarray
    half: np.ndarray


def taus(
    columns: Mapping[str, np.ndarray], measures: Mapping[str, np.ndarray], drawn: Drawn
) -> dict[tuple[str, str], np.ndarray]:
    """(column, measure) -> [drawn] Kendall's tau-b within each drawn text; NaN where undefined.

    Args:
        columns: name -> [words] weights, 0 or more.
        measures: name -> [words] values, which are compared by their absolute values.
        drawn: the drawn texts.
    """
    sizes = {f"measure {name}": np.abs(own[drawn.words]) for name, own in measures.items()}
    found: dict[tuple[str, str], np.ndarray] = {}
    names = list(columns)
    for start in range(0, len(names), AT_ONCE):
        some = names[start : start + AT_ONCE]
        values = {f"column {name}": columns[name][drawn.words] for name in some}
        pairs = concordance(sizes | values, drawn.offsets)
        for name in some:
            for measure in measures:
                found[name, measure] = pairs.tau(f"column {name}", f"measure {measure}")
    return found


def among(measures: Mapping[str, np.ndarray], drawn: Drawn) -> dict[tuple[str, str], np.ndarray]:
    """(measure, measure) -> [drawn] tau-b of every two measures."""
    sizes = {name: np.abs(own[drawn.words]) for name, own in measures.items()}
    pairs = concordance(sizes, drawn.offsets)
    return {both: pairs.tau(*both) for both in combinations(measures, 2)}


def mean_of(values: Sequence[np.ndarray]) -> np.ndarray:
    """[drawn] mean over the values that a text has; NaN where it has none."""
    held = np.array(values)
    number = (~np.isnan(held)).sum(0)
    return np.where(number > 0, np.nansum(held, 0) / np.maximum(number, 1), np.nan)


@dataclass(frozen=True)
class Choice:
    """What was chosen on one half of the drawn texts, to be judged on the other.

    `columns`: view -> its column; `view`: the view that is quoted; `control`: the control with the
    highest agreement.
    """

    columns: dict[str, str]
    view: str
    control: str

    @property
    def column(self) -> str:
        """The column of the quoted view."""
        return self.columns[self.view]


def choose(
    tau: Mapping[tuple[str, str], np.ndarray],
    columns: Sequence[str],
    controls: Sequence[str],
    references: Sequence[str],
    half: np.ndarray,
) -> Choice:
    """Choose layers, heads, a view and a control by their agreement with the references.

    Only texts of the choosing half are used.

    Args:
        tau: what `taus` returns.
        columns: names of the columns of all views.
        controls: names of the controls.
        references: the measures that decide.
        half: [drawn].
    """
    own = half == CHOOSING

    def score(name: str) -> float:
        found = mean_of([tau[name, measure][own] for measure in references])
        return float(np.nanmean(found)) if (~np.isnan(found)).any() else -np.inf

    scores = {name: score(name) for name in columns}
    best: dict[str, str] = {}
    for name in columns:
        view = view_of(name)
        if view not in best or scores[name] > scores[best[view]]:
            best[view] = name
    view = max(best, key=lambda name: scores[best[name]])
    return Choice(best, view, max(controls, key=score))


class Bootstrap:
    """Means over texts with percentile intervals, from resamples of the texts.

    The resamples of as many texts are drawn once, and shared by all estimates.

    Args:
        statistics: number of resamples (`bootstrap`), `level` of the intervals, and `seed`.
    """

    def __init__(self, statistics: Statistics) -> None:
        self._statistics = statistics
        self._weights: dict[int, np.ndarray] = {}

    def estimate(self, values: np.ndarray) -> dict[str, float]:
        """Estimate the mean over texts; texts without a value do not count.

        Args:
            values: [texts] values, NaN for texts without one.

        Returns:
            `estimate`, `ci_low` and `ci_high`, NaN if no text has a value; `n` and `undefined`, the
            numbers of texts with and without a value.
        """
        known, options = values[~np.isnan(values)], self._statistics
        number = len(known)
        found = {"n": number, "undefined": len(values) - number}
        if not number:
            return {"estimate": np.nan, "ci_low": np.nan, "ci_high": np.nan, **found}
        if number not in self._weights:
            drawn = text_weights(number, options.bootstrap, "audit", options.seed)
            self._weights[number] = drawn
        own = interval(self._weights[number] @ known / number, options.level)
        return {"estimate": own.estimate, "ci_low": own.low, "ci_high": own.high, **found}


def agreement_table(
    tau: Mapping[tuple[str, str], np.ndarray],
    rows: Mapping[str, tuple[str, str]],
    half: np.ndarray,
    bootstrap: Bootstrap,
) -> pd.DataFrame:
    """Mean tau-b on the judging half, with a row for each ordering and measure.

    Args:
        tau: what `taus` returns.
        rows: name in `tau` -> its kind ("view", "control") and its view.
        half: [drawn].
        bootstrap: for the intervals.
    """
    judged = half == JUDGING
    found = [
        {
            "ordering": name,
            "kind": kind,
            "view": view,
            "measure": measure,
            **bootstrap.estimate(own[judged]),
        }
        for (name, measure), own in tau.items()
        for kind, view in [rows.get(name, ("", ""))]
        if kind
    ]
    return pd.DataFrame(found)


def column_table(
    tau: Mapping[tuple[str, str], np.ndarray],
    columns: Sequence[str],
    half: np.ndarray,
    special: Mapping[str, np.ndarray],
    asked: Mapping[str, np.ndarray],
) -> pd.DataFrame:
    """Describe every column of every view. The maps of layers and heads are drawn from the table.

    Columns: `column`, `view`, `layer` and `head` (0 where there is none), the mean tau-b with each
    measure on both halves (`<measure>:choosing`, `<measure>:judging`), `special`, the mean share of
    the weight on subwords of no word, and for pairs `query`, the mean share on the query.
    """
    measures = list(dict.fromkeys(measure for _, measure in tau))
    rows = []
    for name in columns:
        view, layer, head = parts_of(name)
        row: dict[str, object] = {"column": name, "view": view, "layer": layer, "head": head}
        for measure in measures:
            for label, value in (("choosing", CHOOSING), ("judging", JUDGING)):
                own = tau[name, measure][half == value]
                row[f"{measure}:{label}"] = _mean(own)
        row["special"] = _mean(special[name])
        if name in asked:
            row["query"] = _mean(asked[name])
        rows.append(row)
    return pd.DataFrame(rows)


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else np.nan
