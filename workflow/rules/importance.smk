"""Importance of each token to the prediction."""

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
        output:
            importance=runs_of(seeds, "importance.parquet"),
            completeness=runs_of(seeds, "completeness.parquet"),
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
            reads=model_files,
            seeds=seeds_made,
            code=model_code("importance.py", *OPTIONS.importance_modules()),
        script:
            "../scripts/importance.py"
