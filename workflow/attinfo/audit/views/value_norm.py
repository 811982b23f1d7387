"""Norms of attention-weighted value vectors."""

import torch
from torch import Tensor

from attinfo.audit.reading import Reading


def value_norm(reading: Reading) -> Tensor:
    """[B, L, P] the norm of the vector that each subword adds to the classifying token in a layer.

    The vector is the sum over heads of a f(x): a is the attention, and f projects the value vector
    of the subword by the head's part of the output map, without the bias.

    Reference: Kobayashi et al. 2020, "Attention is not only a weight", section 2.
    """
    if reading.values is None or reading.outputs is None:
        raise ValueError("reading.values is None, expected value vectors")
    found = []
    both = zip(reading.values, reading.outputs, strict=True)
    for layer, (values, output) in enumerate(both):
        weighted = reading.row(layer)[..., None] * values  # [B, H, P, size]
        joined = weighted.transpose(1, 2).flatten(2)
        bias = output(torch.zeros_like(joined[:1, :1]))
        found.append((output(joined) - bias).norm(dim=-1))
    return torch.stack(found, 1)
