"""Backup and restore as operations.md tells them, with the commands themselves."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.__main__ import main
from tests.conftest import Settings


@pytest.fixture(name="settings")
def _settings(tmp_path: Path, empty_store: Path) -> Settings:
    """Give a configuration and an empty store; its gate is never started."""
    settings = Settings(tmp_path, "http://127.0.0.1:9")
    settings.write()
    settings.store.parent.mkdir()
    shutil.copy(empty_store, settings.store)
    return settings


@pytest.fixture(autouse=True)
def _open_to_all() -> Iterator[None]:
    """Let new files be open to everybody, where nobody says otherwise."""
    before = os.umask(0)
    yield
    os.umask(before)


def told(settings: Settings, *command: str, code: int = 0) -> None:
    """Run a command, which ends with this code."""
    assert main([*command, "--config", str(settings.path)]) == code


def test_a_restored_store_knows_what_was_said_after_the_copy(
    settings: Settings, capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path
) -> None:
    """A copy alone stays out of use; with the journal since, everybody is suppressed who was."""
    copy, since = tmp_path / "daily.db", tmp_path / "since.ndjson"
    told(settings, "blacklist", "bob@example.com")
    told(settings, "backup", str(copy))
    told(settings, "blacklist", "carol@example.com")
    capsysbinary.readouterr()
    told(settings, "journal", "--after", "1")
    since.write_bytes(capsysbinary.readouterr().out)
    told(settings, "restore", str(copy), code=1)
    told(settings, "blacklist", "dora@example.com", code=1)
    told(settings, "restore", "--journal", str(since), "--until", "3", code=1)
    told(settings, "restore", "--journal", str(since), "--until", "2")
    capsysbinary.readouterr()
    told(settings, "status", "carol@example.com")
    assert b"carol@example.com: blacklisted" in capsysbinary.readouterr().out


def test_copies_and_restored_stores_are_their_owners_alone(settings: Settings, tmp_path: Path) -> None:
    """Neither a backup nor the store that is made of it can be read by anybody else, whatever the umask."""
    copy = tmp_path / "daily.db"
    told(settings, "blacklist", "bob@example.com")
    told(settings, "backup", str(copy))
    told(settings, "restore", str(copy), "--accept-loss")
    assert [oct(path.stat().st_mode & 0o777) for path in (copy, settings.store)] == ["0o600", "0o600"]
