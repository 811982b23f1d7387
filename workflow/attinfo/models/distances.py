"""Distances between the outputs, and between the attention weights, of two models."""

from torch import Tensor

SMALLEST = 1e-12  # smaller weights count as this, so that a weight of zero has a logarithm


def total_variation(logits: Tensor, others: Tensor) -> Tensor:
    """Total variation distance between the class probabilities of two models, 0 to 1.

    Of a single output, which is a number, its absolute difference.

    Args:
        logits: [..., C] logits of the first model.
        others: [..., C] logits of the second model.

    Returns:
        [...] half the sum of absolute differences of the probabilities.
    """
    if logits.shape[-1] == 1:
        return (logits - others).abs().squeeze(-1)
    return (logits.softmax(-1) - others.softmax(-1)).abs().sum(-1) / 2


def kullback_leibler(weights: Tensor, others: Tensor) -> Tensor:
    """Kullback-Leibler divergence KL(weights || others), in nats.

    Args:
        weights: [B, T] attention weights that sum to one. Values below 1e-12 count as 1e-12.
        others: [B, T] attention weights of the second model.

    Returns:
        [B] divergences.
    """
    logs = weights.clamp(min=SMALLEST).log() - others.clamp(min=SMALLEST).log()
    return (weights * logs).sum(-1)


def jensen_shannon(weights: Tensor, others: Tensor) -> Tensor:
    """Jensen-Shannon divergence of attention weights, in nats, 0 to log 2.

    Args:
        weights: [B, T] attention weights of the first model.
        others: [B, T] attention weights of the second model.

    Returns:
        [B] divergences.
    """
    middle = (weights + others) / 2
    return (kullback_leibler(weights, middle) + kullback_leibler(others, middle)) / 2
