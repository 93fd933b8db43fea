"""The commands that make backups, restore them, and keep erased what was erased."""

import argparse
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import BaseModel, SecretStr, ValidationError

from skinapi.accounts.auth.errors import LastAdmin
from skinapi.app.commands import OPERATOR, FaultsLeft, check_store, say_store
from skinapi.app.composition.services import Services, open_services
from skinapi.app.integrity_check import list_record_types
from skinapi.base.errors import BrokenErasedIds, Conflict, NotFound, SkinAPIError, UnsafeSettings
from skinapi.base.logs import configure_logs
from skinapi.base.settings.safety import refuse_unsafe
from skinapi.base.settings.settings import Settings
from skinapi.findings.records.events import PhotosErasedAgain
from skinapi.platform.backups.backup import (
    BackupFacts,
    Place,
    begin_backup,
    end_backup,
    find_in_backup,
    list_backups,
    note_destroyed,
    note_removed,
    read_facts,
    restore_backup,
    write_backup,
)
from skinapi.platform.backups.backup_file import (
    Counts,
    dated_backup,
    newest_backup,
    remove_old_backups,
    verify_backup,
)
from skinapi.platform.backups.erased_ids import (
    FILE_NAME,
    Erased,
    ErasedKind,
    ErasedList,
    read_erased_ids,
    scrub_store,
    write_erased_ids,
)
from skinapi.platform.storage.faults import document_faults
from skinapi.platform.storage.files import new_file
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.numbers import FINDING, FINDINGS, Numbers
from skinapi.platform.storage.ports import Document, Remnant, Store
from skinapi.platform.storage.store_version import accept_key, join_store
from skinapi.platform.storage.unit_of_work import AuditRow, Unit
from skinapi.platform.stores.store_factory import make_store, open_store

