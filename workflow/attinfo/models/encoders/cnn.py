"""Convolutional encoder."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from attinfo.runtime.errors import InputError


class CNN(nn.Module):
    """Convolutions of several kernel sizes, then ReLU: each state has read a window of tokens.

    The channels are divided among the kernel sizes as evenly as possible.

    Args:
        inputs: number of features of an embedded token.
        width: number of features of a hidden state, d.
        kernel_sizes: sizes of the windows, in tokens.

    Raises:
        InputError: there is no kernel size, or there are more than `width`.
    """

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
        # Embeddings at padding are zero, like the zeros that `same` adds at the ends of a text.
        channels = embedded.transpose(1, 2)
        # Contiguous: torch computes the gradient of ReLU slowly on transposed states.
        states = torch.cat([c(channels) for c in self.convolutions], dim=1)
        return states.transpose(1, 2).contiguous().relu()

    def per_token(self, embedded: Tensor) -> Tensor:
        """[B, T, F] what each token adds to the states around it, by place in each window.

        (Training takes `forward`, whose gradients torch computes faster.)
        """
        weights = [c.weight.permute(1, 2, 0).flatten(1) for c in self.convolutions]
        return embedded @ torch.cat(weights, dim=1)

    def combined(self, values: Tensor, lengths: Tensor) -> Tensor:
        """[B, T, d] hidden states from what each token adds, [B, T, F]."""
        count, longest, _ = values.shape
        # Contiguous: torch computes the gradient of ReLU slowly on transposed states.
        states = torch.cat([c.bias for c in self.convolutions]).repeat(count, longest, 1)
        channel = place = 0
        for convolution in self.convolutions:
            channels, _, size = convolution.weight.shape
            own = states[..., channel : channel + channels]
            channel += channels
            for offset in range(size):
                shift = offset - (size - 1) // 2  # the state at t reads the token at t + shift
                start, end = max(0, -shift), min(longest, longest - shift)
                if start < end:
                    part = values[:, start + shift : end + shift, place : place + channels]
                    own[:, start:end] += part
                place += channels
        return states.relu()
