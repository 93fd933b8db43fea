"""The commands that work on the store.

`__main__` imports this module only when it is needed, so that gunicorn's parent process, which
needs no application, stays small.
"""

import argparse
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import SecretStr, TypeAdapter

from skinapi.auth.accounts import Account
from skinapi.auth.passwords import NewPassword
from skinapi.composition.services import (
    Services,
    open_services,
)
from skinapi.domain.pages import read_pages
from skinapi.errors import SkinAPIError, StoreUnavailable, UnsafeSettings
from skinapi.logs import configure_logs
from skinapi.registry.prediction_pool import ServedModel
from skinapi.registry.service import announce_model
from skinapi.registry.version_schemas import shown_state
from skinapi.registry.version_service import ModelsService
from skinapi.settings import Settings
from skinapi.settings.safety import refuse_unsafe
from skinapi.storage import make_store, open_store
from skinapi.storage.backup import note_backup, restore_backup, write_backup
from skinapi.storage.backup_file import (
    Counts,
    dated_backup,
    newest_backup,
    remove_old_backups,
    verify_backup,
)
from skinapi.storage.faults import Fault
from skinapi.storage.files import new_file
from skinapi.storage.store_version import accept_key, join_store
from skinapi.storage.unit_of_work import AuditRow

FIRST_ADMIN = "admin@skinapi.local"
# Whoever may run these commands, in the audit trail.
OPERATOR = "system"
STANDARD_OUTPUT = "-"
PROGRESS_EVERY_S = 5
ENDING = (signal.SIGTERM, signal.SIGHUP)
# Sessions that were ended after a backup: their tokens would be valid again.
NOT_RESTORED = frozenset({"sessions"})


def print_banner(settings: Settings, served: ServedModel) -> None:
    """Print the startup banner: the addresses of the server, and the model."""
    print("\nSkinAPI: for information only, not a medical diagnosis\n")
    for address in settings.binds:
        print(f"  open      http://{address}")
    print(f"  model     {announce_model(settings, served)}\n", flush=True)


def make_first_admin(settings: Settings, services: Services) -> None:
    """If there is no active admin, create one, and print its one-time password.

    Each worker calls this before it accepts requests, so no caller can register this e-mail address
    first. Only the worker that made the password prints it.
    """
    if services.admin.has_admin():
        return
    account, password = services.admin.ensure_admin(
        email=FIRST_ADMIN, password=None, only_first=True
    )
    if password:
        print(
            f"  admin     {account.email}\n"
            f"  password  {password}   (shown once)\n"
            f"  replace it first, on  {settings.password_page}\n",
            flush=True,
        )


def create_admin(settings: Settings, options: argparse.Namespace) -> int:
    """Make the account with this address an active admin, and print its one-time password if one
    was made. Creates the account if there is none.
    """
    configure_logs()
    password = sys.stdin.readline().rstrip("\n") if options.password_stdin else None
    if password is not None:
        TypeAdapter(NewPassword).validate_python(password)
    _say_store(settings)
    make_store(settings)
    services = open_services(settings)
    before = services.data.accounts.find_by_email(options.email)
    account, one_time = services.admin.ensure_admin(email=options.email, password=password)
    print(f"{account.email} is an admin: {_say_change(before, account)}")
    if one_time:
        print(f"one-time password: {one_time}")
        print(f"replace it first, on {settings.password_page}")
    return 0


def _say_change(before: Account | None, after: Account) -> str:
    """What `create_admin` has done."""
    if before is None:
        return "the account was created"
    if not before.active_admin:
        was = f"it was a {before.role} ({before.status})"
        return f"promoted, {was}; it has a new password, and its sessions have ended"
    if after.token_version == before.token_version:
        return "nothing was changed, it was one already"
    return "it was one already; its password was changed, and its sessions have ended"


