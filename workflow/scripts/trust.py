"""Put the estimates of all cells together, with what speaks for and against each."""

from attinfo.runtime.job import job

# isort: split

import pandas as pd

from attinfo.information.calibration import FOUND, KEY
from attinfo.information.trust import trusted
from attinfo.runtime.atomic import whole

with job(snakemake.log[0]):
    information = pd.concat([pd.read_parquet(file) for file in snakemake.input.information])
    # Estimators are calibrated for classes: a study of numbers alone has no such table.
    tables = [pd.read_csv(file) for file in snakemake.input.calibration]
    calibration = pd.concat(tables or [pd.DataFrame(columns=[*KEY, *FOUND, "dataset"])])
    with whole(snakemake.output.information) as path:
        trusted(information, calibration).to_parquet(path, index=False)
    with whole(snakemake.output.calibration) as path:
        calibration.to_csv(path, index=False, lineterminator="\n")
