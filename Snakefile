"""When do attention weights explain a text classifier?

download -> prepare -> train -> states -> information, importance -> agreement -> claims
                    calibrate ------------^                            `-> faithfulness
claims -> figures -> report
"""

from snakemake.utils import min_version

min_version("9.27")


configfile: "workflow/datasets.yaml"
configfile: "config.yaml"


report: "workflow/report/study.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/cluster.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/vectors.smk"
include: "workflow/rules/features.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/states.smk"
include: "workflow/rules/information.smk"
include: "workflow/rules/importance.smk"
include: "workflow/rules/faithfulness.smk"
include: "workflow/rules/calibration.smk"
include: "workflow/rules/agreement.smk"
include: "workflow/rules/claims.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/pictures.smk"


rule all:
    default_target: True
    input:
        f"{RESULTS}/report.html",
        f"{RESULTS}/claims.csv",
        f"{RESULTS}/information.parquet",
        f"{RESULTS}/agreement.csv",
        every_stage(),  # so that what is deleted is made again
