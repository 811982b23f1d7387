"""Distances between the outputs, and between the attention weights, of two models."""

from torch import Tensor

LEAST = 1e-12  # weights below count as this, so that a weight of zero has a logarithm


def total_variation(logits: Tensor, others: Tensor) -> Tensor:
    """[...] total variation distance of the class probabilities of logits [..., C]."""
    return (logits.softmax(-1) - others.softmax(-1)).abs().sum(-1) / 2


def kullback_leibler(weights: Tensor, others: Tensor) -> Tensor:
    """[B] KL(weights || others) of weights [B, T], in nats; weights below 1e-12 count as that."""
    logs = weights.clamp(min=LEAST).log() - others.clamp(min=LEAST).log()
    return (weights * logs).sum(-1)


def jensen_shannon(weights: Tensor, others: Tensor) -> Tensor:
    """[B] Jensen-Shannon divergence of weights [B, T] and others, in nats: 0 to log 2."""
    middle = (weights + others) / 2
    return (kullback_leibler(weights, middle) + kullback_leibler(others, middle)) / 2
