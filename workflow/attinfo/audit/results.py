"""The tables of an audit, and texts word by word."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from attinfo.agreement.gaps import concordance_by_gap, gap_edges
from attinfo.agreement.plausibility import plausible_by_text, rated_words
from attinfo.audit import agreement, stages
from attinfo.audit.answer import plain
from attinfo.audit.names import JUDGING, RANDOM
from attinfo.audit.opened import Found
from attinfo.audit.pairs import Queries
from attinfo.audit.texts import AuditedTexts
from attinfo.audit.words import name_of
from attinfo.config.sections.audit import Audit
from attinfo.config.sections.statistics import Statistics
from attinfo.data.batches import ranges
from attinfo.report import choice
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
    """Make every table of an audit.

    Args:
        texts: the texts of the audit.
        classes: the model's names of its classes.
        found: results of earlier stages.
        removal, heads: the tables of `stages.remove`.
        audit, statistics: sections of the config.
        lexicon: a table of rated words, and the other arguments of `rated_words`; None without one.
        shown: number (`texts`) and `seed` of the texts that are shown word by word.
        totals: measure -> [texts] known sums of the values of a text; NaN where there is none.

    Returns:
        Name of an output of the stage -> a table, or plain values for JSON.
    """
    agreed = stages.agree(texts, *found, audit, statistics)
    answers = stages.answered(texts, agreed, removal, audit, statistics)
    fell = heads.groupby("ordering")["aopc"].mean() if len(heads) else pd.Series(dtype=float)
    columns = agreed.columns.assign(removal=agreed.columns["column"].map(fell))
    return {
        "answer": {
            "answers": plain(answers),
            "references": audit.references,
            "random_head_removal": float(fell.drop(RANDOM, errors="ignore").mean()),
            "random_order_removal": float(fell.get(RANDOM, np.nan)),
            "incomplete": incompleteness(texts, found.measures, totals),
            **({"pairs": _pairs(texts.queries)} if texts.queries else {}),
        },
        "agreement": agreed.table,
        "columns": columns,
        "measures": agreed.measures,
        "removal": stages.removal_table(removal, statistics),
        "gaps": gap_table(texts, agreed, found, audit, statistics),
        "plausibility": plausibility_table(texts, agreed, lexicon, statistics),
        "strips": strips(texts, classes, agreed, found, audit, shown),
    }


def _pairs(queries: Queries) -> dict[str, Any]:
    """How the model reads pairs of text and query."""
    return {"first": queries.first, "separated": queries.separated}


def incompleteness(
    texts: AuditedTexts, measures: Mapping[str, np.ndarray], totals: Mapping[str, np.ndarray]
) -> dict[str, float]:
    """Compare the sums of the values of each text with the known sums.

    Returns:
        Measure -> median size of the error, as a share of the mean size of the known sums; only for
        measures with known sums.
    """
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

    The table has a row for each reference and tenth of the gaps. Columns: `measure`, `bin`, the
    mean `gap`, `share` of the pairs of words in which the word with the larger weight also has the
    larger importance, `ci_low`, `ci_high`, and the number of `pairs`. Texts in which a word has no
    weight or no importance have no pairs.
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
    """How well each ordering finds the words of a lexicon, on the judging half.

    The table has a row for each ordering, or none without a lexicon. Columns: `ordering`; the mean
    ROC AUC (`estimate`) with `ci_low` and `ci_high`; `n` and `undefined`, numbers of texts with and
    without a value.
    """
    columns = ["ordering", "estimate", "ci_low", "ci_high", "n", "undefined"]
    if lexicon is None:
        return pd.DataFrame(columns=columns)
    rated = rated_words(lexicon[0], **lexicon[1])
    judged = np.flatnonzero(texts.half == JUDGING)
    words = ranges(texts.encoded.offsets, judged)
    marks = np.array([word.lower() in rated for i in judged.tolist() for word in texts.words(i)])
    offsets = np.append(0, texts.encoded.lengths[judged].cumsum())
    values = {name: own[words] for name, own in agreed.orderings.items()}
    found = plausible_by_text(values, marks, offsets)
    bootstrap = agreement.Bootstrap(statistics)
    rows = [{"ordering": name, **bootstrap.estimate(found[f"auc:{name}"])} for name in values]
    return pd.DataFrame(rows, columns=columns)


def strips(
    texts: AuditedTexts,
    classes: Sequence[str],
    agreed: stages.Agreed,
    found: Found,
    audit: Audit,
    shown: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Texts word by word, drawn from those of high and low agreement, predicted right and wrong.

    No text is shown twice. `shown["texts"]` is the largest number of texts.
    """
    tau = agreement.mean_of([agreed.tau[agreed.choice.column, m] for m in audit.references])
    drawn = np.flatnonzero(texts.drawn)
    predicted = found.attended.logits.argmax(1)
    right = (predicted == texts.labels)[drawn]
    known = ~np.isnan(tau) & (texts.of_drawn().half == JUDGING)
    short = known & (texts.encoded.lengths[drawn] <= LONGEST)
    known = short if short.any() else known
    rng = np.random.default_rng(seed_of("strips of an audit", shown["seed"]))
    chosen = choice.in_turn(tau, right, known, shown["texts"], rng)
    rows = {name_of(column): found.attended.views[column] for column in _shown(agreed)}
    rows |= {name_of(name): own for name, own in found.measures.items()}
    made = []
    for place, group in chosen.items():
        i = int(drawn[place])
        own = slice(*texts.encoded.offsets[i : i + 2])
        words = texts.words(i)
        values = {name: own_values[own][:LONGEST] for name, own_values in rows.items()}
        last = texts.encoded.ends[own][: len(words[:LONGEST])][-1]
        made.append(
            {
                "number": i,
                "label": classes[texts.labels[i]],
                "group": choice.name_of(group),
                "text": texts.strings[i][:last],
                **({"query": texts.queries.strings[i]} if texts.queries else {}),
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
    """The columns that are shown word by word: the quoted one, then those of the other views."""
    first = agreed.choice.column
    return [first, *(column for column in agreed.choice.columns.values() if column != first)]
