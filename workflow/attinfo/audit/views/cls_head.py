"""The classifying token's row in each head."""

import torch
from torch import Tensor

from attinfo.audit.reading import Reading


def cls_head(reading: Reading) -> Tensor:
    """[B, L H, P] rows of the classifying token, head by head within each layer."""
    layers = range(len(reading.attention))
    return torch.cat([reading.row(layer) for layer in layers], 1)
