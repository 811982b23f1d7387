"""Reading the model, the texts and the earlier results of a job of the workflow."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from attinfo.audit.attend import Attended, read_attended
from attinfo.audit.checks import check_options
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
        folder: folder of the model, if a job of the workflow made it; None if `options` name it.
        options: options of the stage, see `StageOptions.audit`.

    Raises:
        InputError: the model cannot be audited with these options, or its classes are not those of
            the data.
    """
    section = Audit.model_validate(options["audit"])
    place = options["place"]
    found = folder or options["model"]
    revision = None if folder else options["revision"]
    model = read_model(found, revision, place, section.batch)
    check_options(model, section)
    model.network.to(device_of(options["device"]))
    return Opened(model, audited_texts(data, model, options, section, place), section)


class Found(NamedTuple):
    """Results of earlier stages.

    `attended`: of the model; `untrained`: column -> [words] weights of an untrained model;
    `measures`: name -> [words] importance; `gains`: "gain.<layer>" -> [words] information.
    """

    attended: Attended
    untrained: dict[str, np.ndarray]
    measures: dict[str, np.ndarray]
    gains: dict[str, np.ndarray]


def found_by(given: Any) -> Found:
    """Read the results of earlier stages.

    Args:
        given: named inputs of a job: the paths `views`, `states`, `untrained` and `gains`, and the
            list `measures`.
    """
    return Found(
        read_attended(given.views, given.states),
        _columns(given.untrained),
        {Path(path).stem: pd.read_parquet(path)["value"].to_numpy() for path in given.measures},
        _columns(given.gains),
    )


def _columns(path: str | Path) -> dict[str, np.ndarray]:
    return {str(name): own.to_numpy() for name, own in pd.read_parquet(path).items()}
