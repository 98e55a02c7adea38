"""Renews requirements/ from the dependency groups of pyproject.toml, with hashes: `make lock`.

One resolution for everything (dev), of which every service's file is a part, so that the images run
the versions that the tests ran. Universal: the files serve every platform and Python 3.11 to 3.14.
"""

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = "uv==0.13.9"
GROUPS = ("dev", "run", "gateway", "config", "leads", "agent")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        programs = Path(folder) / "bin"
        subprocess.run([str(programs / "pip"), "install", "--quiet", UV], check=True)
        for group in GROUPS:
            compile_(programs / "uv", group)


def compile_(uv: Path, group: str) -> None:
    command = [
        *(str(uv), "pip", "compile", "--quiet", "pyproject.toml", "--universal"),
        *("--python-version", "3.11", "--generate-hashes", "--no-emit-index-url"),
        *("--custom-compile-command", "make lock", "--group", group),
        *("--output-file", f"requirements/{group}.txt"),
    ]
    if group != "dev":
        command += ["--constraints", "requirements/dev.txt", "--no-annotate"]
    if "--upgrade" in sys.argv[1:]:
        command.append("--upgrade")
    environment = dict(os.environ)
    if "PIP_CERT" in environment:  # uv has a name of its own for pip's setting
        environment.setdefault("SSL_CERT_FILE", environment["PIP_CERT"])
    subprocess.run(command, check=True, cwd=ROOT, env=environment)


if __name__ == "__main__":
    main()
