"""Embeddings that start from pretrained word vectors."""

import json
from pathlib import Path

from safetensors import safe_open
import torch
from torch import nn

from attinfo.models.classifier import Classifier
from attinfo.runtime.errors import InputError


def initialise(classifier: Classifier, path: str | Path) -> None:
    """Start the embeddings of those words from their vectors that have one.

    The others, and the unknown word, stay as they were drawn, and padding stays zero.

    Args:
        classifier: not yet trained.
        path: written by `attinfo.data.vectors.extract`, for the same data set.

    Raises:
        InputError: the vectors are of another size, or the encoder embeds by itself.
    """
    with safe_open(path, framework="pt") as file:
        token_id, matrix = file.get_tensor("token_id"), file.get_tensor("matrix")
        name = json.loads(file.metadata()["summary"])["file"]
    if not isinstance(classifier.embedding, nn.Embedding):
        raise InputError(
            "model.vectors: a pretrained encoder has no embeddings of words, expected null for it"
        )
    size = classifier.embedding.embedding_dim
    if matrix.shape[1] != size:
        raise InputError(
            f"model.embedding is {size}, expected {matrix.shape[1]}: the numbers of a vector "
            f"in model.vectors ({name})"
        )
    with torch.no_grad():
        classifier.embedding.weight[token_id] = matrix
