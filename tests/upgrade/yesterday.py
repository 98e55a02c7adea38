"""What an older version left behind, with all its times moved, as a test needs it.

Every time in an append-only file is absolute: due times, leases, expiries, ids of stream entries.
All are milliseconds with 13 digits, so they can be moved in the file itself, and a recording of
long ago is as old as the test wants it to be.
"""

import json
import re
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.valkey import Valkey

FIXTURES = Path(__file__).parent / "fixtures"
BEFORE = "b6cd28c"  # the last commit before shared/ and the services were rearranged

_MILLISECONDS = re.compile(rb"(?<![0-9])1[0-9]{12}(?![0-9])")
_DAY_MS = 86_400_000


@dataclass(frozen=True)
class Yesterday:
    """A Valkey that has not been started yet, a spool's folder, and ids by label: see record.py."""

    valkey: Valkey
    spool: Path
    leads: dict[str, str]
    calls: dict[str, str]

    def key(self, label: str, revision: int = 1) -> str:
        """The webhook-id of a lead's revision."""
        return f"{self.leads[label]}.{revision}"

    def report(self, label: str) -> str:
        """The webhook-id of the report of a call."""
        return f"{self.calls[label]}.1"


def unpack(folder: Path, *, ago: float, commit: str = BEFORE) -> Yesterday:
    """The recording of `commit` in `folder`, as if it had ended `ago` seconds before now."""
    with tarfile.open(FIXTURES / f"{commit}.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    index = json.loads((folder / "index.json").read_text())
    recorded = int(index["recorded_ms"])
    shift = time.time_ns() // 1_000_000 - int(ago * 1000) - recorded

    def moved(match: re.Match[bytes]) -> bytes:
        value = int(match[0])
        near = -_DAY_MS < value - recorded < 400 * _DAY_MS
        return str(value + shift).encode() if near else match[0]

    for file in (folder / "valkey" / "appendonlydir").glob("*.incr.aof"):
        file.write_bytes(_MILLISECONDS.sub(moved, file.read_bytes()))
    return Yesterday(Valkey(folder / "valkey"), folder / "spool", index["leads"], index["calls"])
