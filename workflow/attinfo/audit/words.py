"""The answer in words, and the names of orderings."""

from collections.abc import Sequence

import numpy as np

from attinfo.audit.answer import FAILED, MET, OPEN, UNSETTLED, WOULD, WOULD_NOT, Answer, Criterion
from attinfo.audit.columns import described, parts_of
from attinfo.audit.controls import LABELS, UNTRAINED
from attinfo.blocks.audit_measures import AUDIT_MEASURES
from attinfo.blocks.views import VIEWS

BADGES = {
    WOULD: "We would read it as an explanation",
    WOULD_NOT: "We would not read it as an explanation",
    UNSETTLED: "Not settled",
}
SENTENCES = {
    WOULD: "We would read it as an explanation of these predictions: every rule is met.",
    WOULD_NOT: "We would not read it as an explanation of these predictions.",
    UNSETTLED: "Whether to read it as an explanation is not settled: what was measured allows "
    "both readings.",
}
OTHERS = {
    "best": "best order found",
    "worst": "worst order found",
    "gain": "gain of the last layer",
}


def name_of(ordering: str) -> str:
    """An ordering in words: a column of a view, a measure or a control."""
    if ordering.startswith(f"{UNTRAINED}:"):
        return f"{name_of(ordering.partition(':')[2])}, untrained"
    if ordering in AUDIT_MEASURES:
        return AUDIT_MEASURES[ordering].label
    if ordering in OTHERS or ordering in LABELS:
        return OTHERS.get(ordering) or LABELS[ordering]
    view, layer, head = parts_of(ordering)
    parts = ", ".join(described(ordering))
    if head:
        return f"head {head} of layer {layer}"
    if view == "cls_layer":
        return f"mean of the heads of {parts}"
    if view == "value_norm":
        return f"value norms of {parts}"
    return VIEWS[view].label if view in VIEWS else ordering


def listed(names: Sequence[str]) -> str:
    """Names in a sentence: "a, b and c"."""
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def signed(value: float) -> str:
    """A number with its sign and two decimals; a dash for NaN."""
    return "–" if np.isnan(value) else f"{value:+.2f}".replace("-", "−")


def in_words(answer: Answer, references: Sequence[str], level: float) -> str:
    """The answer about a view in sentences."""
    against = listed([name_of(name) for name in references])
    interval = f"[{signed(answer.tau_low)}, {signed(answer.tau_high)}]"
    sentences = [
        f"For this model, on these texts, {name_of(answer.column)} orders words like {against} at "
        f"τ-b = {signed(answer.tau)} ({level:.0%} interval over texts {interval})."
    ]
    if not np.isnan(answer.removal):
        reach = answer.removal_best - answer.removal_random
        part = (answer.removal - answer.removal_random) / reach if reach > 0 else np.nan
        share = f"{part:.0%} of the way from random to best" if reach > 0 else "no room to compare"
        sentences.append(
            f"In {answer.removal_texts} short texts whose best order was searched, removing the "
            "words that it puts first lowers the probability of the predicted class by "
            f"{answer.removal:.2f} on average; a random order lowers it by "
            f"{answer.removal_random:.2f}, the best order found by {answer.removal_best:.2f}: "
            f"{share.replace('-', '−')}."
        )
    sentences.append(SENTENCES[answer.verdict])
    return " ".join(sentences)


def reason(one: Criterion, answer: Answer) -> str:
    """One rule, with what was found, in a sentence."""
    numbers = (
        f"{one.value:.2f} against {one.other:.2f}, difference {one.estimate:+.2f} "
        f"[{one.ci_low:+.2f}, {one.ci_high:+.2f}], {one.n} texts"
    ).replace("-", "−")
    if not one.n:
        return "No text has both numbers."
    words = {
        "beats_controls": (
            f"The order is not that of “{name_of(answer.control)}”",
            f"“{name_of(answer.control)}”, which knows nothing of the model, does better",
            f"“{name_of(answer.control)}” may do as well",
        ),
        "beats_untrained": (
            "The order comes from what the model learnt: an untrained one does worse",
            "The same view of an untrained model does better",
            "The same view of an untrained model may do as well",
        ),
        "near_measures": (
            "It agrees with the measures at least half as well as these do with each other",
            "It agrees with the measures less than half as well as these do with each other",
            "It may or may not reach half of the agreement of the measures with each other",
        ),
        "removal_beats_controls": (
            f"The prediction depends on its top words more than on those of "
            f"“{name_of(answer.control)}”",
            f"The prediction depends more on the top words of “{name_of(answer.control)}”",
            f"The prediction may depend as much on the top words of “{name_of(answer.control)}”",
        ),
        "removal_near_best": (
            "Removing its top words does at least half of what the best order would",
            "Removing its top words does less than half of what the best order would",
            "Removing its top words may or may not do half of what the best order would",
        ),
    }[one.rule]
    said = dict(zip((MET, FAILED, OPEN), words, strict=True))[one.outcome]
    return f"{said} ({numbers})."
