import argparse
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import SecretStr

from skinapi.accounts.auth.errors import LastAdmin
from skinapi.app.backup_commands import removing_half_made, report_progress, say_counts
from skinapi.app.commands import OPERATOR, FaultsLeft, check_store, say_store
from skinapi.app.composition.services import Services, open_services
from skinapi.base.errors import BrokenErasedIds, Conflict, UnsafeSettings
from skinapi.base.logs import configure_logs
from skinapi.base.settings.safety import refuse_unsafe
from skinapi.base.settings.settings import Settings
from skinapi.findings.records.events import PhotosErasedAgain
from skinapi.platform.backups.backup import (
    BackupFacts,
    read_facts,
    restore_backup,
)
from skinapi.platform.backups.backup_file import newest_backup, verify_backup
from skinapi.platform.backups.erased_ids import (
    FILE_NAME,
    Erased,
    ErasedKind,
    ErasedList,
    list_erased,
    read_erased_ids,
    scrub_store,
)
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.numbers import Numbers
from skinapi.platform.storage.ports import Store
from skinapi.platform.storage.store_version import accept_key
from skinapi.platform.storage.unit_of_work import AuditRow, Unit
from skinapi.platform.stores.store_factory import make_store, open_store

FAULTS_OF_TRAIL = 3  # the exit status of a drill: the backup is whole
# Sessions that were ended after the backup would be valid again.
NOT_RESTORED = frozenset({"sessions"})
# This many findings, and one more in each second, may have been filed since the last known number.
MOST_UNKNOWN = 10_000
ADMIN_OF_RESTORE = "admin-after-restore@skinapi.local"
VOID_AGAIN = (
    "entered in error again: finding {}. Where it had been moved to another patient since the "
    "backup, that is lost: ask that patient for the photo"
)
UNKNOWN = (
    "Nobody knows who was erased since this backup was begun ({begun}): {why}. Give a list of "
    "erased ids with --erased FILE. The old server writes one (`python -m skinapi erased-ids "
    "FILE`), and has erased-ids.jsonl in its INSTANCE_DIR, or erased-ids-until-….jsonl of a store "
    "that was lost. If there is none, --without-erased-ids restores what the backup has: then "
    "erase again by hand who was erased since"
)
KNOWN_UNTIL = (
    "who was erased until {until} is erased again; erase again by hand who was erased after that"
)
IN_SERVICE = (
    "in service as at the backup: model {}. Where it was rolled back since, roll back again: "
    "`python -m skinapi models rollback`"
)
CLOSED = (
    "closed accounts: {}. An account that was opened since the backup is erased in some days "
    "unless an admin opens it again"
)


def restore(settings: Settings, options: argparse.Namespace) -> int:
    """Repeat later erasures, and repair what was half written. With --verify, only read the file.
    With --drill, restore into a temporary folder. The exit status is 1 if a fault remains; 3 for a
    drill with faults only in the audit trail, which are the store's own.
    """
    configure_logs()
    file = newest_backup(options.file)
    if options.verify:
        print(f"whole: {say_counts(verify_backup(file))}")
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
        return _restore_into(settings, file, lists, options).status
    with removing_half_made(), _folder_beside(file) as folder:
        key = SecretStr(settings.signing_key())  # in development it is in the other folder
        empty = {"instance_dir": Path(folder, "instance"), "mongo_uri": None, "jwt_secret_key": key}
        lists = _lists_for(settings, options, file)
        left = _restore_into(settings.model_copy(update=empty), file, lists, options)
    if left.records:
        print(f"{file.name} CANNOT be restored whole")
        return 1
    faults = f"; faults of its audit trail: {left.trail}" if left.trail else ""
    print(f"{file.name} can be restored whole{faults}")
    return FAULTS_OF_TRAIL if left.trail else 0


def _folder_beside(file: Path) -> "TemporaryDirectory[str]":
    try:
        return TemporaryDirectory(prefix="skinapi-drill-", dir=file.parent)
    except OSError as error:
        raise UnsafeSettings(
            f"--drill needs room for a folder in {file.parent}, which cannot be written: "
            f"{error.strerror}"
        ) from error


def _lists_for(settings: Settings, options: argparse.Namespace, file: Path) -> list[ErasedList]:
    """An unreadable list is reported and left out, except the operator's."""
    lists = [read_erased_ids(options.erased)] if options.erased else []
    for path in filter(Path.exists, (settings.instance_dir / FILE_NAME, file.parent / FILE_NAME)):
        try:
            lists.append(read_erased_ids(path))
        except BrokenErasedIds as broken:
            print(f"not used: {path}: {broken.detail}")
    return lists


