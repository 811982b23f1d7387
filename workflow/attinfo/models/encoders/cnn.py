"""Convolutional encoder."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from attinfo.runtime.errors import InputError


class CNN(nn.Module):
    """Convolutions of several kernel sizes, same length, ReLU: each state has read a window."""

    def __init__(self, inputs: int, width: int, *, kernel_sizes: Sequence[int] = (1, 3, 5, 7)):
        super().__init__()
        if not 1 <= len(kernel_sizes) <= width:
            raise InputError(
                f"encoders.cnn.kernel_sizes: found {len(kernel_sizes)} sizes, "
                f"expected 1 to {width}, as the width is {width}"
            )
        share, rest = divmod(width, len(kernel_sizes))
        self.convolutions = nn.ModuleList(
            nn.Conv1d(inputs, share + (i < rest), size, padding="same")
            for i, size in enumerate(kernel_sizes)
        )

    def forward(self, embedded: Tensor, lengths: Tensor) -> Tensor:  # noqa: D102
        # Embeddings at padding are zero, as beyond the edge of a text without padding.
        channels = embedded.transpose(1, 2)
        return torch.cat([c(channels) for c in self.convolutions], dim=1).transpose(1, 2).relu()
