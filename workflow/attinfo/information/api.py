"""The function `estimate`: checks the arrays of a user, and estimates their mutual information."""

from dataclasses import replace
from numbers import Integral
from typing import Any

import torch
from torch import Tensor

from attinfo.blocks.catalogue import block_of, with_defaults
from attinfo.data.groups import FOLDS
from attinfo.information.arrays import (
    FEWEST,
    OutputKind,
    groups_of,
    output_layer_of,
    output_of,
    states_of,
)
from attinfo.information.deterministic import linear_in
from attinfo.information.flags import MANY
from attinfo.information.isolation import apart
from attinfo.information.repeats import repeats
from attinfo.information.sample import Sample, folds, normal_scores, with_permutations
from attinfo.information.summary import Estimate, measured, silent, summary
from attinfo.runtime.loading import Chosen


def estimate(
    hidden: Any,
    output: Any,
    estimator: str = "stack",
    *,
    groups: Any = None,
    output_kind: OutputKind | None = None,
    output_layer: Any = None,
    seed: int = 0,
    permutations: int = 20,
    **options: Any,
) -> Estimate:
    """Mutual information I(H; Y) between states and a model's output, in nats.

    Nothing may be missing in an argument. The call leaves no trace in the process: threads, random
    states and modes of torch are afterwards as before.

    Args:
        hidden: [n, d] states, one a text: array, table or tensor of any real type, on any device.
        output: [n] classes (whole numbers, booleans or labels), or [n] or [n, c] numbers, such as
            a logit margin. Numbers are made normal by their ranks (ties in random order), one
            column at a time, which leaves the information of each as it is.
        estimator: a name from `ESTIMATORS`, or from `CONTINUOUS` where the output is continuous.
        groups: [n] labels, such as the document or the person that a row is from, or None. Rows of
            one group depend on each other: they are kept on one side of every fold, are no
            neighbours of each other, are permuted together, and the interval is over groups.
            Without groups, rows that repeat, state and output, are taken for copies of one and are
            counted once (flag `repeated_states`); pass `range(n)` to count each.
        output_kind: "classes" or "continuous"; by default whole numbers, booleans and labels are
            classes and floats are continuous. `Estimate.output_kind` says what was taken.
        output_layer: (weight [C, d], bias [C]) with which the model reads its states, for the
            estimator `output_layer`; others do not look at it. Its rows are the classes in sorted
            order; where not all classes occur, outputs are whole numbers, those of the rows.
        seed: of folds and permutations.
        permutations: of the output, for the permutation null; 0 leaves it out. With 20 the null is
            exact at 5 %; more make its upper end less random.
        options: of the estimator.

    Returns:
        The estimate with its permutation null, interval and flags, which `FLAGS` explains.

    Raises:
        ValueError: what is wrong with an argument, in one line.
    """
    if not isinstance(permutations, Integral) or permutations < 0:
        raise ValueError(f"permutations is {permutations!r}, expected a whole number, 0 or more")

    def work() -> Estimate:
        states = states_of(hidden)
        classes, values = output_of(output, output_kind, len(states), states.device)
        kind = "estimator" if classes else "continuous estimator"
        settings = with_defaults(kind, estimator, options)
        chosen = Chosen(estimator, block_of(kind, estimator).path, settings)
        group = None if groups is None else groups_of(groups, len(states), FOLDS)
        layer = None
        if classes and output_layer is not None:
            layer = output_layer_of(output_layer, output, classes, states)
        drawn = (seed, permutations)
        return _estimate(states, values, classes, group, groups is None, chosen, layer, *drawn)

    return apart(work)


def _estimate(
    states: Tensor,
    values: Tensor,
    classes: int,
    group: Tensor | None,
    find_copies: bool,
    estimator: Chosen,
    output_layer: tuple[Tensor, Tensor] | None,
    seed: int,
    permutations: int,
) -> Estimate:
    """The estimate from arguments that were checked.

    Args:
        states: [n, d].
        values: [n] classes, or [n, c] numbers.
        classes: their number, or 0.
        group: [n] numbers of groups, or None.
        find_copies: whether rows that are copies of one are counted once.
        estimator: with its options.
        output_layer: weights [C, d] and biases [C], or None.
        seed, permutations: see `estimate`.
    """
    same = repeats(states) if find_copies else None
    place, rows = (None, None) if same is None else same.copies(values, fewest=FEWEST)
    if rows is not None:
        states, values = states[rows], values[rows]
    if group is not None:
        group = group.to(states.device)
    scores = values if classes else normal_scores(values, seed)
    sample = Sample(
        hidden=states,
        text=torch.arange(len(states), device=states.device),
        output=with_permutations(scores, permutations, seed, group),
        classes=classes,
        fold=folds(scores, FOLDS, seed, group),
        group=group,
        output_layer=output_layer,
    )
    found = summary(measured(estimator, sample), sample, estimator.options)
    flags = list(found.flags)
    if not silent(sample):
        if not classes and linear_in(states, values):
            flags.insert(0, "deterministic_output")
        if rows is not None or (same is not None and same.share >= MANY):
            flags.append("repeated_states")
    found = replace(found, flags=tuple(flags))
    if place is None:
        return found
    of_row = place.cpu().numpy()
    gain = None if found.gain is None else found.gain[of_row]
    return replace(found, pvi=found.pvi[of_row], gain=gain, copies=len(of_row) - len(states))
