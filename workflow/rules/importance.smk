"""Importance of each token to the prediction."""


rule importance:
    """Gradients, erasure and weighted norms for every token, for all seeds of a cell."""
    input:
        data=prepared,
        models=models_of,
        teachers=teachers_of,
        features=features_of,
        pretrained=fine_tuned_files,
        states=seeds_of(f"{RUNS}/states.safetensors"),
        code=code("importance.py"),
    output:
        importance=seeds_of(f"{RUNS}/importance.parquet"),
    log:
        log_of("importance", GROUP),
    benchmark:
        benchmark_of("importance", GROUP)
    conda:
        "../../envs/importance.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(120),
    params:
        options=lambda w: {
            **cell_options(w),
            "measures": STUDY.importance_options(),
            "seeds": STUDY.seeds,
        },
    script:
        "../scripts/importance.py"
