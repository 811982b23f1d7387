"""Specification curves: the effect of a conclusion under every defensible choice of analysis.

A conclusion declares the ways to measure its effect (`Conclusion.specifications`). Each of them is
combined with the choices that every study leaves open: the runs that count, the models that are
compared, the data set, and the version of a block where the study has several. All effects are
computed from the tables of texts; no model is trained again. To print the declared choices:

    python -m attinfo.claims.specifications

Reference: Simonsohn, Simmons & Nelson 2020, "Specification curve analysis", Nature Human Behaviour.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from attinfo.claims.conclusions import CONCLUSIONS
from attinfo.claims.contrast import Conclusion, Contrast, Control, Specification
from attinfo.claims.effects import Comparison, Effects
from attinfo.claims.sampled import Draws
from attinfo.keys import ALL
from attinfo.labels import label_of
from attinfo.statistics.intervals import interval, mean_of

RESAMPLES = 400  # of the texts; an interval that is counted, not shown, needs no more
EVERY = "all"
RUNS: dict[str, Control | None] = {
    EVERY: None,
    "trained enough": "enough",
    "equal accuracy": "adjusted",
}
STRATA = {"encoder": "encoder", "attention": "scorer", "normaliser": "normaliser"}
NUMBERS = ["n", "estimate", "ci_low", "ci_high", "p"]


class Versions(NamedTuple):
    """A registered block of which a study has several versions, that of its own name first."""

    kind: str
    block: str
    names: tuple[str, ...]

    @property
    def axis(self) -> str:
        """The name of the choice between them."""
        return f"version of {label_of(self.block)}"


def versions_of(names: Mapping[str, Mapping[str, str]]) -> list[Versions]:
    """The blocks of which a study has several versions, the registered one among them.

    Args:
        names: kind of block -> name in the config -> name of the registered block.
    """
    found = []
    for kind, blocks in names.items():
        for block in dict.fromkeys(blocks.values()):
            own = [name for name, of in blocks.items() if of == block and name != block]
            if own and block in blocks:
                found.append(Versions(kind, block, (block, *own)))
    return found


def first_versions(runs: pd.DataFrame, versions: Sequence[Versions]) -> np.ndarray:
    """[runs] whether a run has no further version of a block, so that contrasts are about it."""
    kept = np.ones(len(runs), bool)
    for own in versions:
        kept &= ~runs[own.kind].isin(own.names[1:]).to_numpy()
    return kept


@dataclass
class Curves:
    """The effects of all specifications of a study, collected data set by data set.

    Attributes:
        versions: of `versions_of`.
        effects: specification -> data set -> its effects.
    """

    versions: Sequence[Versions] = ()
    effects: dict[tuple[str, Specification], dict[str, Effects]] = field(default_factory=dict)

    def add(self, dataset: str, runs: pd.DataFrame, draws: Draws) -> None:
        """Compute the effects on a data set.

        Args:
            dataset: its name.
            runs, draws: of `effects.Sampled`.
        """
        few = {name: values[: 1 + RESAMPLES] for name, values in draws.items()}
        for choices, places, own in self._of_versions(runs):
            chosen = Comparison(own, {name: values[:, places] for name, values in few.items()})
            for name, conclusion in CONCLUSIONS.items():
                for one in combined(conclusion, own):
                    found = chosen.effects(one.contrast)
                    if found.values.shape[1]:
                        key = name, replace(one, choices=(*one.choices, *choices))
                        self.effects.setdefault(key, {})[dataset] = found

    def _of_versions(
        self, runs: pd.DataFrame
    ) -> Iterator[tuple[tuple[tuple[str, str], ...], np.ndarray, pd.DataFrame]]:
        """The runs under each choice of one version: the choice, their places, the runs.

        A version other than the first stands under the name of the registered block, so that
        contrasts find it. Versions of two blocks are not combined.
        """
        first = first_versions(runs, self.versions)
        yield (), np.flatnonzero(first), runs[first].reset_index(drop=True)
        for own in self.versions:
            others = [other for other in self.versions if other is not own]
            for name in own.names[1:]:
                named = runs.assign(**{own.kind: runs[own.kind].where(runs[own.kind] != name, "")})
                kept = first_versions(runs, others) & ~named[own.kind].isin(own.names).to_numpy()
                chosen = named[kept].replace({own.kind: {"": own.block}})
                yield ((own.axis, name),), np.flatnonzero(kept), chosen.reset_index(drop=True)

    def table(self, level: float, seed: int) -> pd.DataFrame:
        """Make `specifications.csv`: one row for each specification that has runs.

        Args:
            level: of intervals.
            seed: of the draws of seeds.

        Returns:
            `claim`; a column for each axis, empty where a conclusion does not have it; `NUMBERS`;
            `same_sign`, whether the effect has the sign of the primary contrast; `called`, whether
            p is below 1 - level.
        """
        rows = []
        for (name, one), found in self.effects.items():
            each = {dataset: {dataset: own} for dataset, own in found.items()}
            several = {ALL: found} | (each if len(found) > 1 else {})
            for dataset, effects in several.items():
                values = [own.values for own in effects.values()]
                seeds = sum(own.shape[1] for own in values)
                mean = mean_of(values, seed, seeds)
                numbers = interval(mean.draws, level)
                p = numbers.p if mean.df else np.nan
                row: dict[str, Any] = {"claim": CONCLUSIONS[name].numeral, **dict(one.choices)}
                row |= {"data set": label_of(dataset) if dataset != ALL else EVERY}
                row |= dict(zip(NUMBERS, (seeds, *numbers[:3], p), strict=True))
                rows.append(row)
        return _compared(pd.DataFrame(rows), [v.axis for v in self.versions], level)


def combined(conclusion: Conclusion, runs: pd.DataFrame) -> Iterator[Specification]:
    """Combine the declared specifications of a conclusion with the runs and models that count."""
    blocks = {kind: list(dict.fromkeys(runs[kind])) for kind in STRATA}
    for declared in conclusion.specifications:
        for chosen, control in RUNS.items():
            if control == "adjusted" and len(declared.contrast.sides) != 2:
                continue
            one = replace(declared.contrast, control=control, primary=False)
            yield _with(declared, one, ("runs", chosen), ("models", EVERY))
            for kind, label in STRATA.items():
                # One block of a kind is a choice only where several are pooled.
                if len(blocks[kind]) > 1 and kind in _pooled(declared.contrast):
                    for name in blocks[kind]:
                        of = one.of(f"{kind} == '{name}'")
                        models = "models", f"{label} {label_of(name)}"
                        yield _with(declared, of, ("runs", chosen), models)


def _pooled(contrast: Contrast) -> set[str]:
    """The kinds of blocks over which a contrast is averaged: its strata, or all of its runs."""
    return set(contrast.within) if contrast.within else set(STRATA)


def _with(declared: Specification, contrast: Contrast, *more: tuple[str, str]) -> Specification:
    return Specification((*declared.choices, *more), contrast)


def _compared(table: pd.DataFrame, versions: Sequence[str], level: float) -> pd.DataFrame:
    """Add the comparison with the primary specification, which is the first of each conclusion."""
    if table.empty:
        return pd.DataFrame(columns=["claim", *NUMBERS, "same_sign", "called"])
    axes = [name for name in table if name not in ("claim", *NUMBERS)]
    # A choice that leaves the same runs, such as all runs that were trained enough where all were,
    # is no further specification.
    measured = [name for name in axes if name not in ("runs", "models", *versions)]
    table = table.drop_duplicates(["claim", *measured, *NUMBERS], ignore_index=True)
    for axis in versions:
        if axis in table:
            table[axis] = table[axis].fillna("as registered")
    primary = np.sign(table.groupby("claim")["estimate"].transform("first"))
    return table[["claim", *axes, *NUMBERS]].assign(
        same_sign=np.sign(table["estimate"]) == primary, called=table["p"] < 1 - level
    )


def with_robustness(claims: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """Add `robust` and `hangs_on` to the primary rows of `claims.csv`, over all data sets.

    `robust`: the share of specifications in which the effect has the sign of the primary contrast.
    `hangs_on`: the choice under which it turns most often, as "axis: choice"; empty if it never
    does, or the conclusion has no runs.
    """
    claims = claims.assign(robust=np.nan, hangs_on="")
    primary = (claims["role"] == "primary") & (claims["dataset"] == ALL) & (claims["n"] > 0)
    for place in claims.index[primary]:
        found = robustness(curves[curves["claim"] == claims.at[place, "claim"]])
        if found is not None:
            claims.loc[place, "robust"] = found.same
            claims.loc[place, "hangs_on"] = f"{found.axis}: {found.choice}" if found.axis else ""
    return claims


class Robustness(NamedTuple):
    """How far the sign of an effect depends on choices.

    `specifications`: how many; `same`: share of them with the sign of the primary one; `called`,
    `opposite`: shares that are significant, with that sign and with the other; `axis`, `choice`:
    the choice under which the sign turns most often, "" if it never does; `turned`, `of`: the
    specifications with that choice in which it turns, and all with that choice.
    """

    specifications: int
    same: float
    called: float
    opposite: float
    axis: str
    choice: str
    turned: int
    of: int


def robustness(table: pd.DataFrame) -> Robustness | None:
    """Summarise the specification curve of one conclusion; None if it has no rows.

    Args:
        table: of `Curves.table`, the rows of one conclusion.
    """
    if table.empty:
        return None
    same, called = table["same_sign"], table["called"]
    axis, choice, turned, of = "", "", 0, 0
    share = 0.0
    for name in axes_of(table):
        for value, own in same.groupby(table[name], sort=False):
            if table[name].nunique() > 1 and (~own).mean() > share:
                share = float((~own).mean())
                axis, choice, turned, of = name, str(value), int((~own).sum()), len(own)
    return Robustness(
        len(table),
        float(same.mean()),
        float((same & called).mean()),
        float((~same & called).mean()),
        axis,
        choice,
        turned,
        of,
    )


def axes_of(table: pd.DataFrame) -> list[str]:
    """The axes of the curve of a conclusion: columns of choices that are not empty."""
    fixed = {"claim", *NUMBERS, "same_sign", "called"}
    return [name for name in table if name not in fixed and table[name].notna().any()]


def declared() -> str:
    """The declared choices as a Markdown table, before there are any results."""
    lines = ["| claim | axis | choices |", "|---|---|---|"]
    for own in CONCLUSIONS.values():
        axes: dict[str, list[str]] = {}
        for one in own.specifications:
            for axis, choice in one.choices:
                axes.setdefault(axis, [])
                if choice not in axes[axis]:
                    axes[axis].append(choice)
        lines += [f"| ({own.numeral}) | {axis} | {', '.join(c)} |" for axis, c in axes.items()]
    everywhere = {
        "runs": ", ".join(RUNS),
        "models": f"{EVERY}, those of each encoder, scorer and normaliser",
        "data set": "all, each",
        "version of a block": "each version that the study has beside the registered one",
    }
    lines += [f"| every | {axis} | {choices} |" for axis, choices in everywhere.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    print(declared())
