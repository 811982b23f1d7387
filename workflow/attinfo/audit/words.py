"""The answer in words, and the names of orderings."""

from collections.abc import Sequence

import numpy as np

from attinfo.audit.answer import (
    FAILED,
    MET,
    OPEN,
    SHARE,
    UNSETTLED,
    WOULD,
    WOULD_NOT,
    Answer,
    Criterion,
)
from attinfo.audit.columns import parts_of
from attinfo.audit.controls import LABELS
from attinfo.audit.names import UNTRAINED
from attinfo.blocks.audit_measures import AUDIT_MEASURES
from attinfo.blocks.views import VIEWS
from attinfo.labels import listed, minus

BADGES = {
    WOULD: "We would read it as an explanation",
    WOULD_NOT: "We would not read it as an explanation",
    UNSETTLED: "Not settled",
}
SENTENCES = {
    WOULD: "We would read it as an explanation of these predictions: every rule is met.",
    WOULD_NOT: "We would not read it as an explanation of these predictions.",
    UNSETTLED: "Whether to read it as an explanation is not settled: no rule fails, but not all "
    "are met.",
}


def name_of(ordering: str) -> str:
    """The name of an ordering in sentences, figures and tables.

    Args:
        ordering: a column of a view, the same of an untrained model, a measure or a control.

    >>> name_of("cls_head.5.3"), name_of("untrained:rollout"), name_of("rare_words")
    ('head 3 of layer 5', 'rollout, untrained', 'rare words first')
    """
    if ordering.startswith(f"{UNTRAINED}:"):
        return f"{name_of(ordering.partition(':')[2])}, untrained"
    if ordering in AUDIT_MEASURES:
        return AUDIT_MEASURES[ordering].label
    if ordering in LABELS:
        return LABELS[ordering]
    view, layer, head = parts_of(ordering)
    return VIEWS[view].name_of(layer, head)


def signed(value: float) -> str:
    """A number with its sign and two decimals; a dash for NaN."""
    return "–" if np.isnan(value) else minus(f"{value:+.2f}")


def fall(value: float) -> str:
    """A fall of a probability with two decimals; no zero has a sign."""
    return minus(f"{value:.2f}").replace("−0.00", "0.00")


def in_words(answer: Answer, references: Sequence[str], level: float) -> str:
    """The answer about a view in sentences."""
    against = listed([name_of(name) for name in references])
    interval = f"[{signed(answer.tau_low)}, {signed(answer.tau_high)}]"
    sentences = [
        f"For this model, on these texts, {name_of(answer.column)} orders words like {against} at "
        f"τ-b = {signed(answer.tau)} ({level:.0%} interval over texts {interval})."
    ]
    if not np.isnan(answer.removal):
        share = (
            "the two do not differ"
            if np.isnan(answer.reached)
            else minus(f"{answer.reached:.0%} of the way from random to best")
        )
        sentences.append(
            f"In {answer.removal_texts} short texts whose best order was searched, removing the "
            "words that it puts first lowers the probability of the predicted class by "
            f"{fall(answer.removal)} on average; a random order lowers it by "
            f"{fall(answer.removal_random)}, the best order found by {fall(answer.removal_best)}: "
            f"{share}."
        )
    sentences.append(SENTENCES[answer.verdict])
    return " ".join(sentences)


def reason(one: Criterion, answer: Answer) -> str:
    """One rule, with what was found, in a sentence."""
    if not one.n:
        return "No text has both of the numbers that this rule compares."
    numbers = minus(
        f"{one.value:.2f} against {one.other:.2f}, difference {one.estimate:+.2f} "
        f"[{one.ci_low:+.2f}, {one.ci_high:+.2f}], {one.n} texts"
    )
    share = f"{SHARE:.0%}"
    words = {
        "beats_controls": (
            f"It agrees with the measures more than “{name_of(answer.control)}” does",
            f"“{name_of(answer.control)}”, which does not depend on the model, agrees with the "
            "measures more",
            f"“{name_of(answer.control)}” may agree with the measures as much",
        ),
        "beats_untrained": (
            "It agrees with the measures more than the same view of an untrained model does",
            "The same view of an untrained model agrees with the measures more",
            "The same view of an untrained model may agree with the measures as much",
        ),
        "near_measures": (
            f"Its agreement with the measures is at least {share} of theirs with each other",
            f"Its agreement with the measures is less than {share} of theirs with each other",
            f"Its agreement with the measures may be above or below {share} of theirs with each "
            "other",
        ),
        "removal_beats_controls": (
            f"The prediction depends on its top words more than on those of "
            f"“{name_of(answer.control)}”",
            f"The prediction depends more on the top words of “{name_of(answer.control)}”",
            f"The prediction may depend as much on the top words of “{name_of(answer.control)}”",
        ),
        "removal_near_best": (
            f"Removing its top words goes at least {share} of the way from random to the best "
            "order",
            f"Removing its top words goes less than {share} of the way from random to the best "
            "order",
            f"Removing its top words may go more or less than {share} of the way from random to "
            "the best order",
        ),
    }[one.rule]
    said = dict(zip((MET, FAILED, OPEN), words, strict=True))[one.outcome]
    return f"{said} ({numbers})."
