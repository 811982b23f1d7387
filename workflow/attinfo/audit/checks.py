"""Checks of a model and its predictions, before the expensive stages of an audit."""

from collections.abc import Sequence

import numpy as np

from attinfo.audit.attend import Attended
from attinfo.audit.model import TransformerClassifier
from attinfo.blocks.audit_measures import AUDIT_MEASURES
from attinfo.config.sections.audit import Audit
from attinfo.data.groups import FOLDS
from attinfo.runtime.errors import InputError


def check_options(model: TransformerClassifier, audit: Audit) -> None:
    """Check that the model has a mask token, if the options need one.

    Raises:
        InputError: it has none, but `perturbation` or a reference needs it.
    """
    if model.mask is not None:
        return
    kind = model.config.model_type
    if audit.perturbation == "mask":
        raise InputError(
            f"audit.perturbation: found 'mask', but this model ({kind}) has no mask token: "
            "expected 'delete'"
        )
    for name in audit.references:
        if AUDIT_MEASURES[name].needs_mask:
            raise InputError(
                f"audit.references: found '{name}', but this model ({kind}) has no mask token: "
                "expected measures that need none"
            )


def check_predictions(attended: Attended, classes: Sequence[str]) -> None:
    """Check that the logits are numbers and that the model predicts two classes or more.

    Raises:
        InputError: a logit is NaN, or all texts have the same predicted class.
    """
    if np.isnan(attended.logits).any():
        raise InputError("the model's output is NaN for some texts, expected numbers")
    predicted = attended.logits.argmax(1)
    if len(np.unique(predicted)) < 2:
        raise InputError(
            f"the model predicts '{classes[predicted[0]]}' for all {len(predicted)} texts, "
            "expected two classes or more: attention cannot explain a constant"
        )


def check_states(attended: Attended, sources: np.ndarray, classes: Sequence[str]) -> None:
    """Check that the texts whose states are kept are enough to estimate information.

    Args:
        attended: of the model.
        sources: [texts] a number that pairs of one text share, see `AuditedTexts.sources`.
        classes: the model's names of its classes.

    Raises:
        InputError: there are fewer texts than folds, or all have the same predicted class.
    """
    number, texts = len(np.unique(sources[attended.kept])), len(np.unique(sources))
    found = (
        f"audit.state_words: there is room for the states of {number} of the {texts} audited texts"
    )
    if number < FOLDS:
        raise InputError(
            f"{found}, expected {FOLDS} texts or more, one for each fold of the probes: set a "
            "larger number of words"
        )
    predicted = np.unique(attended.logits.argmax(1)[attended.kept])
    if len(predicted) < 2:
        raise InputError(
            f"{found}, and the model predicts '{classes[predicted[0]]}' for each of them, expected "
            "two classes or more: set a larger number of words"
        )
