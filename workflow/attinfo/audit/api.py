"""An audit in one call, for notebooks."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pandas as pd
from pydantic import ValidationError

from attinfo.audit import stages
from attinfo.audit.answer import rows_of
from attinfo.audit.attend import attend
from attinfo.audit.checks import check_options, check_predictions, check_states
from attinfo.audit.model import read_model, untrained
from attinfo.audit.pairs import First
from attinfo.audit.texts import given_texts
from attinfo.audit.words import in_words
from attinfo.blocks.catalogue import block_of
from attinfo.config.messages import sentence
from attinfo.config.sections.audit import Audit
from attinfo.config.sections.faithfulness import Faithfulness
from attinfo.config.sections.statistics import Statistics
from attinfo.runtime.devices import Setting, device_of
from attinfo.runtime.errors import InputError
from attinfo.runtime.loading import Chosen


class Audited(NamedTuple):
    """The tables of an audit, and the answer.

    `answer`: sentences; `answers`: a row for each view and rule; `agreement`: tau-b of views and
    controls with each measure; `columns`: tau-b of every layer and head with each measure;
    `measures`: tau-b of every two measures; `removal`: the fall of the probability when top words
    are removed; `information`: nats in each layer; `texts`: a row for each text.
    """

    answer: str
    answers: pd.DataFrame
    agreement: pd.DataFrame
    columns: pd.DataFrame
    measures: pd.DataFrame
    removal: pd.DataFrame
    information: pd.DataFrame
    texts: pd.DataFrame

    def __str__(self) -> str:
        return self.answer


def audit(
    model: str | Path,
    texts: Sequence[str],
    labels: Sequence[object],
    *,
    queries: Sequence[str] | None = None,
    first: First | None = None,
    revision: str | None = None,
    faithfulness: Faithfulness | None = None,
    statistics: Statistics | None = None,
    permutations: int = 20,
    device: Setting = "auto",
    settings: Mapping[str, Any] = MappingProxyType({}),
) -> Audited:
    """Ask whether the attention of a text classifier explains it.

    Args:
        model: folder of a sequence classifier in the layout of the Hugging Face hub, or its name
            on the hub.
        texts: texts that it classifies.
        labels: the class of each text, by the model's names (`config.id2label`) or numbers.
        queries: a second text for each text, for a model that reads two. Words of `texts` are
            ranked; queries stay as they are.
        first: "text" or "query", which of the two the model reads first; None for the text.
        revision: commit that pins a model on the hub; None for a folder.
        faithfulness, statistics: sections of a config; None for their defaults.
        permutations: number of permutations of the predictions, for the null of information.
        device: "cpu", "cuda", or "auto" for a GPU if there is one.
        settings: keys of the section `audit` of a config.

    Returns:
        The answer and its tables.

    Raises:
        InputError: the model cannot be audited, or texts, labels and queries do not fit;
            one line says why.
    """
    try:
        section = Audit.model_validate(dict(settings))
    except ValidationError as error:
        why = sentence(error.errors()[0]).removeprefix("config: ")
        raise InputError(f"settings: {why}") from None
    own_statistics, own_removal = statistics or Statistics(), faithfulness or Faithfulness()
    read = read_model(model, revision, "model", section.batch)
    check_options(read, section)
    read.network.to(device_of(device))
    asked = None if queries is None else list(queries)
    chosen = given_texts(list(texts), list(labels), read, section, asked, first)
    views = blocks("attention view", section.views, section)
    attended = attend(read, chosen.encoded, views, chosen.drawn, section.state_words)
    check_predictions(attended, read.classes)
    check_states(attended, chosen.sources, read.classes)
    table = stages.text_table(chosen, attended, read.classes)
    random = attend(
        untrained(read, section.seed),
        chosen.encoded,
        views,
        chosen.drawn,
        label="untrained model",
        drawn_only=True,
    )
    measures = {
        one.name: stages.measure(read, chosen, one)[0]
        for one in blocks("audit measure", section.measures, section)
    }
    layers, gains = stages.information(read, chosen, attended, permutations, section.seed)
    agreed = stages.agree(chosen, attended, random.views, measures, gains, section, own_statistics)
    removal, _ = stages.remove(read, chosen, agreed, {}, section, own_removal)
    found = stages.answered(chosen, agreed, removal, section, own_statistics)
    return Audited(
        in_words(found[0], section.references, own_statistics.level),
        pd.DataFrame(rows_of(found)),
        agreed.table,
        agreed.columns,
        agreed.measures,
        stages.removal_table(removal, own_statistics),
        layers,
        table,
    )


def blocks(kind: str, names: Sequence[str], section: Audit) -> list[Chosen]:
    """Return registered blocks of a kind with all their options."""
    found = []
    for name in names:
        block = block_of(kind, name)
        options = block.complete(kind, section.options.get(name, {}))
        found.append(Chosen(name, block.path, options))
    return found
