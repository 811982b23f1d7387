"""The flags of an estimate (reasons to distrust the number), and what each flag means."""

FLAGS = {
    "constant_output": "the output takes one value: there is nothing to know about it",
    "constant_states": "all states are the same: they hold no information",
    "deterministic_output": "the output is a function of the state: information is H(output)",
    "below_floor": "not above the 95 % point of permuted outputs",
    "above_entropy": "above the entropy of the output, which cannot be",
    "rare_class": "a class has fewer texts than there are folds, or neighbours asked for",
    "more_dimensions_than_texts": "the states have more dimensions than there are texts",
    "one_column_decides": "one column of the states holds nearly all distances: only it is seen; "
    "standardise the columns if their units differ",
    "repeated_states": "over 5 % of the states repeat others, as those of words without context; "
    "rows that repeat with their output are copies, which `estimate` counts once",
    "too_few_texts": "calibration: with so few texts the bias exceeds 20 % of the truth",
    "estimators_disagree": "another estimator's interval lies apart, by over 10 % of H(output)",
    "ranking_unreliable": "the order of the units in halves of the texts agrees by less than 0.7",
}

# Share of states that repeat another, from which an estimate has the flag `repeated_states`.
MANY = 0.05
