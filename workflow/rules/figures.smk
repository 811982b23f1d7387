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
OVERALL = ["verdicts"]
DRAWN = [(name, "all") for name in OVERALL] + [
    (name, dataset) for dataset in STUDY.used_datasets for name in FIGURES if name not in OVERALL
]


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
                figure_path(name, dataset, ".svg"),
                caption=f"../report/{name}.rst",
                category=FIGURES[name],
                labels={"figure": name.replace("_", " "), "data set": dataset},
            )
            for name, dataset in DRAWN
        ],
        png=[figure_path(*drawn, ".png") for drawn in DRAWN],
        csv=[figure_path(*drawn, ".csv") for drawn in DRAWN],
    log:
        log_of("figures", "figures"),
    benchmark:
        benchmark_of("figures", "figures")
    conda:
        "../../envs/figures.yaml"
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(30),
    script:
        "../scripts/figures.py"