def check(settings: Settings, options: argparse.Namespace) -> int:
    """List broken invariants; with --repair, repair them; without it, change nothing. The exit
    status is 1 if any are left.
    """
    configure_logs()
    refuse_unsafe(settings)
    if options.repair:
        _say_store(settings)
    with closing(open_store(settings)) as store:
        join_store(store, secrets=settings.audit_secrets(), change=options.repair)
        services = open_services(settings, store, change=options.repair)
        left = _report(services.faults(), repair=options.repair)
        if options.logged:
            left += _report(services.data.trail.faults_of(*options.logged), repair=False)
    print("no faults" if not left else f"faults left: {left}")
    return 1 if left else 0


def accept_store_key(settings: Settings, _: argparse.Namespace) -> int:
    """Make JWT_SECRET_KEY the key of the store, whose former key is lost. Raises StoreTooNew,
    StoreTooOld.
    """
    configure_logs()
    refuse_unsafe(settings)
    _say_store(settings)
    accept_key(open_store(settings), secrets=settings.audit_secrets())
    open_services(settings).data.trail.record(AuditRow("store.key", by=OPERATOR, target="store"))
    print("JWT_SECRET_KEY is the key of the store")
    return 0


def back_up(settings: Settings, options: argparse.Namespace) -> int:
    """Write a backup of the store to a new file, or to standard output for `-`; with --keep to a
    file with the time in its name, in a folder in which only so many stay. Servers may run. The
    exit status is 1 if a damaged file was left out. Raises StoreUnavailable, UnsafeSettings.
    """
    configure_logs()
    refuse_unsafe(settings)
    if options.keep and not options.file.is_dir():
        raise UnsafeSettings(f"--keep needs a folder, and {options.file} is none")
    store = open_store(settings)
    if str(options.file) == STANDARD_OUTPUT:
        counts = write_backup(store, sys.stdout.buffer, progress=_progress())
    else:
        file = dated_backup(options.file) if options.keep else options.file
        with _removing_half_made(), new_file(file) as out:
            counts = write_backup(store, out, progress=_progress())
        print(f"written: {file}", file=sys.stderr)
    with suppress(SkinAPIError):  # the backup is written all the same
        note_backup(store)
    for key in counts.damaged:
        print(f"left out, because it is damaged: the stored file {key}", file=sys.stderr)
    print(_counted(counts), file=sys.stderr)
    if options.keep and not counts.damaged:  # an older one may have what this one lacks
        for removed in remove_old_backups(options.file, keep=options.keep):
            print(f"removed: {removed}", file=sys.stderr)
    return 1 if counts.damaged else 0


def restore(settings: Settings, options: argparse.Namespace) -> int:
    """Restore a backup into an empty store, then repair what was half written at its moment; with
    --verify, only read the file; with --drill, restore it into a folder beside it that is removed
    again. Raises BrokenBackup, Conflict, StoreTooNew, StoreTooOld, StoreUnavailable,
    UnsafeSettings.
    """
    configure_logs()
    file = newest_backup(options.file)
    if options.verify:
        print(f"whole: {_counted(verify_backup(file))}")
        return 0
    refuse_unsafe(settings)
    if not options.drill:
        _say_store(settings)
        return _restore_into(settings, file)
    with _removing_half_made(), _folder_beside(file) as folder:
        key = SecretStr(settings.signing_key())  # in development it is in the other folder
        empty = {"instance_dir": Path(folder, "instance"), "mongo_uri": None, "jwt_secret_key": key}
        status = _restore_into(settings.model_copy(update=empty), file)
    print(f"{file.name} {'can' if status == 0 else 'CANNOT'} be restored whole")
    return status


def _restore_into(settings: Settings, file: Path) -> int:
    make_store(settings)
    store = open_store(settings)
    counts = restore_backup(store, file, progress=_progress(), leave_out=NOT_RESTORED)
    print(f"restored: {_counted(counts)}")
    for name, many in counts.left_out.items():
        print(f"left out: {many:,} records of {name}: everybody logs in again")
    # The development secret is in no backup; `check` says which audit rows another key signed.
    accept_key(store, secrets=settings.audit_secrets())
    open_services(settings).data.trail.record(
        AuditRow("store.restore", by=OPERATOR, target="store")
    )
    return check(settings, argparse.Namespace(repair=True, logged=None))


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
    ending = [one for one in ENDING if signal.getsignal(one) is signal.SIG_DFL]
    for number in ending:
        signal.signal(number, _exit)
    try:
        yield
    finally:
        for number in ending:
            signal.signal(number, signal.SIG_DFL)


