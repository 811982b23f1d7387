"""The query of a scorer that has one for each text."""

import torch
from torch import Tensor


def last_state(hidden: Tensor, lengths: Tensor) -> Tensor:
    """[B, d] the state of the last real token of each text, of states [B, T, d]."""
    return hidden[torch.arange(len(hidden), device=hidden.device), lengths - 1]