STANDARD_OUTPUT = "-"
PROGRESS_EVERY_S = 5
FAULTS_OF_TRAIL = 3  # the exit status of a drill: the backup is whole
ENDING = (signal.SIGTERM, signal.SIGHUP)
# Sessions that were ended after a backup: their tokens would be valid again.
NOT_RESTORED = frozenset({"sessions"})
# So many findings, and one more in each second, may have come since the last number that is known.
MOST_UNKNOWN = 10_000
ADMIN_OF_RESTORE = "admin-after-restore@skinapi.local"
NO_LIST = (
    "Nobody knows who was erased since this backup was begun ({begun}): in INSTANCE_DIR and beside "
    "the backup is no list of erased ids that says of which store it is and until when it is "
    "complete. Give one with --erased FILE (`python -m skinapi erased-ids FILE` writes it, and "
    "`backup --keep` does). If there is none, --without-erased-ids restores what the backup has: "
    "then erase again by hand who was erased since"
)
OLD_LIST = (
    "The list of erased ids ends at {until}, and this backup was begun at {begun}, so it says "
    "nothing of who was erased since. Where the old server or its disk still answers, get a newer "
    "one: run `python -m skinapi erased-ids FILE` there, or take erased-ids.jsonl of its "
    "INSTANCE_DIR, and give it with --erased FILE. If there is none, --without-erased-ids restores "
    "what the backup has: then erase again by hand who was erased since"
)
OTHER_LIST = (
    "The list of erased ids is one of another store{why}. Give the right one with --erased FILE: "
    "where a server began an empty store, the list from before is erased-ids-until-….jsonl in its "
    "INSTANCE_DIR"
)
KNOWN_UNTIL = (
    "who was erased until {until} is erased again; erase again by hand who was erased after that"
)
DROPPED = (
    "no longer planned: the deletion of account {}. It may have been taken back since the backup; "
    "tell its owner, who asks for it again where it is still wanted"
)
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
    """Write a backup of the store to a new file, or to standard output for `-`; with --keep to a
    file with the time in its name, in a folder in which only so many stay, with the list of erased
    ids beside them. Servers may run. The exit status is 1 if a damaged file was left out, or a
    damaged record is in it.
    """
    configure_logs()
    refuse_unsafe(settings)
    if options.keep and not options.file.is_dir():
        raise UnsafeSettings(f"--keep needs a folder, and {options.file} is none")
    store = open_store(settings)
    if str(options.file) == STANDARD_OUTPUT:
        with _remembered(store, "stdout", None):
            counts = write_backup(store, sys.stdout.buffer, progress=_progress())
    else:
        file = dated_backup(options.file) if options.keep else options.file
        place: Place = "folder" if options.keep else "file"
        with (
            _remembered(store, place, file.name),
            _removing_half_made(),
            new_file(file) as out,
        ):
            counts = write_backup(store, out, progress=_progress())
        print(f"written: {file}", file=sys.stderr)
    for key in counts.damaged:
        print(f"left out, because it is damaged: the stored file {key}", file=sys.stderr)
    print(_counted(counts), file=sys.stderr)
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
    """The store remembers the backup that the block makes: first that it begins, since a kill may
    leave a part of it. Where it cannot, as on a full disk, the backup is made all the same.
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


def restore_record(settings: Settings, options: argparse.Namespace) -> int:
    """Replace one damaged record of the store by what a backup has of it. Servers may run."""
    configure_logs()
    refuse_unsafe(settings)
    collection, _, identifier = options.record.partition("/")
    model = list_record_types().get(collection)
    if model is None:
        raise UnsafeSettings(f"Name the record as collection/id; not {options.record}")
    verify_backup(options.file)
    kept = find_in_backup(options.file, collection, identifier)
    if kept is None:
        raise NotFound(f"{options.file.name} does not hold {options.record}")
    if not _is_readable(model, kept):
        raise Conflict(f"{options.record} is damaged in {options.file.name} too: take an older one")
    services = open_services(settings)

    def replace(unit: Unit) -> None:
        rows = services.store.collection(collection)
        stored = rows.get(identifier)
        if stored is None or (_is_readable(model, stored) and not _is_orphan(services, stored)):
            raise Conflict(f"{options.record} is not damaged here, or was deleted: nothing changed")
        rows.delete({"id": identifier})
        rows.insert(kept)
        unit.audit("store.restore", by=OPERATOR, target=identifier)
        services.data.failed_items.forget_damaged(collection, identifier)

    services.data.work.run(replace)
    print(f"restored: {options.record}. What changed in it since the backup is lost")
    print("now run `python -m skinapi check --repair`: other records may count on it")
    return 0


def _is_orphan(services: Services, record: Document) -> bool:
    """Whether the account or finding that it names is not there: the id may be damaged."""
    parents = {"owner": "accounts", FINDING: FINDINGS}
    named = {collection: record.get(field) for field, collection in parents.items()}
    rows = services.store.collection
    return any(item and rows(collection).get(item) is None for collection, item in named.items())


def _is_readable(model: type[BaseModel], document: Document) -> bool:
    try:
        model.model_validate(document)
    except ValidationError:
        return False
    return True


def show_backups(settings: Settings, options: argparse.Namespace) -> int:
    """List the backups that were made, one on a line, the newest first; with --destroyed, note
    first that one is no more.
    """
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
    """Write the list of erased ids to a file, which is replaced."""
    configure_logs()
    refuse_unsafe(settings)
    many = write_erased_ids(open_store(settings), options.file)
    print(f"written: {options.file}, {many:,} ids", file=sys.stderr)
    return 0


def scrub(settings: Settings, _: argparse.Namespace) -> int:
    """Overwrite what was deleted, whatever the size of the store, and say what remains. The exit
    status is 1 where another call can do more.
    """
    configure_logs()
    refuse_unsafe(settings)
    say_store(settings)
    store = open_store(settings)
    join_store(store, secrets=settings.audit_secrets())
    scrubbed = scrub_store(store, any_size=True)
    for remnant in scrubbed.remains:
        print(f"remains: {REMAINS[remnant]}")
    return 0 if scrubbed.complete else 1


def restore(settings: Settings, options: argparse.Namespace) -> int:
    """Restore a backup into an empty store, erase again what was erased since, then repair what was
    half written at its moment; with --verify, only read the file; with --drill, restore it into a
    folder beside it that is removed again. The exit status is 1 if a fault is left; of a drill
    where only the audit trail has faults, which are the store's own, 3.
    """
    configure_logs()
    file = newest_backup(options.file)
    if options.verify:
        print(f"whole: {_counted(verify_backup(file))}")
        return 0
    refuse_unsafe(settings)
    if not options.drill:
        if settings.mongo_uri:
            open_store(settings).close()  # what is wrong with MongoDB is said first
        lists = _lists_for(settings, options, file)
        if not options.without_erased_ids:
            until = _known_until(read_facts(file), lists)
            print(KNOWN_UNTIL.format(until=_minute(until)))
        say_store(settings)
        return _restore_into(settings, file, lists).status
    with _removing_half_made(), _folder_beside(file) as folder:
        key = SecretStr(settings.signing_key())  # in development it is in the other folder
        empty = {"instance_dir": Path(folder, "instance"), "mongo_uri": None, "jwt_secret_key": key}
        lists = _lists_for(settings, options, file)
        left = _restore_into(settings.model_copy(update=empty), file, lists)
    if left.records:
        print(f"{file.name} CANNOT be restored whole")
        return 1
    faults = f"; faults of its audit trail: {left.trail}" if left.trail else ""
    print(f"{file.name} can be restored whole{faults}")
    return FAULTS_OF_TRAIL if left.trail else 0


def _lists_for(settings: Settings, options: argparse.Namespace, file: Path) -> list[ErasedList]:
    """The lists of erased ids: the operator's, that of the instance folder, and that beside the
    backup. Of these two, one that cannot be read is named and left out.
    """
    lists = [read_erased_ids(options.erased)] if options.erased else []
    for path in filter(Path.exists, (settings.instance_dir / FILE_NAME, file.parent / FILE_NAME)):
        try:
            lists.append(read_erased_ids(path))
        except BrokenErasedIds as broken:
            print(f"not used: {path}: {broken.detail}")
    return lists


def _known_until(facts: BackupFacts, lists: list[ErasedList]) -> datetime:
    """Find until when it is known who was erased from the store of the backup. Raises Conflict
    where that is not known of the time since the backup.
    """
    begun = _minute(facts.begun_at)
    named = [item for item in lists if item.store and item.complete_until]
    ours = [item for item in named if facts.store in (None, item.store)]
    if not named:
        raise Conflict(NO_LIST.format(begun=begun))
    if not ours:
        raise Conflict(OTHER_LIST.format(why=""))
    ends, why = list[datetime](), ""
    for item in ours:
        known = {erased.id for erased in item.erased}
        lacking = next((each for each in facts.erased if each.id not in known), None)
        if lacking:
            why = f": it lacks what was erased at {_minute(lacking.created_at)}"
        elif item.complete_until:
            ends.append(item.complete_until)
    if not ends:
        raise Conflict(OTHER_LIST.format(why=why))
    if max(ends) <= facts.begun_at:
        raise Conflict(OLD_LIST.format(until=_minute(max(ends)), begun=begun))
    return max(ends)


def _skip_given_numbers(store: Store, facts: BackupFacts, lists: list[ErasedList]) -> int:
    """Give no number again that a finding may have been given since the backup: other systems and
    papers name it by that. Return the highest of these.
    """
    highest, until = Numbers(store).highest(), facts.begun_at
    for item in lists:
        ours = facts.store in (None, item.store)
        if ours and item.complete_until and item.highest_number is not None:
            highest = max(highest, item.highest_number)
            until = max(until, item.complete_until)
    seconds = max(0, int((now() - until).total_seconds()))
    highest += MOST_UNKNOWN + seconds
    Numbers(store).skip_to(highest)
    return highest


def _minute(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC"


def _restore_into(settings: Settings, file: Path, lists: list[ErasedList]) -> FaultsLeft:
    make_store(settings)
    store = open_store(settings)
    erased: list[Erased] = [item for each in lists for item in each.erased]

    def finish() -> None:
        # The development secret is in no backup; `check` says which audit rows another key signed.
        accept_key(store, secrets=settings.audit_secrets())
        services = open_services(settings, store, restoring=True)
        services.data.trail.record(AuditRow("store.restore", by=OPERATOR, target="store"))
        skipped = _skip_given_numbers(store, read_facts(file), lists)
        print(f"new findings have numbers above {skipped}: none is given again")
        # First, for it needs what is then erased again.
        to_reach = services.erasure.to_reach.note_again()
        again = _erase_again(services)
        print(
            f"erased again: {again['account']:,} accounts, {again['finding']:,} findings, and the "
            f"photos of {again['photo']:,}; entered in error again: {again['error']:,} findings"
        )
        print(
            f"still to be reached: {to_reach[True]:,} people; the backup does not know "
            f"{to_reach[False]:,} more"
        )
        for account in services.erasure.drop_waiting(by=OPERATOR):
            print(DROPPED.format(account))
        if again.total():
            # Nothing else reads this store yet, so it takes its time.
            scrub_store(store, any_size=True)

    with closing(store):
        counts = restore_backup(
            store, file, progress=_progress(), leave_out=NOT_RESTORED, erased=erased, then=finish
        )
    print(f"restored: {_counted(counts)}")
    for name, many in counts.left_out.items():
        print(f"left out: {many:,} records of {name}: everybody logs in again")
    return check_store(settings, repair=True)


def _erase_again(services: Services) -> "Counter[str]":
    """Delete what is on the list of erased ids and in the store, as it was deleted then; how many
    of each kind.
    """
    acts: dict[ErasedKind, Callable[[Erased], bool]] = {
        "account": partial(_erase_account, services),
        "finding": lambda item: services.findings.erase_again(identifier=item.about, by=OPERATOR),
        "photo": partial(_erase_photos, services),
        "error": lambda item: services.corrections.enter_again(identifier=item.about, by=OPERATOR),
    }
    again = Counter[str]()
    for entry in services.data.erased_ids.walk_all():
        if act := acts.get(entry.kind):
            again[entry.kind] += act(entry)
    return again


def _erase_account(services: Services, erased: Erased) -> bool:
    """An account that had given all that it held to another one is not erased for that one."""
    data = services.data
    account = data.accounts.find_by_id(erased.about)
    if account is None:  # of a damaged record the id alone is known: it may be a finding's
        return services.findings.erase_again(identifier=erased.about, by=OPERATOR)
    if account.joined_to:  # that goes with the one that stays
        return False
    held = (item["id"] for item in data.findings.walk_stored(account.id, fields=()))
    if not erased.findings and any(data.erased_ids.find(item) is None for item in held):
        print(f"not erased: account {account.id}, which had given its findings to another one")
        return False
    try:
        services.eraser.erase_again(account.id, by=OPERATOR)
    except LastAdmin:
        _add_admin(services)
        services.eraser.erase_again(account.id, by=OPERATOR)
    return True


def _erase_photos(services: Services, erased: Erased) -> bool:
    """Delete the photos of a finding that stays, and their copies."""

    def erase(unit: Unit) -> bool:
        found = services.data.findings.find(erased.about)
        if found is None or not found.photos:
            return False
        unit.audit("photo.erase_again", by=OPERATOR, target=found.id, owner=found.owner)
        services.findings.remove_photos(unit, found)
        unit.publish(PhotosErasedAgain(found))
        return True

    return services.data.work.run(erase)


def _add_admin(services: Services) -> None:
    """The only admin of the backup was erased: when that happened there was another."""
    account, password = services.admin.ensure_admin(email=ADMIN_OF_RESTORE, password=None)
    print(f"no admin of the backup is left: {account.email} is one, one-time password: {password}")


def _folder_beside(file: Path) -> "TemporaryDirectory[str]":
    try:
        return TemporaryDirectory(prefix="skinapi-drill-", dir=file.parent)
    except OSError as error:
        raise UnsafeSettings(
            f"--drill needs room for a folder in {file.parent}, which cannot be written: "
            f"{error.strerror}"
        ) from error


@contextmanager
def _removing_half_made() -> Iterator[None]:
    """A signal that would end the process at once raises SystemExit instead, which removes what is
    half made: it may be a whole copy of the records of patients. One that is ignored, as under
    `nohup`, stays so.
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


def _counted(counts: Counts) -> str:
    return f"{counts.documents:,} records and {counts.blobs:,} stored files"


def _progress() -> Callable[[Counts], None]:
    """Says on standard error how far it is, every few seconds."""
    said_at = time.monotonic()

    def say(counts: Counts) -> None:
        nonlocal said_at
        if time.monotonic() - said_at > PROGRESS_EVERY_S:
            said_at = time.monotonic()
            print(_counted(counts), file=sys.stderr, flush=True)

    return say
