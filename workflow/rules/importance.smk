"""Importance of each token to the prediction, and the scores of all tokens for other tools."""

for seeds in BATCHES:

    rule:
        """Gradients, erasure and weighted norms for every token, for some seeds of a cell."""
        name:
            rule_of("importance", seeds)
        input:
            data=prepared,
            models=models_of(seeds),
            teachers=teachers_of(seeds),
            features=features_of,
            pretrained=fine_tuned_files,
            states=runs_of(seeds, "states.safetensors"),
            scores=lambda w: INPUTS.scores(w.dataset),
        output:
            importance=runs_of(seeds, "importance.parquet"),
            completeness=runs_of(seeds, "completeness.parquet"),
            seconds=runs_of(seeds, "seconds.csv"),
        log:
            log_of("importance", f"{GROUP}/{seeds[0]}"),
        benchmark:
            benchmark_of("importance", f"{GROUP}/{seeds[0]}")
        conda:
            env("importance")
        threads: 1
        resources:
            mem_mb=growing(3000),
            runtime=growing(60 * len(seeds)),
        params:
            options=cell_options(importance=OPTIONS.importance()),
            reads=lambda w: [*model_files(w), *INPUTS.scores(w.dataset)],
            seeds=seeds_made,
            code=model_code("importance.py", *OPTIONS.importance_modules()),
        script:
            "../scripts/importance.py"


rule scores:
    """All values of tokens as one table, in the form of `scores`; made only if asked for."""
    input:
        data=prepared,
        states=runs_on_dataset("states.safetensors"),
        importance=runs_on_dataset("importance.parquet"),
        seconds=runs_on_dataset("seconds.csv"),
        pointwise=runs_on_dataset(
            *[f"pointwise/{name}.parquet" for name in STUDY.information.estimators]
        ),
    output:
        scores=f"{RESULTS}/scores/{{dataset}}.parquet",
    log:
        log_of("scores", "{dataset}"),
    benchmark:
        benchmark_of("scores", "{dataset}")
    conda:
        env("importance")
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(30),
    params:
        runs=lambda w: [run.path for run in STUDY.runs if run.dataset == w.dataset],
        code=code("scores.py"),
    script:
        "../scripts/scores.py"
