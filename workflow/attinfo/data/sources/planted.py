"""Generated texts of known information: which words decide the label, and their information.

A text has distractor words, which are independent of the label, and one or two keywords, which
decide the label. Each keyword has as many variants as there are classes. With the rule `keyword`,
the variant names the class. With the rule `xor`, the class is the sum of two variants modulo the
number of classes; for two classes this is XOR. The label follows the rule with a given probability.
Otherwise it is one of the other classes, with equal probabilities.
"""

from typing import Literal

import numpy as np
import pandas as pd

from attinfo.option_types import Annotated, Count, Ge, Le, Probability
from attinfo.runtime.errors import InputError
from attinfo.runtime.seeds import seed_of

KEYWORDS = {"keyword": ("key",), "xor": ("left", "right")}
MOST = 4  # occurrences of a rare word in all texts; each number up to it is as common


def planted(
    *,
    rule: Literal["keyword", "xor"] = "keyword",
    probability: Probability = 0.9,
    classes: Annotated[int, Ge(2), Le(20)] = 2,
    position: Literal["any", "start", "middle", "end"] = "any",
    texts: Count = 6000,
    shortest: Count = 5,
    longest: Count = 12,
    frequent: Count = 30,
    rare: Annotated[int, Ge(0)] = 600,
    seed: int = 1,
) -> pd.DataFrame:
    """Generated texts with one or two decisive words, whose information is known in closed form.

    The variants of a keyword are equally frequent, and the share of labels that follow the rule
    is exact: the information counted in all texts differs from the closed form by terms of 1 / n
    alone.

    Args:
        rule: one keyword decides, or two of which neither alone has information.
        probability: that the label is the one the rule gives.
        classes: of the label, and variants of a keyword.
        position: of the keywords: anywhere, apart from each other or not; or the first, the
            middle or the last words of each text.
        texts: how many.
        shortest, longest: numbers of words, all between equally frequent.
        frequent: distractors whose frequencies fall as 1 / rank (Zipf).
        rare: distractors that occur one to four times in all texts.
        seed: of all that is drawn.

    Returns:
        One row per text: `text`, `label`, and `decisive`, the [start, end) characters of its
        keywords in their order. `attrs["truth"]` holds the information, in nats, of the whole
        text about the label (`text`) and of one keyword alone (`alone`), and the number of
        keywords in a text (`decisive`).

    Raises:
        InputError: texts too short for the keywords, or too few for the rare words.
    """
    keywords = KEYWORDS[rule]
    if not len(keywords) <= shortest <= longest:
        raise InputError(
            f"planted: shortest is {shortest} and longest {longest}, expected "
            f"{len(keywords)} <= shortest <= longest by the rule '{rule}'"
        )
    rng = np.random.default_rng(seed_of("planted", seed))
    variants = _variants(texts, classes, len(keywords), rng)
    posterior = np.append(probability, np.full(classes - 1, (1 - probability) / (classes - 1)))
    # Quantiles of the posterior in place of draws from it: its shares come out exactly.
    shift = np.searchsorted(posterior.cumsum()[:-1], (np.arange(texts) + 0.5) / texts)
    label = (variants.sum(1) + rng.permutation(shift)) % classes

    length = rng.integers(shortest, longest + 1, texts)
    ends = length.cumsum()
    decisive = _places(length, len(keywords), position, rng)
    names = np.char.add(keywords, variants.astype(str))
    words = np.empty(ends[-1], dtype=object)
    words[decisive] = rng.permuted(names, axis=1).ravel()
    words[~decisive] = _distractors((~decisive).sum(), frequent, rare, rng)

    table = pd.DataFrame(
        {
            "text": [" ".join(own) for own in np.split(words, ends[:-1])],
            "label": [f"class{c}" for c in label],
            "decisive": [
                _spans(own, np.flatnonzero(mask))
                for own, mask in zip(
                    np.split(words, ends[:-1]), np.split(decisive, ends[:-1]), strict=True
                )
            ],
        }
    )
    table.attrs["truth"] = {
        "text": information_in(posterior),
        "alone": information_in(posterior) if len(keywords) == 1 else 0.0,
        "decisive": len(keywords),
    }
    return table


def information_in(posterior: np.ndarray) -> float:
    """log C - H(label | text) in nats, for labels that are equally frequent.

    Args:
        posterior: [C] p(label | text), the same for every text but for the order of the classes.
    """
    likely = posterior[posterior > 0]
    return float(np.log(len(posterior)) + (likely * np.log(likely)).sum())


def _variants(texts: int, classes: int, keywords: int, rng: np.random.Generator) -> np.ndarray:
    """[texts, keywords] a variant of each keyword, all combinations equally frequent."""
    combination = rng.permutation(np.arange(texts) % classes**keywords)
    return combination[:, None] // classes ** np.arange(keywords) % classes


def _places(
    length: np.ndarray, keywords: int, position: str, rng: np.random.Generator
) -> np.ndarray:
    """[words] whether each word of all texts is a keyword; as many in every text."""
    begin = length.cumsum() - length
    text = np.repeat(np.arange(len(length)), length)
    place = np.arange(length.sum()) - begin[text]
    if position == "any":
        distance = rng.random(len(place))
    else:
        share = {"start": 0.0, "middle": 0.5, "end": 1.0}[position]
        distance = np.abs(place - (share * (length - 1))[text])
    nearest = np.lexsort((distance, text))[begin[:, None] + np.arange(keywords)]
    decisive = np.zeros(len(place), dtype=bool)
    decisive[nearest] = True
    return decisive


def _distractors(count: int, frequent: int, rare: int, rng: np.random.Generator) -> np.ndarray:
    """[count] words, independent of everything else."""
    weight = 1 / np.arange(1, frequent + 1)
    words = np.array([f"word{i}" for i in range(frequent)], dtype=object)
    drawn = rng.choice(words, count, p=weight / weight.sum())
    seldom = np.array([f"rare{i}" for i in range(rare)], dtype=object)
    seldom = np.repeat(seldom, 1 + np.arange(rare) % MOST)
    if len(seldom) > count:
        raise InputError(
            f"planted: rare is {rare}, which takes {len(seldom)} places of {count} that the "
            "keywords leave, expected fewer rare words or more texts"
        )
    drawn[rng.choice(count, len(seldom), replace=False)] = seldom
    return drawn


def _spans(words: np.ndarray, chosen: np.ndarray) -> list[list[int]]:
    """[start, end) of the chosen words in the text that the words make, a space between them."""
    ends = np.cumsum([len(word) + 1 for word in words]) - 1
    return [[int(ends[i]) - len(words[i]), int(ends[i])] for i in chosen]
