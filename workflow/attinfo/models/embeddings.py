"""Word embeddings that start from pretrained word vectors."""

import json
from pathlib import Path

from safetensors import safe_open
import torch
from torch import nn

from attinfo.models.classifier import Classifier
from attinfo.runtime.errors import InputError


def initialise(classifier: Classifier, path: str | Path) -> None:
    """Set the embeddings of all words that have a pretrained vector.

    Words without a vector, and the unknown word, keep their random embeddings. Padding stays zero.

    Args:
        classifier: a model that is not trained yet; it is changed in place.
        path: a file from `attinfo.data.vectors.extract` for the same data set.

    Raises:
        InputError: the vectors have another size than the embeddings, or the encoder embeds the
            texts itself.
    """
    with safe_open(path, framework="pt") as file:
        token_id, matrix = file.get_tensor("token_id"), file.get_tensor("matrix")
        name = json.loads(file.metadata()["summary"])["file"]
    if not isinstance(classifier.embedding, nn.Embedding):
        raise InputError(
            "model.vectors: a pretrained encoder has no word embeddings, expected null for it"
        )
    size = classifier.embedding.embedding_dim
    if matrix.shape[1] != size:
        raise InputError(
            f"model.embedding is {size}, expected {matrix.shape[1]}: the size of the vectors "
            f"in model.vectors ({name})"
        )
    with torch.no_grad():
        classifier.embedding.weight[token_id] = matrix
