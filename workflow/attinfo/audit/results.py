"""The tables of an audit's answer, and texts word by word."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from attinfo.agreement.gaps import concordance_by_gap, gap_edges
from attinfo.agreement.plausibility import plausible_by_text, rated_words
from attinfo.audit import agreement, stages
from attinfo.audit.answer import plain
from attinfo.audit.halves import JUDGING
from attinfo.audit.opened import Found
from attinfo.audit.texts import AuditedTexts
from attinfo.audit.words import name_of
from attinfo.config.sections.audit import Audit
from attinfo.config.sections.statistics import Statistics
from attinfo.data.batches import ranges
from attinfo.runtime.seeds import seed_of
from attinfo.statistics.intervals import text_weights

LONGEST = 40  # words of a text that is shown
GAP_MEASURES = 2  # references whose gap curve is drawn


def results(
    texts: AuditedTexts,
    classes: Sequence[str],
    found: Found,
    removal: pd.DataFrame,
    heads: pd.DataFrame,
    audit: Audit,
    statistics: Statistics,
    lexicon: tuple[pd.DataFrame, Mapping[str, Any]] | None,
    shown: Mapping[str, Any],
    totals: Mapping[str, np.ndarray],
) -> dict[str, Any]:
    """Make every table of an answer.

    Args:
        texts: of the audit.
        classes: the model's names of its classes.
        found: what earlier stages found.
        removal, heads: of `stages.remove`.
        audit, statistics: sections of the config.
        lexicon: a table of rated words with `name` and `least`; None without one.
        shown: `texts` and `seed` of the texts that are shown.
        totals: measure -> [texts] what its values sum to; NaN where that is not known.

    Returns:
        Output of the stage -> a table, or plain values for JSON.
    """
    agreed = stages.agree(texts, *found, audit, statistics)
    answers = stages.answered(texts, agreed, removal, audit, statistics)
    fell = heads.groupby("ordering")["aopc"].mean() if len(heads) else pd.Series(dtype=float)
    columns = agreed.columns.assign(removal=agreed.columns["column"].map(fell))
    return {
        "answer": {
            "answers": plain(answers),
            "references": audit.references,
            "random_head_removal": float(fell.drop("random", errors="ignore").mean()),
            "random_order_removal": float(fell.get("random", np.nan)),
            "incomplete": incompleteness(texts, found.measures, totals),
        },
        "agreement": agreed.table,
        "columns": columns,
        "measures": agreed.measures,
        "removal": stages.removal_table(removal, statistics),
        "gaps": gap_table(texts, agreed, found, audit, statistics),
        "plausibility": plausibility_table(texts, agreed, lexicon, statistics),
        "strips": strips(texts, classes, agreed, found, audit, shown),
    }


def incompleteness(
    texts: AuditedTexts, measures: Mapping[str, np.ndarray], totals: Mapping[str, np.ndarray]
) -> dict[str, float]:
    """measure -> median error of the sums of its values, as a share of the mean size of a sum."""
    found = {}
    for name, total in totals.items():
        sums = np.add.reduceat(measures[name].astype(np.float64), texts.encoded.offsets[:-1])
        known = ~np.isnan(total) & ~np.isnan(sums)
        if known.any():
            error = np.median(np.abs(sums - total)[known])
            found[name] = float(error / np.abs(total[known]).mean())
    return found


def gap_table(
    texts: AuditedTexts, agreed: stages.Agreed, found: Found, audit: Audit, statistics: Statistics
) -> pd.DataFrame:
    """Concordance of the quoted view with the references, by the gap between two weights.

    A row for each reference and tenth of the gaps: `measure`, `bin`, `gap`, `share` of the pairs of
    words in which the larger weight has the larger importance, `ci_low`, `ci_high`, `pairs`.
    """
    judged = np.flatnonzero(texts.half == JUDGING)
    words = ranges(texts.encoded.offsets, judged)
    lengths = texts.encoded.lengths[judged]
    offsets = np.append(0, lengths.cumsum())
    weights = found.attended.views[agreed.choice.column][words].astype(np.float64)
    total = np.repeat(np.add.reduceat(weights, offsets[:-1]), lengths)
    weights = np.nan_to_num(weights / np.where(total > 0, total, 1))
    edges = gap_edges(weights, weights, offsets)
    draws = text_weights(len(judged), statistics.bootstrap, "gaps", statistics.seed)
    tails = [(1 - statistics.level) / 2, (1 + statistics.level) / 2]
    rows = []
    for measure in audit.references[:GAP_MEASURES]:
        size = np.abs(found.measures[measure][words])
        (own,) = concordance_by_gap(weights, weights, np.nan_to_num(size), offsets, (edges,))
        with np.errstate(invalid="ignore", divide="ignore"):
            share = (draws @ own["concordant"]) / (draws @ own["pairs"])
        low, high = np.nanquantile(share[1:], tails, axis=0)
        for b in range(share.shape[1]):
            place = {"measure": measure, "bin": b + 1, "gap": own["gap"][b], "share": share[0, b]}
            bounds = {"ci_low": low[b], "ci_high": high[b], "pairs": own["pairs"][:, b].sum()}
            rows.append(place | bounds)
    return pd.DataFrame(rows)


def plausibility_table(
    texts: AuditedTexts,
    agreed: stages.Agreed,
    lexicon: tuple[pd.DataFrame, Mapping[str, Any]] | None,
    statistics: Statistics,
) -> pd.DataFrame:
    """How well each ordering finds the words that people rate, on the judging half.

    A row for each ordering: `ordering`, `auc` with `ci_low`, `ci_high`, `n` texts; without rows if
    there is no lexicon.
    """
    columns = ["ordering", "estimate", "ci_low", "ci_high", "n", "undefined"]
    if lexicon is None:
        return pd.DataFrame(columns=columns)
    rated = rated_words(lexicon[0], lexicon[1]["least"], lexicon[1]["name"])
    judged = np.flatnonzero(texts.half == JUDGING)
    words = ranges(texts.encoded.offsets, judged)
    marks = np.array([word.lower() in rated for i in judged.tolist() for word in texts.words(i)])
    offsets = np.append(0, texts.encoded.lengths[judged].cumsum())
    values = {name: own[words] for name, own in agreed.orderings.items()}
    found = plausible_by_text(values, marks, offsets)
    options = (statistics.bootstrap, statistics.level, statistics.seed)
    rows = [
        {"ordering": name, **agreement.estimate(found[f"auc:{name}"], *options)} for name in values
    ]
    return pd.DataFrame(rows, columns=columns)


def strips(
    texts: AuditedTexts,
    classes: Sequence[str],
    agreed: stages.Agreed,
    found: Found,
    audit: Audit,
    shown: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Texts word by word: drawn from those of high and low agreement, predicted right and wrong."""
    tau = agreement.mean_of([agreed.tau[agreed.choice.column, m] for m in audit.references])
    judged = np.flatnonzero(texts.drawn)
    predicted = found.attended.logits.argmax(1)
    right = (predicted == texts.labels)[judged]
    known = ~np.isnan(tau) & (texts.of_drawn().half == JUDGING)
    short = known & (texts.encoded.lengths[judged] <= LONGEST)
    known = short if short.any() else known
    if not known.any():
        return []
    low, high = np.quantile(tau[known], [0.25, 0.75])
    rng = np.random.default_rng(seed_of("strips of an audit", shown["seed"]))
    pools = {
        f"predicted {'right' if is_right else 'wrong'}, {name} agreement": rng.permutation(
            np.flatnonzero(known & (right == is_right) & end)
        )
        for is_right in (True, False)
        for name, end in (("high", tau >= high), ("low", tau <= low))
    }
    each = -(-shown["texts"] // len(pools))
    rows = {name_of(column): found.attended.views[column] for column in _shown(agreed)}
    rows |= {f"{name_of(name)}": own for name, own in found.measures.items()}
    made = []
    for group, pool in pools.items():
        for place in pool[:each]:
            i = int(judged[place])
            own = slice(*texts.encoded.offsets[i : i + 2])
            words = texts.words(i)
            values = {name: own_values[own][:LONGEST] for name, own_values in rows.items()}
            last = texts.encoded.ends[own][: len(words[:LONGEST])][-1]
            made.append(
                {
                    "number": i,
                    "label": classes[texts.labels[i]],
                    "group": group,
                    "text": texts.strings[i][:last],
                    "words": words[:LONGEST],
                    "left_out": len(words[LONGEST:]),
                    "predicted": classes[predicted[i]],
                    "right": bool(right[place]),
                    "tau": float(tau[place]),
                    "rows": [
                        {"label": name, "values": own_values.astype(float).round(6).tolist()}
                        for name, own_values in values.items()
                        if not np.isnan(own_values).all()
                    ],
                }
            )
    return made


def _shown(agreed: stages.Agreed) -> list[str]:
    """The columns that are shown word by word: the quoted one, then those of other views."""
    first = agreed.choice.column
    return [first, *(column for column in agreed.choice.columns.values() if column != first)]
