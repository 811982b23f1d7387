"""The last state of a text, which scorers may use as a query."""

import torch
from torch import Tensor


def last_state(hidden: Tensor, lengths: Tensor) -> Tensor:
    """The state of the last token of each text.

    Args:
        hidden: [B, T, d] hidden states.
        lengths: [B] number of tokens of each text.

    Returns:
        [B, d] states.
    """
    return hidden[torch.arange(len(hidden), device=hidden.device), lengths - 1]
