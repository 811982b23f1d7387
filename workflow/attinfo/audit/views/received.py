"""The attention that each subword receives."""

import torch
from torch import Tensor

from attinfo.audit.reading import Reading


def received(reading: Reading) -> Tensor:
    """[B, 1, P] columns of attention, mean over layers, heads and the rows of real subwords."""
    rows = reading.real / reading.real.sum(1, keepdim=True)
    layers = [torch.einsum("bq,bhqk->bk", rows, own) / own.shape[1] for own in reading.attention]
    return torch.stack(layers).mean(0)[:, None]
