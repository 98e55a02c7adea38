"""A spool in a folder that is not there yet."""

from pathlib import Path

import pytest

from shared.leads.spool import Spool


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")