def _known_until(facts: BackupFacts, lists: list[ErasedList]) -> datetime:
    """Raise Conflict if the erasures are not known up to a time after the backup."""
    ends = list[datetime]()
    why = "no list that says until when it is whole is in INSTANCE_DIR or beside the backup"
    for item in lists:
        known = {erased.id for erased in item.erased}
        lacking = next((each for each in facts.erased if each.id not in known), None)
        if not (item.store and item.complete_until):
            continue
        if facts.store not in (None, item.store):
            why = "the list is one of another store"
        elif lacking:
            why = f"the list lacks what was erased at {_minute(lacking.created_at)}"
        elif item.complete_until <= facts.begun_at:
            why = f"the list ends at {_minute(item.complete_until)}"
        else:
            ends.append(item.complete_until)
    if not ends:
        raise Conflict(UNKNOWN.format(begun=_minute(facts.begun_at), why=why))
    return max(ends)


def _minute(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC"


def _restore_into(
    settings: Settings, file: Path, lists: list[ErasedList], options: argparse.Namespace
) -> FaultsLeft:
    make_store(settings)
    store = open_store(settings)
    erased: list[Erased] = [item for each in lists for item in each.erased]

    def finish() -> None:
        if options.accept_key:
            accept_key(store, secrets=settings.audit_secrets())
        services = open_services(settings, store, restoring=True)
        services.data.trail.record(AuditRow("store.restore", by=OPERATOR, target="store"))
        skipped = _skip_given_numbers(store, read_facts(file), lists)
        print(f"new findings have numbers above {skipped}: none is given again")
        again = erase_again(services)
        print(
            f"erased again: {again['account']:,} accounts, {again['finding']:,} findings, and the "
            f"photos of {again['photo']:,}; entered in error again: {again['error']:,} findings"
        )
        if serving := services.models.serving_version():
            print(IN_SERVICE.format(serving))
        if closed := services.erasure.give_time():
            print(CLOSED.format(closed))
        if again.total():
            # Nothing else uses the store yet, so this may take long.
            scrub_store(store, any_size=True)

    with closing(store):
        counts = restore_backup(
            store,
            file,
            progress=report_progress(),
            leave_out=NOT_RESTORED,
            erased=erased,
            then=finish,
        )
    print(f"restored: {say_counts(counts)}")
    for name, many in counts.left_out.items():
        print(f"left out: {many:,} records of {name}: everybody logs in again")
    return check_store(settings, repair=True)


def _skip_given_numbers(store: Store, facts: BackupFacts, lists: list[ErasedList]) -> int:
    """Skip numbers that were possibly given since the backup: other systems and papers use them."""
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


def erase_again(services: Services) -> "Counter[str]":
    """Return the count of each kind."""
    acts: dict[ErasedKind, Callable[[Erased], bool]] = {
        "account": partial(_erase_account, services),
        "finding": lambda item: services.findings.erase_again(identifier=item.about, by=OPERATOR),
        "photo": partial(_erase_photos, services),
        "error": lambda item: services.corrections.enter_again(identifier=item.about, by=OPERATOR),
    }
    again = Counter[str]()
    for entry in list_erased(services.store):
        if (act := acts.get(entry.kind)) and act(entry):
            again[entry.kind] += 1
            if entry.kind == "error":
                print(VOID_AGAIN.format(services.data.findings.get(entry.about).number))
    return again


def _erase_account(services: Services, erased: Erased) -> bool:
    """Keep an account whose findings were moved before its erasure: they are back here."""
    data = services.data
    account = data.accounts.find_by_id(erased.about)
    if account is None:  # of a damaged record the id alone is known: it may be a finding's
        return services.findings.erase_again(identifier=erased.about, by=OPERATOR)
    held = (item["id"] for item in data.findings.walk_stored(account.id, fields=()))
    if not erased.findings and any(data.erased_ids.find(item) is None for item in held):
        print(f"not erased: account {account.id}, which had given its findings to another one")
        return False
    erase = partial(
        services.erasure.erase_again, account.id, by=OPERATOR, kept_until=erased.kept_until_at
    )
    try:
        erase()
    except LastAdmin:
        _add_admin(services)
        erase()
    return True


def _erase_photos(services: Services, erased: Erased) -> bool:
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
    """Another admin existed when the only one of the backup was erased, so add one."""
    account, password = services.admin.ensure_admin(email=ADMIN_OF_RESTORE, password=None)
    print(f"no admin of the backup is left: {account.email} is one, one-time password: {password}")
