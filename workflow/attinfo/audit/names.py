"""Names that the stages, tables and figures of an audit share."""

CHOOSING, JUDGING, NEITHER = 0, 1, -1  # the half of a text: for choosing columns, or judging them
HEADS = "cls_head"  # the view whose heads are mapped, removed one by one, and drawn at random
PROBE, OWN_HEAD = "linear", "output_layer"  # estimators of information: a probe, the model's head

# Orderings that are neither a column of a view nor a measure
RANDOM, BEST, WORST = "random", "best", "worst"  # orders of removal
PERMUTED, RANDOM_HEAD = "permuted", "random_head"
UNTRAINED = "untrained"  # before a column: the same column of an untrained model
GAIN = "gain"  # information gain of the states of the last layer
