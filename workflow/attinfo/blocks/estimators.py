"""Estimators of the information between states and an output, in nats.

To add an estimator, write a function in a file of its own (see
`information/estimators/gaussian.py`) and describe the function here:

    def name(sample: Sample, *, option: ...) -> Measured
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from attinfo.blocks.block import Block, Options, registry
from attinfo.option_types import Count

PACKAGE = "attinfo.information.estimators"
CLAIMED = "linear"  # the estimator of the claims; the spot checks are checks of this estimator


@dataclass(frozen=True, kw_only=True)
class Estimator(Block):
    """The description of an estimator.

    Attributes:
        gain: whether the estimator has a posterior q(output | state), from which the pointwise
            gain of each token is computed.
        statistics: whether runs and cells have statistics of its estimates: usable information by
            each index, and the agreement of attention with its pointwise values.
        needs_output_layer: whether the estimator reads states by the model's own output layer. Such
            an estimator is not calibrated, because generated states have no model.
        half_probes: path of a function `(sample, first) -> (Measured, Measured)` that fits two
            probes to disjoint halves of the texts, so that it is seen how well the order of the
            tokens repeats; None where there is none.
        abbreviation: of the label, in headings of tables; by default the label.
        of_numbers: the estimator in `CONTINUOUS` that a study has in its place where the output is
            a number; None where there is none.
    """

    gain: bool = True
    statistics: bool = False
    needs_output_layer: bool = False
    half_probes: str | None = None
    abbreviation: str = ""
    of_numbers: str | None = None


class NeighboursOptions(Options):
    """Options of `knn`."""

    neighbours: Annotated[Count, Field(description="Number of neighbours, k.")] = 3
    metric: Annotated[
        Literal["euclidean", "chebyshev"], Field(description="Distance between two states.")
    ] = "euclidean"
    scaling: Annotated[
        Literal["raw", "soft_whitened"],
        Field(description="Scaling of the states: none, or soft whitening."),
    ] = "raw"


class KSGOptions(Options):
    """Options of `ksg`."""

    neighbours: Annotated[Count, Field(description="Number of neighbours, k.")] = 3


class CriticOptions(Options):
    """Options of `mine` and `infonce`."""

    hidden: Annotated[Count, Field(description="Units of the critic's hidden layer.")] = 32


class BinningOptions(Options):
    """Options of `binning`."""

    components: Annotated[Count, Field(description="Leading principal components binned.")] = 3
    bins: Annotated[Count, Field(description="Bins of a component.")] = 4


ESTIMATORS = registry(
    Estimator(
        name="stack",
        path=f"{PACKAGE}.stack:stack",
        label="pool of probes",
        of_numbers="stack",
        summary="Pool of probes, linear and not, and networks where an output bends; "
        "the default for states of unknown nature",
    ),
    Estimator(
        name="linear",
        path=f"{PACKAGE}.linear:linear_probe",
        label="linear probe",
        of_numbers="ridge",
        statistics=True,
        half_probes=f"{PACKAGE}.linear:half_probes",
        summary="Cross-fitted shrunk linear discriminant: the usable information of linear probes",
    ),
    Estimator(
        name="logistic",
        path=f"{PACKAGE}.logistic:logistic_probe",
        label="logistic regression",
        statistics=True,
        summary="Cross-fitted logistic regression with a ridge penalty that inner folds choose",
    ),
    Estimator(
        name="knn",
        path=f"{PACKAGE}.knn:nearest_neighbours",
        label="nearest neighbours",
        of_numbers="ksg",
        options=NeighboursOptions,
        gain=False,
        statistics=True,
        abbreviation="kNN",
        summary="Nearest neighbours (Ross 2014), rank form, exact repeats counted as ties",
    ),
    Estimator(
        name="output_layer",
        path=f"{PACKAGE}.output_layer:output_layer_probe",
        label="output layer",
        statistics=True,
        needs_output_layer=True,
        summary="The model's own output layer on each state: no direction is learnt, "
        "scale and biases are cross-fitted",
    ),
    Estimator(
        name="gaussian",
        path=f"{PACKAGE}.gaussian:gaussian_plugin",
        gain=False,
        summary="Normal classes with one covariance, in closed form, "
        "less d (C - 1) / 2n for the fit",
    ),
    Estimator(
        name="mine",
        path=f"{PACKAGE}.mine:mine",
        options=CriticOptions,
        gain=False,
        summary="MINE (Belghazi et al. 2018), the Donsker-Varadhan bound on held-out texts; "
        "for comparison",
    ),
    Estimator(
        name="infonce",
        path=f"{PACKAGE}.infonce:infonce",
        options=CriticOptions,
        summary="InfoNCE (van den Oord et al. 2018) with all outputs as negatives; for comparison",
    ),
    Estimator(
        name="binning",
        path=f"{PACKAGE}.binning:binned",
        options=BinningOptions,
        gain=False,
        summary="Equal-width bins of leading principal components, counted; "
        "as in information-plane papers",
    ),
    Estimator(
        name="discrete",
        path=f"{PACKAGE}.discrete:atoms_plugin",
        gain=False,
        summary="Distinct states as symbols, counted, with the correction of Grassberger (2003)",
    ),
)

# For outputs that are real numbers. A study has them in the place of those that name them.
CONTINUOUS = registry(
    Estimator(
        name="stack",
        path=f"{PACKAGE}.stacked_regression:stacked_regression",
        gain=False,
        summary="Pool of ridge regressions, linear and not, with normal errors",
    ),
    Estimator(
        name="ridge",
        path=f"{PACKAGE}.ridge:ridge_gaussian",
        gain=False,
        summary="Cross-fitted ridge regression with normal errors: the usable linear information",
    ),
    Estimator(
        name="ksg",
        path=f"{PACKAGE}.ksg:ksg_on_score",
        options=KSGOptions,
        gain=False,
        summary="Nearest neighbours (Kraskov et al. 2004) of the cross-fitted ridge score "
        "and the output",
    ),
)
