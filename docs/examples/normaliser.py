"""A normaliser: weights proportional to the softplus of the scores."""

import torch
from torch import Tensor

from attinfo.models.noise import Noise


def softplus(scores: Tensor, temperature: float, noise: Noise | None) -> Tensor:
    """Weights proportional to log(1 + exp(score / temperature)).

    They grow linearly with large scores, so they are more even than those of a softmax.

    Args:
        scores: [B, T], -inf at padding.
        temperature: divides the scores.
        noise: of a stochastic normaliser; not used here.

    Returns:
        [B, T] weights, 0 at padding, that sum to one in each text.
    """
    weights = torch.nn.functional.softplus(scores / temperature)
    return weights / weights.sum(-1, keepdim=True)


if __name__ == "__main__":
    scores = torch.tensor([[3.0, 1.0, -2.0, -torch.inf]])  # the last token is padding
    print(softplus(scores, temperature=1.0, noise=None))
