"""What the names of a config are called on the page, in figures and in messages."""

from attinfo.blocks.measures import MEASURES
from attinfo.config.registry import parse_normaliser

LABELS = {
    "bilstm": "BiLSTM",
    "lstm": "LSTM",
    "bigru": "BiGRU",
    "gru": "GRU",
    "cnn": "CNN",
    "mlp": "MLP (per token)",
    "transformer": "Transformer",
    "pretrained": "Pretrained",
    "additive": "Additive",
    "deep": "Deep",
    "scaled_dot": "Scaled dot",
    "dot": "Dot",
    "multiplicative": "Multiplicative",
    "softmax": "softmax",
    "gumbel_softmax": "Gumbel-softmax",
    "entmax15": "1.5-entmax",
    "frozen_scorer": "scorer frozen",
    "frozen_encoder": "encoder frozen",
    "refitted_scorer": "scorer refitted",
    "uniform_evaluation": "uniform at evaluation",
    "label_shuffled": "labels shuffled",
    "linear": "linear probe",
    "knn": "nearest neighbours",
    "stack": "pool of probes",
    "token_type": "the word alone",
    **{name: measure.label for name, measure in MEASURES.items()},
}


def label_of(name: str) -> str:
    """The label of a building block, a variant, an estimator, a measure or a data set.

    A name without a label of its own stands for itself, blanks for underscores;
    `gumbel_softmax@0.5` becomes "Gumbel-softmax, τ = 0.5".
    """
    if "@" in name:
        kind, temperature = parse_normaliser(name)
        return f"{label_of(kind)}, τ = {temperature:g}"
    return LABELS.get(name, name.replace("_", " "))
