"""Information between hidden states and the output."""

for seeds in STUDY.batches:

    rule:
        """Estimates for every unit, and pointwise values for every token, by one estimator."""
        name:
            rule_of("information", seeds)
        input:
            data=prepared,
            states=runs_of(seeds, "states.safetensors"),
            code=code("information.py"),
        output:
            information=runs_of(seeds, "information/{estimator}.parquet"),
            pointwise=runs_of(seeds, "pointwise/{estimator}.parquet"),
        log:
            log_of("information", f"{GROUP}/{seeds[0]}/{{estimator}}"),
        benchmark:
            benchmark_of("information", f"{GROUP}/{seeds[0]}/{{estimator}}")
        conda:
            "../../envs/information.yaml"
        threads: 1
        resources:
            mem_mb=growing(1500),
            runtime=growing(60 * len(seeds)),
        params:
            options=information_options(seeds),
        script:
            "../scripts/information.py"
