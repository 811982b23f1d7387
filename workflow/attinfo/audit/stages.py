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
from attinfo.audit.columns import parts_of, view_of
from attinfo.audit.controls import BEST, UNTRAINED, WORST, controls, of_untrained, permuted
from attinfo.audit.erasure import WordEraser
from attinfo.audit.halves import CHOOSING, JUDGING
from attinfo.audit.head import own_head
from attinfo.audit.information import layer_information
from attinfo.audit.model import TransformerClassifier
from attinfo.audit.texts import AuditedTexts
from attinfo.blocks.audit_measures import AUDIT_MEASURES
from attinfo.config.sections.audit import Audit
from attinfo.config.sections.faithfulness import Faithfulness
from attinfo.config.sections.statistics import Statistics
from attinfo.runtime.errors import InputError
from attinfo.runtime.loading import Chosen, load

log = logging.getLogger(__name__)
MAPPED = "cls_head"  # the view whose heads are mapped
FINAL = "gain"  # the measure that is the gain of the last layer's states


def check_predictions(attended: Attended, classes: Sequence[str]) -> None:
    """Check that the model predicts more than one class, and numbers.

    Raises:
        InputError: it does not.
    """
    if np.isnan(attended.logits).any():
        raise InputError("the model's output is NaN for some texts, expected numbers")
    predicted = attended.logits.argmax(1)
    if len(np.unique(predicted)) < 2:
        raise InputError(
            f"the model predicts '{classes[predicted[0]]}' for all {len(predicted)} texts, "
            "expected two classes or more: attention cannot explain a constant"
        )


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
    """[words] an importance measure, and [texts] what it sums to in each text; NaN if not known.

    A costly measure is computed for the drawn texts alone.
    """
    block = AUDIT_MEASURES[chosen.name]
    totals = np.full(len(texts), np.nan)
    if block.needs_mask and model.mask is None:
        log.warning("%s: the model has no mask token", chosen.name)
        return np.full(int(texts.encoded.offsets[-1]), np.nan, np.float32), totals
    drawn = np.flatnonzero(texts.drawn) if block.costly else np.arange(len(texts))
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
    """Information of the states layer by layer, and [words] gains, NaN where no state is kept."""
    encoded = texts.encoded
    held = np.repeat(attended.kept, encoded.lengths)
    text = np.repeat(np.arange(len(texts)), encoded.lengths)[held]
    rows = probe_rows(encoded)
    head = own_head(model, anatomy_of(model, rows), rows[0], attended.states[-1])
    if head is None:
        log.warning("the model's own head is not defined at single words")
    predicted = attended.logits.argmax(1)[text]
    table, gains = layer_information(attended.states, head, predicted, text, permutations, seed)
    found = {}
    for name, own in gains.items():
        found[name] = np.full(len(held), np.nan)
        found[name][held] = own
    return table, found


@dataclass(frozen=True)
class Agreed:
    """What `agree` gives: tables, the choice, and the numbers behind the answer."""

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
    untrained: Attended | None,
    measures: Mapping[str, np.ndarray],
    gains: Mapping[str, np.ndarray],
    audit: Audit,
    statistics: Statistics,
) -> Agreed:
    """Choose on one half, and compare orders of words on the other.

    Args:
        texts, attended: the texts, and what was read of them.
        untrained: the same of an untrained model; None to do without.
        measures: name -> [words] importance.
        gains: "gain.<layer>" -> [words] pointwise information.
        audit, statistics: sections of the config.
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
    compared = known | ({FINAL: gains[last]} if last else {})
    views = {name: own for name, own in attended.views.items() if not _absent(own, drawn)}
    plain = controls(texts)
    tau = agreement.taus(views | plain, compared, drawn)
    choice = agreement.choose(tau, list(views), list(plain), audit.references, drawn.half)
    more = {"permuted": permuted(texts, views[choice.column], audit.seed)}
    if untrained is not None:
        chosen = {c: untrained.views[c] for c in choice.columns.values() if c in untrained.views}
        more |= of_untrained({c: own for c, own in chosen.items() if not _absent(own, drawn)})
    tau |= agreement.taus(more, compared, drawn)
    heads = [name for name in views if view_of(name) == MAPPED]
    if heads:
        for name in compared:
            tau["random_head", name] = agreement.mean_of([tau[head, name] for head in heads])
    removed = ("permuted", f"{UNTRAINED}:{choice.column}")
    rows = {column: ("view", view) for view, column in choice.columns.items()}
    rows |= dict.fromkeys(plain | more, ("control", ""))
    rows |= {"random_head": ("control", MAPPED)} if heads else {}
    options = (statistics.bootstrap, statistics.level, statistics.seed)
    measures_tau = agreement.among(known, drawn)
    judged = drawn.half == JUDGING
    between = [
        {"measure": a, "other": b, **agreement.estimate(own[judged], *options)}
        for (a, b), own in measures_tau.items()
    ]
    return Agreed(
        agreement.agreement_table(tau, rows, drawn.half, *options),
        agreement.column_table(
            {key: own for key, own in tau.items() if key[0] in views},
            list(views),
            drawn.half,
            attended.special,
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
    """Remove top words: of each ordering on the judging half, of each head on the other.

    Args:
        model, texts: the model and the texts.
        agreed: of `agree`.
        heads: column -> [words] of every head.
        audit, options: sections of the config.

    Returns:
        The table of `removed` with `best` and `worst`, and that of heads.
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
        statistics.bootstrap,
        statistics.level,
        statistics.seed,
    )


def heads_of(attended: Attended) -> dict[str, np.ndarray]:
    """The columns of every head."""
    return {name: own for name, own in attended.views.items() if view_of(name) == MAPPED}


def sink_table(attended: Attended) -> pd.DataFrame:
    """A row for each column: the mean share of its weight on subwords of no word."""
    rows = [(*parts_of(c), float(np.nanmean(v))) for c, v in attended.special.items()]
    return pd.DataFrame(rows, columns=["view", "layer", "head", "special"])


def removal_table(removal: pd.DataFrame, statistics: Statistics) -> pd.DataFrame:
    """Mean AOPC of each ordering and kind over texts, with its interval.

    `of_texts`: "all" judged texts, or the "searched" ones, for which the best order is known.
    """
    best = removal.loc[removal["ordering"] == BEST, "text"].unique()
    options = (statistics.bootstrap, statistics.level, statistics.seed)
    rows = []
    for of_texts, own in (("all", removal), ("searched", removal[removal["text"].isin(best)])):
        for (ordering, kind), group in own.groupby(["ordering", "kind"], sort=False):
            if of_texts == "all" and ordering in (BEST, WORST):
                continue
            found: dict[str, Any] = {"ordering": ordering, "kind": kind, "of_texts": of_texts}
            rows.append(found | agreement.estimate(group["aopc"].to_numpy(), *options))
    return pd.DataFrame(rows)
