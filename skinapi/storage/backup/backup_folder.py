"""A folder of backups: each named after its time, and only the newest stay."""

import re
from datetime import UTC, datetime
from pathlib import Path

from skinapi.errors import BrokenBackup

NAME = re.compile(r"skinapi-\d{8}T\d{6}Z\.tar")


def dated_backup(folder: Path) -> Path:
    """A new name in this folder, which sorts by time."""
    return folder / f"skinapi-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.tar"


def newest_backup(path: Path) -> Path:
    """The newest one of a folder; a file is itself. Raises BrokenBackup where there is none."""
    if not path.is_dir():
        return path
    if found := _backups_in(path):
        return found[-1]
    raise BrokenBackup(f"there is none in {path}")


def remove_old_backups(folder: Path, *, keep: int) -> list[Path]:
    """Remove all but the newest `keep`, and no file with another name. Returns what is gone."""
    old = _backups_in(folder)[:-keep]
    for path in old:
        path.unlink()
    return old


def _backups_in(folder: Path) -> list[Path]:
    named = (path for path in folder.iterdir() if NAME.fullmatch(path.name))
    return sorted(path for path in named if path.is_file())
