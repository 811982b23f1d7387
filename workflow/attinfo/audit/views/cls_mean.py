"""The classifying token's row, mean over layers and heads."""

from torch import Tensor

from attinfo.audit.reading import Reading
from attinfo.audit.views.cls_layer import cls_layer


def cls_mean(reading: Reading) -> Tensor:
    """[B, 1, P] the row of the classifying token, mean over all layers and heads."""
    return cls_layer(reading).mean(1, keepdim=True)