def _exit(number: int, _: object) -> None:
    sys.exit(128 + number)  # as a shell has it


def list_models(settings: Settings, _: argparse.Namespace) -> int:
    """Print the model versions, one on a line; `*` marks the one in service."""
    models = _open_models(settings)
    pointer = models.pointer.read()
    in_service = models.name_of(pointer.version)
    for page in read_pages(lambda after: models.versions.page_versions(after=after)):
        for found in page.items:
            mark = "*" if found.version == in_service else " "
            serving, shadow = found.version == in_service, found.version == pointer.shadow
            state = shown_state(found, serving=serving, shadow=shadow)
            files = f"{found.size / 1e6:.0f} MB" if found.files else "no files"
            print(f"{mark} {found.version}  {state}  {files}  {found.created_at:%Y-%m-%d}")
    return 0


def add_model(settings: Settings, options: argparse.Namespace) -> int:
    """Store the model of a folder as a candidate. Raises ModelDamaged, Conflict."""
    models = _open_models(settings)
    found = models.add(folder=options.folder, by=OPERATOR)
    print(f"{found.version} is a candidate")
    print(f"put it into service with: python -m skinapi models promote {found.version}")
    return 0


def promote_model(settings: Settings, options: argparse.Namespace) -> int:
    """Put a version into service. Raises NotFound, GatesNotPassed, Conflict, InvalidBody."""
    models = _open_models(settings)
    models.promote(
        version=options.version, by=OPERATOR, reason=options.reason, override=options.override
    )
    print(f"{options.version} is in service; every server follows within seconds")
    return 0


def roll_back_model(settings: Settings, options: argparse.Namespace) -> int:
    """Put the version before into service again. Raises Conflict."""
    models = _open_models(settings)
    models.roll_back(by=OPERATOR, reason=options.reason)
    print(f"{models.serving_version()} is in service; every server follows within seconds")
    return 0


def _open_models(settings: Settings) -> ModelsService:
    configure_logs()
    _say_store(settings)
    models = open_services(settings).models
    models.record_built_in()
    return models


def name_store(settings: Settings) -> str:
    """Which store the settings name, without a password."""
    uri = settings.secret("mongo_uri")
    if not uri:
        return f"SQLite in {settings.instance_dir.resolve()}"
    _, _, place = uri.partition("://")[2].rpartition("@")
    return f"MongoDB at {place.partition('?')[0]}"


def _say_store(settings: Settings) -> None:
    """Before a command writes: an operator may mean another store than the settings name."""
    print(f"store: {name_store(settings)}", file=sys.stderr, flush=True)


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


def _report(faults: Iterable[Fault], *, repair: bool) -> int:
    """Print and maybe repair the faults; return how many are left. A repair that fails leaves its
    fault, and does not keep the others from being repaired.
    """
    left = 0
    # The whole list first: a repair would change what the search is still reading.
    for fault in list(faults):
        note = "" if fault.repair else " (cannot be repaired)"
        if repair and fault.repair:
            failed = _failure_of(fault.repair)
            if failed is None:
                print(f"repaired: {fault.message}")
                continue
            note = f" (its repair failed: {failed})"
        left += 1
        print(f"fault: {fault.message}{note}")
    return left


def _failure_of(repair: Callable[[], object]) -> str | None:
    """The name of the error if the repair fails. Raises StoreUnavailable, UnsafeSettings."""
    try:
        repair()
    except (StoreUnavailable, UnsafeSettings):
        raise
    except Exception as error:  # noqa: BLE001 (damaged data can break any code that reads it)
        return type(error).__name__
    return None
