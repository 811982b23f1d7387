"""One trained model for each run, and how each learned."""

# Of the model behind each run: a variant without a model of its own borrows the trained one.
RECORDS_BEHIND = [f"{RESULTS}/runs/{STUDY.model_behind(run).path}/run.json" for run in STUDY.runs]

for seeds in BATCHES:

    rule:
        """Weights, history and provenance of some seeds of a cell and variant."""
        name:
            rule_of("train", seeds)
        input:
            data=prepared,
            teachers=teachers_of(seeds),
            vectors=vectors_of,
            # Only must exist: a study that grows checks again, but trains nothing again.
            preflight=ancient(f"{RESULTS}/preflight.json"),
            features=features_of,
            pretrained=fine_tuned_files,
        output:
            weights=runs_of(seeds, "model.safetensors"),
            history=runs_of(seeds, "history.csv"),
            run=runs_of(seeds, "run.json"),
        log:
            log_of("train", f"{GROUP}/{seeds[0]}"),
        benchmark:
            benchmark_of("train", f"{GROUP}/{seeds[0]}")
        conda:
            env("train")
        threads: 1
        resources:
            mem_mb=growing(3000),
            runtime=growing(120 * len(seeds)),
        params:
            options=cell_options(training=lambda w: OPTIONS.training(w.dataset)),
            reads=model_files,
            seeds=seeds_made,
            code=model_code("train.py"),
        script:
            "../scripts/train.py"


rule learning:
    """The losses of all models, and whether each was trained enough."""
    input:
        records=RECORDS_BEHIND,
        histories=all_models("history.csv"),
    output:
        training=f"{RESULTS}/training.csv",
        learning=f"{RESULTS}/learning.csv",
    log:
        log_of("learning", "learning"),
    benchmark:
        benchmark_of("learning", "learning")
    conda:
        env("agreement")
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        options={"groups": STUDY.groups, "seeds": STUDY.seeds},
        reads=listed(RECORDS_BEHIND, all_models("history.csv")),
        code=code("learning.py"),
    script:
        "../scripts/learning.py"
