"""Train the models of some seeds of one cell and variant."""

from attinfo.runtime.job import be_deterministic, job, keep_freed_memory

# isort: split

from pathlib import Path

from attinfo.data.texts import read_summary
from attinfo.models.inputs import read_inputs
from attinfo.runtime.devices import device_of
from attinfo.runtime.loading import Chosen
from attinfo.runtime.provenance import describe
from attinfo.training.checkpoint import Checkpoint, key_of
from attinfo.training.train import train_run

with job(snakemake.log[0]):
    be_deterministic()
    keep_freed_memory()
    given, made, options = snakemake.input, snakemake.output, dict(snakemake.params.options)
    encoder = Chosen.of(options["model"]["encoder"])
    needs = ("tokenizers", "transformers") if encoder.name == "pretrained" else ()
    features = next(iter(given.features), None)
    texts = tuple(read_inputs(given.data, split, encoder, features) for split in ("train", "dev"))
    provenance = describe(snakemake.params.code, ("torch", "numpy", "safetensors", *needs))
    seeds, device = snakemake.params.seeds, device_of(options["device"])
    teachers = given.teachers or [None] * len(seeds)
    inputs = [given.data, *given.teachers, *given.vectors, *given.features, *given.pretrained]
    checkpoints = []
    for seed, teacher, *paths in zip(
        seeds, teachers, made.weights, made.history, made.run, strict=True
    ):
        own = options | {"seed": seed}
        made_by = {name: provenance[name] for name in ("code_sha256", "versions")}
        key = key_of(own | made_by, inputs)
        checkpoints.append(Checkpoint(Path(paths[0]).with_name(".training.safetensors"), key))
        train_run(
            texts=texts,
            summary=read_summary(given.data),
            options=own,
            provenance=provenance,
            outputs=dict(zip(("weights", "history", "run"), paths, strict=True)),
            teacher=teacher,
            vectors=next(iter(given.vectors), None),
            checkpoint=checkpoints[-1],
            device=device,
        )
    # Only now: Snakemake removes what a killed job had finished, and the next one goes on.
    for checkpoint in checkpoints:
        checkpoint.remove()
