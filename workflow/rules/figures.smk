"""The figures of the study, for its page and for `snakemake --report`."""

FIGURES = {
    "verdicts": "Verdicts",
    "agreement": "Agreement",
    "information_by_rank": "Information",
    "concordance": "Agreement",
    "skew": "Attention weights",
    "ablations": "Ablations",
    "calibration": "Trust",
}


rule figures:
    """Each figure as SVG and PNG, with its numbers as CSV."""
    input:
        claims=f"{RESULTS}/claims.csv",
        cells=f"{RESULTS}/cells.csv",
        runs=f"{RESULTS}/runs.csv",
        information=f"{RESULTS}/information.parquet",
        calibration=f"{RESULTS}/calibration.csv",
        code=code("figures.py"),
    output:
        svg=[
            report(
                f"{RESULTS}/figures/{name}.svg",
                caption=f"../report/{name}.rst",
                category=category,
                labels={"figure": name.replace("_", " ")},
            )
            for name, category in FIGURES.items()
        ],
        png=expand(f"{RESULTS}/figures/{{name}}.png", name=FIGURES),
        csv=expand(f"{RESULTS}/figures/{{name}}.csv", name=FIGURES),
    log:
        log_of("figures", "figures"),
    benchmark:
        benchmark_of("figures", "figures")
    conda:
        "../../envs/figures.yaml"
    threads: 1
    resources:
        mem_mb=1500,
        runtime=30,
    script:
        "../scripts/figures.py"
