"""Information between hidden states and the output."""


rule information:
    """Estimates for every unit, and pointwise values for every token, for all seeds of a cell."""
    input:
        data=prepared,
        states=seeds_of(f"{RUNS}/states.safetensors"),
        code=code("information.py"),
    output:
        information=f"{GROUPS}/information.parquet",
        pointwise=seeds_of(f"{RUNS}/pointwise.parquet"),
    log:
        log_of("information", GROUP),
    benchmark:
        benchmark_of("information", GROUP)
    conda:
        "../../envs/information.yaml"
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(120),
    params:
        options={**STUDY.information_options(), "seeds": STUDY.seeds},
    script:
        "../scripts/information.py"
