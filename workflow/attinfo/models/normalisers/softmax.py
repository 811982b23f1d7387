"""Softmax at a temperature."""

from torch import Tensor

from attinfo.models.noise import Noise


def softmax(scores: Tensor, temperature: float, noise: Noise | None) -> Tensor:
    """Softmax of score / temperature; the temperature is 1 unless set (`softmax@0.5`)."""
    return (scores / temperature).softmax(-1)
