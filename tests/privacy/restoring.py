from argparse import Namespace
from pathlib import Path
from typing import Any

from skinapi.app import restore_commands
from skinapi.base.settings.settings import Settings
from skinapi.platform.backups.backup import write_backup
from tests.support.backends import Backend, settings_in
from tests.support.models import tiny_model

OPTIONS = dict.fromkeys(("without_erased_ids", "verify", "drill", "accept_key"), False)


def back_up(backend: Backend, file: Path) -> Path:
    with file.open("wb") as out:
        write_backup(backend.services.store, out)
    return file


def settings_for(folder: Path, **given: Any) -> Settings:
    folder.mkdir(exist_ok=True)
    return settings_in(folder, model_path=tiny_model(), **given)


def restore(settings: Settings, file: Path, erased: Path | None = None, **given: Any) -> int:
    options = Namespace(file=file, erased=erased, **{**OPTIONS, **given})
    return restore_commands.restore(settings, options)
