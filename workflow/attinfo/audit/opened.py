"""A model and its texts, from what a job is given."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from attinfo.audit.attend import Attended, read_attended
from attinfo.audit.model import TransformerClassifier, read_model
from attinfo.audit.texts import AuditedTexts, audited_texts
from attinfo.config.sections.audit import Audit
from attinfo.runtime.devices import device_of


class Opened(NamedTuple):
    """A model, its texts and the section `audit` of the config."""

    model: TransformerClassifier
    texts: AuditedTexts
    audit: Audit


def opened(data: str | Path, folder: str | Path | None, options: Mapping[str, Any]) -> Opened:
    """Read a model and the texts of an audit.

    Args:
        data: folder of the prepared data set.
        folder: of the model, if a job of the workflow made it; else `options` name it.
        options: of the stage, see `StageOptions.audit`.

    Raises:
        InputError: the model cannot be audited, or its classes are not those of the data.
    """
    section = Audit.model_validate(options["audit"])
    place = options["place"]
    found = folder or options["model"]
    revision = None if folder else options["revision"]
    model = read_model(found, revision, place, section.batch)
    model.network.to(device_of(options["device"]))
    return Opened(model, audited_texts(data, model, options, section, place), section)


class Found(NamedTuple):
    """What earlier stages found about a model."""

    attended: Attended
    untrained: Attended
    measures: dict[str, np.ndarray]
    gains: dict[str, np.ndarray]


def found_by(given: Any) -> Found:
    """Read what earlier stages found, from the inputs of a job."""
    return Found(
        read_attended(given.views, given.states),
        read_attended(given.untrained, given.untrained_states),
        {Path(path).stem: pd.read_parquet(path)["value"].to_numpy() for path in given.measures},
        {str(name): own.to_numpy() for name, own in pd.read_parquet(given.gains).items()},
    )
