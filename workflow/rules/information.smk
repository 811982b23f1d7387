"""Information between hidden states and the output."""

for seeds in BATCHES:

    rule:
        """Estimates for every unit, and pointwise values for every token, by one estimator."""
        name:
            rule_of("information", seeds)
        input:
            data=prepared,
            states=runs_of(seeds, "states.safetensors"),
        output:
            information=runs_of(seeds, "information/{estimator}.parquet"),
            pointwise=runs_of(seeds, "pointwise/{estimator}.parquet"),
        log:
            log_of("information", f"{GROUP}/{seeds[0]}/{{estimator}}"),
        benchmark:
            benchmark_of("information", f"{GROUP}/{seeds[0]}/{{estimator}}")
        conda:
            env("information")
        threads: 1
        resources:
            mem_mb=growing(1500),
            runtime=growing(60 * len(seeds)),
        params:
            options=lambda w: OPTIONS.information(w.estimator, w.dataset),
            reads=prepared,
            seeds=seeds_made,
            code=estimator_code("information.py"),
        script:
            "../scripts/information.py"
