"""Time of the first estimate: import and call `estimate` in a new process with one thread.

python -m benchmarks.start
"""

import os
from statistics import median
import subprocess
import sys

ONCE = """
import time
start = time.perf_counter(), time.process_time()
import numpy as np
rng = np.random.default_rng(0)
output = rng.integers(2, size=1000)
hidden = rng.normal(size=(1000, 64)) + 0.2 * output[:, None]
from attinfo.information import estimate
estimate(hidden, output)
print(time.perf_counter() - start[0], time.process_time() - start[1])
"""
REPETITIONS = 5


def seconds(repetitions: int = REPETITIONS) -> tuple[float, float]:
    """Median wall seconds and CPU seconds of the first estimate, for states [1000, 64].

    Raises:
        CalledProcessError: the new process failed.
    """
    found = []
    for _ in range(repetitions):
        command = [sys.executable, "-c", ONCE]
        alone = os.environ | {"OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, env=alone, capture_output=True, text=True, check=True)
        found.append([float(part) for part in done.stdout.split()])
    wall, own = zip(*found, strict=True)
    return median(wall), median(own)


if __name__ == "__main__":
    print("{:.2f} s wall time, {:.2f} s CPU time".format(*seconds()))
