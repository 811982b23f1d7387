"""How views order words, beside measures and controls; which column of a view is chosen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from attinfo.agreement.kendall import concordance
from attinfo.audit.columns import parts_of, view_of
from attinfo.audit.halves import CHOOSING, JUDGING
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
        columns: name -> [words] weights, without sign.
        measures: name -> [words] values, whose sizes are compared.
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
    """What was chosen on the first half of the drawn texts, to be judged on the other.

    `columns`: view -> its column; `view`: the view that is quoted; `control`: the control that does
    best.
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

    Only texts of the choosing half are looked at.

    Args:
        tau: of `taus`.
        columns: of views.
        controls: of `controls`.
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


def estimate(values: np.ndarray, repeats: int, level: float, seed: int) -> dict[str, float]:
    """Mean over texts with a bootstrap interval over texts; texts without a value do not count.

    Args:
        values: [texts].
        repeats, level, seed: of the bootstrap.
    """
    known = values[~np.isnan(values)]
    found = {"n": len(known), "undefined": len(values) - len(known)}
    if not len(known):
        return {"estimate": np.nan, "ci_low": np.nan, "ci_high": np.nan, **found}
    weights = text_weights(len(known), repeats, "audit", seed)
    own = interval(weights @ known / len(known), level)
    return {"estimate": own.estimate, "ci_low": own.low, "ci_high": own.high, **found}


def agreement_table(
    tau: Mapping[tuple[str, str], np.ndarray],
    rows: Mapping[str, tuple[str, str]],
    half: np.ndarray,
    repeats: int,
    level: float,
    seed: int,
) -> pd.DataFrame:
    """Mean tau-b on the judging half, a row for each ordering and measure.

    Args:
        tau: of `taus`.
        rows: name in `tau` -> its kind ("view", "control") and its view.
        half: [drawn].
        repeats, level, seed: of the bootstrap.
    """
    judged = half == JUDGING
    found = [
        {
            "ordering": name,
            "kind": kind,
            "view": view,
            "measure": measure,
            **estimate(own[judged], repeats, level, seed),
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
) -> pd.DataFrame:
    """Every column of every view: view, layer, head, mean tau-b in both halves, mass on specials.

    The maps of layers and heads are drawn from it.
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
        rows.append(row)
    return pd.DataFrame(rows)


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else np.nan
