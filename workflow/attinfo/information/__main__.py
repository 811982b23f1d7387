"""From the shell: `python -m attinfo.information states.safetensors`, or two `.npy` files."""

from argparse import ArgumentDefaultsHelpFormatter, ArgumentParser
from collections.abc import Iterator
from pathlib import Path
import sys
from typing import Any

import numpy as np
import pandas as pd
from safetensors import SafetensorError, safe_open

from attinfo.blocks.catalogue import KINDS, with_defaults
from attinfo.information.api import estimate
from attinfo.information.flags import FLAGS
from attinfo.information.summary import Estimate, measured, summary
from attinfo.information.units import sample_of, units_of
from attinfo.runtime.atomic import whole
from attinfo.runtime.errors import InputError
from attinfo.states.store import States, read_states

COLUMNS = ("mi_nats", "ci_low", "ci_high", "floor_mean", "floor_upper", "h_output")


def arguments() -> ArgumentParser:
    """What the command takes."""
    parser = ArgumentParser(
        prog="python -m attinfo.information",
        description="Mutual information between hidden states and a model's output, in nats.",
        formatter_class=ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="a states.safetensors of a study; a .safetensors with the tensors 'hidden' and "
        "'output'; or two .npy files, the states and the outputs",
    )
    parser.add_argument(
        "--estimator",
        nargs="+",
        default=["stack"],
        metavar="NAME",
        help=f"of classes: {', '.join(KINDS['estimator'])}; "
        f"of floats: {', '.join(KINDS['continuous estimator'])}",
    )
    parser.add_argument("--permutations", type=int, default=100, help="for the floor")
    parser.add_argument("--seed", type=int, default=0, help="of folds and permutations")
    study = parser.add_argument_group("of a study's states.safetensors")
    study.add_argument("--output", choices=["predicted", "label"], default="predicted")
    study.add_argument("--positions", type=int, default=10)
    study.add_argument("--ranks", type=int, default=10)
    study.add_argument("--min-texts", type=int, default=200, help="units with fewer are left out")
    parser.add_argument("--csv", metavar="FILE", help="write the table there, too")
    return parser


def estimates(options: Any) -> Iterator[tuple[str, str, Estimate]]:
    """(unit, estimator, estimate) of everything asked for."""
    if options.permutations < 0:
        raise InputError(f"--permutations is {options.permutations}, expected 0 or more")
    first, *more = options.files
    arrays = _arrays(first, more)
    if isinstance(arrays, States):
        settings = {k: with_defaults("estimator", k, {}) for k in options.estimator}
        for unit in units_of(arrays, options.positions, options.ranks, options.min_texts):
            sample = sample_of(arrays, unit, vars(options))
            for name, own in settings.items():
                label = unit.index if unit.index == "instance" else f"{unit.index} {unit.unit + 1}"
                yield label, name, summary(measured(name, sample, own), sample, own)
        return
    for name in options.estimator:
        given = {"seed": options.seed, "permutations": options.permutations}
        yield "all", name, estimate(*arrays, name, **given)


def _arrays(first: str, more: list[str]) -> States | tuple[Any, Any]:
    """The store of a run, or states and outputs."""
    for file in (first, *more):
        if not Path(file).is_file():
            raise InputError(f"{file}: expected a file")
    try:
        if not more and first.endswith(".safetensors"):
            with safe_open(first, framework="pt") as store:
                names = set(store.keys())
                if {"hidden", "offsets"} <= names:
                    return read_states(first, hidden=True)
                if {"hidden", "output"} <= names:
                    return store.get_tensor("hidden"), store.get_tensor("output")
            raise InputError(
                f"{first}: has the tensors {', '.join(sorted(names)) or '(none)'}, "
                "expected 'hidden' and 'output'"
            )
        if len(more) == 1 and first.endswith(".npy") and more[0].endswith(".npy"):
            return np.load(first), np.load(more[0])
    except (SafetensorError, ValueError, OSError, EOFError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{first}: cannot be read: {error}") from None
    raise InputError(
        f"found {' '.join([first, *more])}, expected one .safetensors file or two .npy files"
    )


def table(found: Iterator[tuple[str, str, Estimate]]) -> pd.DataFrame:
    """A row an estimate. Where the output is a function of the state there is no number."""
    rows = []
    for unit, name, told in found:
        row = {"unit": unit, "estimator": name, "n": len(told.pvi)}
        row |= {column: getattr(told, column) for column in COLUMNS}
        if "deterministic_output" in told.flags:
            row |= {"mi_nats": told.h_output or float("inf"), "ci_low": None, "ci_high": None}
        rows.append(row | {"flags": " ".join(told.flags)})
    return pd.DataFrame(rows).astype(dict.fromkeys(COLUMNS, float))


def main(argv: list[str] | None = None) -> None:
    """Print the table, and what its flags mean."""
    options = arguments().parse_args(argv)
    try:
        found = table(estimates(options))
    except ValueError as error:
        sys.exit(f"error: {error}")
    print(found.to_string(index=False, float_format=lambda value: f"{value:.4f}", na_rep="-"))
    raised = {flag for flags in found["flags"] for flag in flags.split()}
    for flag in FLAGS:
        if flag in raised:
            print(f"{flag}: {FLAGS[flag]}")
    if options.csv:
        with whole(options.csv) as path:
            found.to_csv(path, index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
