"""The stages of an audit, as the jobs of the workflow and `audit` call them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
import logging
from typing import Any

import numpy as np
import pandas as pd

from attinfo.audit import agreement, answer, faithfulness
from attinfo.audit.anatomy import anatomy_of
from attinfo.audit.attend import Attended, probe_rows
from attinfo.audit.checks import check_states
from attinfo.audit.columns import view_of
from attinfo.audit.controls import controls, of_untrained, permuted
from attinfo.audit.erasure import WordEraser
from attinfo.audit.head import own_head
from attinfo.audit.information import layer_information
from attinfo.audit.model import TransformerClassifier
from attinfo.audit.names import (
    BEST,
    CHOOSING,
    GAIN,
    HEADS,
    JUDGING,
    PERMUTED,
    RANDOM_HEAD,
    UNTRAINED,
    WORST,
)
from attinfo.audit.texts import AuditedTexts
from attinfo.blocks.audit_measures import AUDIT_MEASURES
from attinfo.config.sections.audit import Audit
from attinfo.config.sections.faithfulness import Faithfulness
from attinfo.config.sections.statistics import Statistics
from attinfo.runtime.errors import InputError
from attinfo.runtime.loading import Chosen, load

log = logging.getLogger(__name__)


def text_table(texts: AuditedTexts, attended: Attended, classes: Sequence[str]) -> pd.DataFrame:
    """A row for each text: `label`, `predicted`, `right`, `words`, `subwords`, `lost`, `half`."""
    predicted = attended.logits.argmax(1)
    names = np.array(classes, object)
    return pd.DataFrame(
        {
            "text": np.arange(len(texts)),
            "label": names[texts.labels],
            "predicted": names[predicted],
            "right": texts.labels == predicted,
            "words": texts.encoded.lengths,
            "subwords": texts.encoded.sizes,
            "lost": texts.encoded.lost,
            "half": texts.half,
        }
    )


def measure(
    model: TransformerClassifier, texts: AuditedTexts, chosen: Chosen
) -> tuple[np.ndarray, np.ndarray]:
    """Compute an importance measure for the drawn texts.

    Returns:
        [words] values, and [texts] the known sums of the values of each text. Both are NaN where
        they are not computed: sums of measures that have none, and all values of a measure that
        needs a mask token if the model has none.

    Raises:
        InputError: the memory of the device is too small for a single text.
    """
    block = AUDIT_MEASURES[chosen.name]
    totals = np.full(len(texts), np.nan)
    if block.needs_mask and model.mask is None:
        log.warning("%s: the model has no mask token", chosen.name)
        return np.full(int(texts.encoded.offsets[-1]), np.nan, np.float32), totals
    drawn = np.flatnonzero(texts.drawn)
    found: np.ndarray = chosen.load()(model, texts.encoded, drawn, **chosen.options)
    if block.total:
        totals = load(block.total)(model, texts.encoded, drawn, **chosen.options)
    return found, totals


def information(
    model: TransformerClassifier,
    texts: AuditedTexts,
    attended: Attended,
    permutations: int,
    seed: int,
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Estimate the information about the prediction in the states, layer by layer.

    Returns:
        The table of `layer_information`, and "gain.<layer>" -> [words] pointwise gains in nats, NaN
        for texts whose states are not kept.

    Raises:
        InputError: the states of too few texts are kept; see `check_states`.
    """
    check_states(attended, texts.sources, model.classes)
    encoded = texts.encoded
    held = np.repeat(attended.kept, encoded.lengths)
    source = np.repeat(texts.sources, encoded.lengths)[held]
    rows = probe_rows(encoded)
    head = own_head(model, anatomy_of(model, rows), rows[0], attended.states[-1])
    if head is None:
        log.warning("the model's own head is not defined at single words")
    predicted = np.repeat(attended.logits.argmax(1), encoded.lengths)[held]
    table, gains = layer_information(attended.states, head, predicted, source, permutations, seed)
    found = {}
    for name, own in gains.items():
        found[name] = np.full(len(held), np.nan)
        found[name][held] = own
    return table, found


@dataclass(frozen=True)
class Agreed:
    """What `agree` returns.

    Attributes:
        table: agreement of the chosen columns and of the controls, see `agreement_table`.
        columns: every column of every view, see `column_table`.
        measures: agreement of every two measures.
        choice: the chosen column of each view, the quoted view and the control.
        orderings: name -> [words] values of the orders by which words are removed.
        tau, measures_tau: what `taus` and `among` return, for the answer.
    """

    table: pd.DataFrame
    columns: pd.DataFrame
    measures: pd.DataFrame
    choice: agreement.Choice
    orderings: dict[str, np.ndarray]
    tau: dict[tuple[str, str], np.ndarray]
    measures_tau: dict[tuple[str, str], np.ndarray]


