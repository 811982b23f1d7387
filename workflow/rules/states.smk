"""What each model did with each test text."""


rule states:
    """Hidden states, scores, weights and outputs of the test texts, for all seeds of a cell."""
    input:
        data=prepared,
        models=models_of,
        teachers=teachers_of,
        features=features_of,
        pretrained=fine_tuned_files,
        code=code("states.py"),
    output:
        states=seeds_of(f"{RUNS}/states.safetensors"),
    log:
        log_of("states", GROUP),
    benchmark:
        benchmark_of("states", GROUP)
    conda:
        "../../envs/states.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        options=lambda w: {
            **cell_options(w),
            "seeds": STUDY.seeds,
        },
    script:
        "../scripts/states.py"
