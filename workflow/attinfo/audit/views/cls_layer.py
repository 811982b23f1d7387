"""The classifying token's row in each layer."""

import torch
from torch import Tensor

from attinfo.audit.reading import Reading


def cls_layer(reading: Reading) -> Tensor:
    """[B, L, P] rows of the classifying token, mean over the heads of each layer."""
    layers = range(len(reading.attention))
    return torch.stack([reading.row(layer).mean(1) for layer in layers], 1)
