"""Generated stories and queries: which sentence answers a query, and its information, are known.

A story has a sentence for each entity: its name, a value and a few other words. The query names one
entity. With one supporting fact, the value in the sentence of this entity names the class. With two
supporting facts, each entity has two sentences, and the class is the sum of their values modulo the
number of classes; for two classes this is XOR. The label follows the rule with a given probability.
Otherwise it is one of the other classes, with equal probabilities. Names, values and the order of
the sentences are drawn independently.
"""

from typing import Literal

import numpy as np
import pandas as pd

from attinfo.data.sources.planted import information_in
from attinfo.option_types import Annotated, Count, Ge, Le, Probability
from attinfo.runtime.errors import InputError
from attinfo.runtime.seeds import seed_of

NAMES = 8  # entities that stories are about, of which each has some


def planted_pairs(
    *,
    facts: Annotated[int, Ge(1), Le(2)] = 1,
    entities: Annotated[int, Ge(2), Le(8)] = 3,
    probability: Probability = 0.9,
    classes: Annotated[int, Ge(2), Le(20)] = 2,
    order: Literal["name", "value"] = "name",
    fillers: Annotated[int, Ge(0)] = 2,
    texts: Count = 6000,
    seed: int = 1,
) -> pd.DataFrame:
    """Stories with a query each, whose supporting sentences and information are known.

    The values of the queried entity are equally frequent in all combinations, and the share of
    labels that follow the rule is exact, as in the source `planted`.

    Args:
        facts: supporting sentences of a query, and sentences of each entity.
        entities: in a story, of eight names.
        probability: that the label is the one the rule gives.
        classes: of the label, and values of a sentence.
        order: what begins a sentence, the name or the value.
        fillers: most other words that follow in a sentence; their number is drawn from 0.
        texts: how many.
        seed: of all that is drawn.

    Returns:
        One row per story: `text`, `query`, `label`, and `decisive`, the [start, end) characters of
        the values in the supporting sentences. `attrs["truth"]` holds the information, in nats, of
        the story and its query about the label (`text`), of one supporting value alone, given that
        it is known to be one (`alone`), and the number of supporting values (`decisive`). A story
        without its query, and a query without its story, have less; other values have none.

    Raises:
        InputError: too few texts for every combination of values to occur.
    """
    if texts < classes**facts:
        raise InputError(
            f"planted_pairs: texts is {texts}, expected {classes**facts} or more, one for each "
            "combination of values"
        )
    rng = np.random.default_rng(seed_of("planted pairs", seed))
    combination = rng.permutation(np.arange(texts) % classes**facts)
    supporting = combination[:, None] // classes ** np.arange(facts) % classes
    posterior = np.append(probability, np.full(classes - 1, (1 - probability) / (classes - 1)))
    shift = np.searchsorted(posterior.cumsum()[:-1], (np.arange(texts) + 0.5) / texts)
    label = (supporting.sum(1) + rng.permutation(shift)) % classes

    rows = []
    for own, gold in zip(supporting, label, strict=True):
        names = rng.permutation(NAMES)[:entities]
        queried = names[rng.integers(entities)]
        sentences = [
            (name, own[fact] if name == queried else rng.integers(classes), name == queried)
            for name in names
            for fact in range(facts)
        ]
        text, spans = "", []
        for place in rng.permutation(len(sentences)):
            name, value, supports = sentences[place]
            kind = "value" if facts == 1 else ("left", "right")[place % facts]
            pair = [f"name{name}", f"{kind}{value}"]
            words = pair if order == "name" else pair[::-1]
            words += [f"word{i}" for i in rng.integers(30, size=rng.integers(fillers + 1))]
            begin = len(text) + (len(words[0]) + 1 if order == "name" else 0)
            if supports:
                spans.append([begin, begin + len(pair[1])])
            text += " ".join(words) + " . "
        query = f"what of name{queried}"
        rows.append((text.strip(), query, f"class{gold}", spans))
    table = pd.DataFrame(rows, columns=["text", "query", "label", "decisive"])
    table.attrs["truth"] = {
        "text": information_in(posterior),
        "alone": information_in(posterior) if facts == 1 else 0.0,
        "decisive": facts,
    }
    return table
