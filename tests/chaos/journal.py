"""What publishers were told is saved: a line a step, written when the saving has returned."""

import os
from pathlib import Path


class Journal:
    """One publisher's journal. A line outlives kill -9, since the kernel has it."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_CREAT | os.O_APPEND | os.O_RDWR)
        self._path = path

    def write(self, number: int, step: int) -> None:
        os.write(self._file, f"{number} {step}\n".encode())

    def steps(self) -> dict[int, int]:
        """For each lead that was begun, how many steps are saved (one more: its call is over)."""
        return read(self._path)

    def close(self) -> None:
        os.close(self._file)


def read(path: Path) -> dict[int, int]:
    steps: dict[int, int] = {}
    if path.exists():
        for line in path.read_text().splitlines():
            number, step = map(int, line.split())
            steps[number] = max(step, steps.get(number, 0))
    return steps
