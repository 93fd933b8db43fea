import argparse
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from skinapi.app.commands import OPERATOR, say_store
from skinapi.app.composition.services import Services, open_services
from skinapi.app.integrity_check import list_record_types
from skinapi.base.errors import SkinAPIError, UnsafeSettings
from skinapi.base.logs import configure_logs
from skinapi.base.settings.safety import refuse_unsafe
from skinapi.base.settings.settings import Settings
from skinapi.platform.backups.backup import (
    Place,
    begin_backup,
    end_backup,
    list_backups,
    note_destroyed,
    note_removed,
    read_facts,
    write_backup,
)
from skinapi.platform.backups.backup_file import Counts, dated_backup, remove_old_backups
from skinapi.platform.backups.erased_ids import FILE_NAME, scrub_store, write_erased_ids
from skinapi.platform.storage.faults import document_faults
from skinapi.platform.storage.files import new_file
from skinapi.platform.storage.ports import Remnant, Store
from skinapi.platform.storage.store_version import join_store
from skinapi.platform.storage.unit_of_work import Unit
from skinapi.platform.stores.store_factory import open_store

STANDARD_OUTPUT = "-"
PROGRESS_EVERY_S = 5
ENDING = (signal.SIGTERM, signal.SIGHUP)
REMAINS = {
    Remnant.LOG_IN_USE: "a backup reads the store, which keeps the write-ahead log: try again",
    Remnant.DISK_TOO_FULL: "there is no room for a copy of the database file: make some, try again",
    Remnant.FREED_BLOCKS: "MongoDB's files keep deleted documents in blocks that are free",
    Remnant.JOURNAL: "MongoDB's journal keeps the last writes, until its next checkpoints",
    Remnant.OPLOG: "the replica set's oplog keeps the last writes, until newer ones fill it",
    Remnant.COMPACT_REFUSED: "this user may not run compact: it needs the role dbAdmin",
    Remnant.DISK: "the disk keeps what is released until it writes over it; its snapshots too",
}


def back_up(settings: Settings, options: argparse.Namespace) -> int:
    """With --keep, write into a folder that keeps the newest backups and the list of erased ids.
    Servers may run. The exit status is 1 if a damaged file was left out or a record is damaged.
    """
    configure_logs()
    refuse_unsafe(settings)
    if options.keep and not options.file.is_dir():
        raise UnsafeSettings(f"--keep needs a folder, and {options.file} is none")
    store = open_store(settings)
    if str(options.file) == STANDARD_OUTPUT:
        with _remembered(store, "stdout", None):
            counts = write_backup(store, sys.stdout.buffer, progress=report_progress())
    else:
        file = dated_backup(options.file) if options.keep else options.file
        place: Place = "folder" if options.keep else "file"
        with (
            _remembered(store, place, file.name),
            removing_half_made(),
            new_file(file) as out,
        ):
            counts = write_backup(store, out, progress=report_progress())
        print(f"written: {file}", file=sys.stderr)
    for key in counts.damaged:
        print(f"left out, because it is damaged: the stored file {key}", file=sys.stderr)
    print(say_counts(counts), file=sys.stderr)
    faults = [fault.message for fault in document_faults(store, list_record_types())]
    for message in faults:
        print(f"in the backup as it is, damaged: {message}", file=sys.stderr)
    whole = not (counts.damaged or faults)
    if options.keep:
        until = read_facts(file).begun_at
        write_erased_ids(store, options.file / FILE_NAME, until=until)
        if whole:  # an older one may have what this one lacks
            _remove_old(store, options.file, keep=options.keep)
    return 0 if whole else 1


@contextmanager
def _remembered(store: Store, place: Place, name: str | None) -> Iterator[None]:
    """Record the backup before it starts, because a killed process may leave a part of it. A full
    disk, for example, does not prevent the backup.
    """
    identifier = None
    try:
        identifier = begin_backup(store, place=place, name=name)
    except SkinAPIError as error:
        print(f"the store does not remember this backup: {error.detail}", file=sys.stderr)
    yield
    if identifier:
        with suppress(SkinAPIError):
            end_backup(store, identifier)


def _remove_old(store: Store, folder: Path, *, keep: int) -> None:
    removed = [path.name for path in remove_old_backups(folder, keep=keep)]
    for name in removed:
        print(f"removed: {folder / name}", file=sys.stderr)
    with suppress(SkinAPIError):
        note_removed(store, removed)


def show_backups(settings: Settings, options: argparse.Namespace) -> int:
    """With --destroyed, first record that a backup no longer exists."""
    configure_logs()
    refuse_unsafe(settings)
    store = open_store(settings)
    if options.destroyed:
        say_store(settings)
        _destroyed(open_services(settings, store), options.destroyed)
    for made in list_backups(store):
        state = "there" if made.written_at else "was interrupted, a part may be there"
        if made.gone_at:
            state = f"{made.gone} {made.gone_at:%Y-%m-%d}"
        name = made.name or "standard output"
        print(f"{made.id}  {made.created_at:%Y-%m-%dT%H:%M:%SZ}  {name}  {state}")
    return 0


def _destroyed(services: Services, identifier: str) -> None:
    def note(unit: Unit) -> None:
        unit.audit("store.backup_destroyed", by=OPERATOR, target=identifier)
        note_destroyed(services.store, identifier)

    services.data.work.run(note)


def export_erased_ids(settings: Settings, options: argparse.Namespace) -> int:
    configure_logs()
    refuse_unsafe(settings)
    many = write_erased_ids(open_store(settings), options.file)
    print(f"written: {options.file}, {many:,} ids", file=sys.stderr)
    return 0


def scrub(settings: Settings, _: argparse.Namespace) -> int:
    """The exit status is 1 if another call can do more."""
    configure_logs()
    refuse_unsafe(settings)
    say_store(settings)
    store = open_store(settings)
    join_store(store, secrets=settings.audit_secrets())
    scrubbed = scrub_store(store, any_size=True)
    for remnant in scrubbed.remains:
        print(f"remains: {REMAINS[remnant]}")
    return 0 if scrubbed.complete else 1


@contextmanager
def removing_half_made() -> Iterator[None]:
    """A half-made file may hold all patient records. Ignored signals, as under `nohup`, stay
    ignored.
    """
    ending = [item for item in ENDING if signal.getsignal(item) is signal.SIG_DFL]
    for number in ending:
        signal.signal(number, _exit)
    try:
        yield
    finally:
        for number in ending:
            signal.signal(number, signal.SIG_DFL)


def _exit(number: int, _: object) -> None:
    sys.exit(128 + number)  # as a shell has it


def say_counts(counts: Counts) -> str:
    return f"{counts.documents:,} records and {counts.blobs:,} stored files"


def report_progress() -> Callable[[Counts], None]:
    said_at = time.monotonic()

    def say(counts: Counts) -> None:
        nonlocal said_at
        if time.monotonic() - said_at > PROGRESS_EVERY_S:
            said_at = time.monotonic()
            print(say_counts(counts), file=sys.stderr, flush=True)

    return say
