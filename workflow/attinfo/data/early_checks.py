"""Checks of the local files of a study before any job starts."""

from difflib import get_close_matches
from pathlib import Path

from attinfo.config.inputs import Inputs
from attinfo.data.local_files import check_local_files, check_scores_file
from attinfo.data.model_folders import check_model_folder
from attinfo.data.vector_files import size_of
from attinfo.runtime.errors import InputError, no_file


def check_files(inputs: Inputs) -> None:
    """Check the local files that the config names, before any job starts.

    Args:
        inputs: of the study.

    Raises:
        InputError: a file is missing, or cannot be read in the way that the config gives; see
            `check_local_files`; or word vectors have another size than the embeddings.
    """
    study = inputs.study
    for name in study.prepared_datasets:
        dataset = study.datasets[name]
        options = inputs.prepare_options(name)
        check_local_files(f"datasets.{name}.source", dataset.source, options)
        if dataset.scores:
            check_scores_file(f"datasets.{name}.scores", dataset.scores)
        if dataset.yardstick:
            place = f"yardsticks.{dataset.yardstick}.source"
            own = study.yardsticks[dataset.yardstick]
            check_local_files(place, own.source, columns=(own.word,), numbers=(own.value,))
    _check_vectors(inputs)
    named = []
    if study.report.published:
        named.append(("report.published", study.report.published))
    for source in inputs.pretrained.values():
        if source["revision"] is None and not Path(source["model"]).is_dir():
            raise InputError(
                f"config: encoders: model: '{source['model']}' is no folder here, and a model "
                "on the hub needs 'revision', the commit that pins it"
            )
    for name, audited in study.models.items():
        for folder in audited.model or []:
            if audited.revision is None:
                check_model_folder(folder, f"config: models.{name}.model")
    for place, path in named:
        if not Path(path).is_file():
            raise InputError(f"config: {place}: '{path}': found {no_file(path)}, expected a file")


def _check_vectors(inputs: Inputs) -> None:
    """Word vectors are there, and as long as the embeddings that start from them."""
    known = inputs.study.vectors
    for dataset, encoder, embedding in inputs.embeddings_from_vectors:
        name = inputs.vectors(dataset, encoder) or ""
        if name not in known and not Path(name).is_file():
            near = get_close_matches(name, known, n=1, cutoff=0.5)
            guess = f"; did you mean '{near[0]}'?" if near else ""
            raise InputError(
                f"config: model.vectors: '{name}': found {no_file(name)}, expected a file or a "
                f"name under 'vectors'{guess}"
            )
        size = known[name].size if name in known else size_of(name)
        if size not in (0, embedding):  # a file without numbers is refused when it is read
            raise InputError(
                f"config: model.embedding is {embedding}, expected {size}: the numbers of a vector "
                f"in model.vectors ({name}), on '{dataset}' with '{encoder}'"
            )
