"""What each model did with each test text."""


def models_of(wildcards):
    """The weights a variant reads: its own, or those of the trained model."""
    variant = wildcards.variant if VARIANTS[wildcards.variant].trains else "trained"
    return expand(f"{RUNS}/model.safetensors", **{**wildcards, "variant": variant}, seed=STUDY.seeds)


rule states:
    """Hidden states, scores, weights and outputs of the test texts, for all seeds of a cell."""
    input:
        data=prepared,
        models=models_of,
        code=code("states.py"),
    output:
        states=seeds_of(f"{RUNS}/states.safetensors"),
    params:
        options=lambda w: {
            "model": cell_options(w),
            "variant": w.variant,
            "seeds": STUDY.seeds,
        },
    log:
        log_of("states", GROUP),
    benchmark:
        benchmark_of("states", GROUP)
    threads: 1
    resources:
        mem_mb=1500,
        runtime=60,
    conda:
        "../../envs/states.yaml"
    script:
        "../scripts/states.py"
