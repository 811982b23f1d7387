"""The trained models of a cell, and the texts in the form that their encoder reads."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from attinfo.blocks.variant import Variant
from attinfo.data.texts import Texts, read_summary, read_texts
from attinfo.models.architecture import Architecture
from attinfo.models.classifier import Classifier, load_each
from attinfo.runtime.devices import device_of
from attinfo.runtime.loading import Chosen


def read_inputs(
    data: str | Path,
    split: str,
    encoder: Chosen,
    features_folder: str | Path | None = None,
) -> Texts:
    """Read one split of a prepared data set, with everything that an encoder reads.

    An encoder that reads more than token ids has a static method `read`, which is called here.

    Args:
        data: folder of the data set.
        split: `train`, `dev` or `test`.
        encoder: the encoder and its options.
        features_folder: a folder from `features.write_features`, if the encoder is a frozen
            pretrained one.
    """
    read = getattr(encoder.load(), "read", None)
    if read is None:
        return read_texts(data, split)
    texts: Texts = read(data, split, features_folder, **encoder.options)
    return texts


def texts_and_models(
    data: str | Path,
    weights: Sequence[str | Path],
    teachers: Sequence[str | Path],
    features: Sequence[str | Path],
    options: Mapping[str, Any],
) -> tuple[Texts, Iterator[Classifier]]:
    """Read the test texts, and the trained models of some seeds of a cell, one at a time.

    Args:
        data: folder of the prepared data set.
        weights: the safetensors file of each seed.
        teachers: the file of the trained model of each seed; empty if the variant needs none.
        features: the folder of features of a frozen pretrained encoder; empty for others.
        options: `model`, `variant` and `device` as plain values.

    Raises:
        InputError: `device` is `cuda` and there is no GPU.
    """
    architecture = Architecture.of(options["model"])
    texts = read_inputs(data, "test", architecture.encoder, next(iter(features), None))
    summary, variant = read_summary(data), Variant.of(options["variant"])
    sizes = summary["vocabulary"], len(summary["classes"])
    device = device_of(options["device"])
    return texts, load_each(weights, teachers, architecture, variant, sizes, device)