def agree(
    texts: AuditedTexts,
    attended: Attended,
    untrained: Mapping[str, np.ndarray] | None,
    measures: Mapping[str, np.ndarray],
    gains: Mapping[str, np.ndarray],
    audit: Audit,
    statistics: Statistics,
) -> Agreed:
    """Choose on one half, and compare orders of words on the other.

    Args:
        texts, attended: the texts, and what the model computes for them.
        untrained: column -> [words] weights of an untrained model; None to leave this control out.
        measures: name -> [words] importance.
        gains: "gain.<layer>" -> [words] pointwise information.
        audit, statistics: sections of the config.

    Raises:
        InputError: a reference has no value for this model.
    """
    drawn = texts.of_drawn()
    known = {name: own for name, own in measures.items() if not _absent(own, drawn)}
    for name in audit.references:
        if name not in known:
            raise InputError(
                f"audit.references: '{name}' has no value for this model, expected another of "
                f"{', '.join(known) or 'none'}"
            )
    layers = sorted(name for name in gains if name.split(".")[1].isdigit())
    last = max(layers, key=lambda name: int(name.split(".")[1]), default=None)
    compared = known | ({GAIN: gains[last]} if last else {})
    views = {name: own for name, own in attended.views.items() if not _absent(own, drawn)}
    plain = controls(texts)
    tau = agreement.taus(views | plain, compared, drawn)
    choice = agreement.choose(tau, list(views), list(plain), audit.references, drawn.half)
    more = {PERMUTED: permuted(texts, views[choice.column], audit.seed)}
    if untrained is not None:
        chosen = {c: untrained[c] for c in choice.columns.values() if c in untrained}
        more |= of_untrained({c: own for c, own in chosen.items() if not _absent(own, drawn)})
    tau |= agreement.taus(more, compared, drawn)
    heads = [name for name in views if view_of(name) == HEADS]
    if heads:
        for name in compared:
            tau[RANDOM_HEAD, name] = agreement.mean_of([tau[head, name] for head in heads])
    removed = (PERMUTED, f"{UNTRAINED}:{choice.column}")
    rows = {column: ("view", view) for view, column in choice.columns.items()}
    rows |= dict.fromkeys(plain | more, ("control", ""))
    rows |= {RANDOM_HEAD: ("control", HEADS)} if heads else {}
    bootstrap = agreement.Bootstrap(statistics)
    measures_tau = agreement.among(known, drawn)
    judged = drawn.half == JUDGING
    between = [
        {"measure": a, "other": b, **bootstrap.estimate(own[judged])}
        for (a, b), own in measures_tau.items()
    ]
    return Agreed(
        agreement.agreement_table(tau, rows, drawn.half, bootstrap),
        agreement.column_table(
            {key: own for key, own in tau.items() if key[0] in views},
            list(views),
            drawn.half,
            attended.special,
            attended.asked,
        ),
        pd.DataFrame(between),
        choice,
        {column: views[column] for column in choice.columns.values()}
        | plain
        | {name: own for name, own in more.items() if name in removed}
        | {name: np.abs(own) for name, own in known.items()},
        tau,
        measures_tau,
    )


def _absent(values: np.ndarray, drawn: agreement.Drawn) -> bool:
    return bool(np.isnan(values[drawn.words]).all())


def remove(
    model: TransformerClassifier,
    texts: AuditedTexts,
    agreed: Agreed,
    heads: Mapping[str, np.ndarray],
    audit: Audit,
    options: Faithfulness,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Remove the top words of each ordering in the judging half, and of each head in the other.

    Args:
        model, texts: the model and the texts.
        agreed: what `agree` returns.
        heads: column -> [words] weights of every head; empty to leave heads out.
        audit, options: sections of the config.

    Returns:
        The tables of `removed` and `best_orders` as one, and the table of `removed` for heads.
    """
    eraser = WordEraser(model, texts.encoded, audit.perturbation)
    judged = np.flatnonzero(texts.half == JUDGING)[: options.texts]
    table = faithfulness.removed(eraser, agreed.orderings, judged, options)
    best = faithfulness.best_orders(eraser, judged, table, options)
    chosen = np.flatnonzero(texts.half == CHOOSING)[: audit.head_texts]
    own = pd.DataFrame(columns=table.columns)
    if heads and len(chosen):
        own = faithfulness.removed(eraser, heads, chosen, options, ("comprehensiveness",))
    return pd.concat([table, best], ignore_index=True), own


def answered(
    texts: AuditedTexts,
    agreed: Agreed,
    removal: pd.DataFrame,
    audit: Audit,
    statistics: Statistics,
) -> list[answer.Answer]:
    """Judge every view on the judging half."""
    return answer.answers(
        agreed.choice,
        agreed.tau,
        agreed.measures_tau,
        removal,
        audit.references,
        texts.of_drawn(),
        agreement.Bootstrap(statistics),
    )


def heads_of(attended: Attended) -> dict[str, np.ndarray]:
    """The column of every head -> its [words] weights."""
    return {name: own for name, own in attended.views.items() if view_of(name) == HEADS}


def removal_table(removal: pd.DataFrame, statistics: Statistics) -> pd.DataFrame:
    """Compute the mean AOPC of each ordering and kind over texts, with its interval.

    The column `of_texts` says over which texts: "all" texts of the judging half in which words are
    removed, or only the "searched" ones, for which the best order is known.
    """
    best = removal.loc[removal["ordering"] == BEST, "text"].unique()
    bootstrap, rows = agreement.Bootstrap(statistics), []
    for of_texts, own in (("all", removal), ("searched", removal[removal["text"].isin(best)])):
        for (ordering, kind), group in own.groupby(["ordering", "kind"], sort=False):
            if of_texts == "all" and ordering in (BEST, WORST):
                continue
            found: dict[str, Any] = {"ordering": ordering, "kind": kind, "of_texts": of_texts}
            rows.append(found | bootstrap.estimate(group["aopc"].to_numpy()))
    return pd.DataFrame(rows)
