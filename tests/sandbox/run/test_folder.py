"""The data folder belongs to one running system."""

from pathlib import Path

import pytest

from services.sandbox.run.folder import held
from shared.errors import SettingsError


def test_a_second_system_is_refused_until_the_first_has_stopped(tmp_path: Path) -> None:
    """Two Valkeys on the same files would lose the leads in them."""
    folder = tmp_path / "data"
    with (
        held(folder),
        pytest.raises(SettingsError, match=r"SANDBOX_DATA: .*another running"),
        held(folder),
    ):
        pass
    with held(folder):
        assert folder.is_dir()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """An operator sees which setting is at fault, not a traceback."""
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(SettingsError, match=r"SANDBOX_DATA: .*can be written"), held(file):
        pass
