"""Faithfulness of attention, information and importance."""

for seeds in BATCHES:

    rule:
        """What deleting tokens in each order does to the prediction, for some seeds of a cell."""
        name:
            rule_of("faithfulness", seeds)
        input:
            data=prepared,
            models=models_of(seeds),
            teachers=teachers_of(seeds),
            features=features_of,
            pretrained=fine_tuned_files,
            states=runs_of(seeds, "states.safetensors"),
            pointwise=runs_of(seeds, "pointwise/linear.parquet"),
            importance=runs_of(seeds, "importance.parquet"),
        output:
            faithfulness=runs_of(seeds, "faithfulness.parquet"),
        log:
            log_of("faithfulness", f"{GROUP}/{seeds[0]}"),
        benchmark:
            benchmark_of("faithfulness", f"{GROUP}/{seeds[0]}")
        conda:
            env("importance")
        threads: 1
        resources:
            mem_mb=growing(3000),
            runtime=growing(60 * len(seeds)),
        params:
            options=cell_options(faithfulness=STUDY.faithfulness.model_dump()),
            reads=model_files,
            seeds=seeds_made,
            code=model_code("faithfulness.py"),
        script:
            "../scripts/faithfulness.py"
