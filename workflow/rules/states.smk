"""What each model did with each test text."""

for seeds in BATCHES:

    rule:
        """Hidden states, scores, weights and outputs of the test texts, for some seeds of a cell."""
        name:
            rule_of("states", seeds)
        input:
            data=prepared,
            models=models_of(seeds),
            teachers=teachers_of(seeds),
            features=features_of,
            pretrained=fine_tuned_files,
        output:
            states=runs_of(seeds, "states.safetensors"),
        log:
            log_of("states", f"{GROUP}/{seeds[0]}"),
        benchmark:
            benchmark_of("states", f"{GROUP}/{seeds[0]}")
        conda:
            env("states")
        threads: 1
        resources:
            mem_mb=growing(3000),
            runtime=growing(20 * len(seeds)),
        params:
            options=cell_options(),
            reads=model_files,
            seeds=seeds_made,
            code=model_code("states.py"),
        script:
            "../scripts/states.py"
