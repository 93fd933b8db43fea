"""`__main__` imports this module only when needed, to keep gunicorn's parent process small."""

import argparse
import sys
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass

from pydantic import TypeAdapter

from skinapi.accounts.auth.account import Account
from skinapi.accounts.auth.passwords import NewPassword
from skinapi.app.composition.services import Services, open_services
from skinapi.app.integrity_check import check_records, check_trail
from skinapi.base.errors import StoreUnavailable, UnsafeSettings
from skinapi.base.logs import configure_logs
from skinapi.base.pages import read_all
from skinapi.base.settings.safety import refuse_unsafe
from skinapi.base.settings.settings import Settings
from skinapi.model.registry.version_schemas import shown_state
from skinapi.model.registry.version_service import ModelsService
from skinapi.platform.storage.faults import PUT_BACK, Fault
from skinapi.platform.storage.store_version import accept_key, join_store
from skinapi.platform.storage.unit_of_work import AuditRow
from skinapi.platform.stores.store_factory import make_store, open_store

FIRST_ADMIN = "admin@skinapi.local"
# The operator in the audit trail.
OPERATOR = "system"
NO_ADMIN = "  admin     none yet: python -m skinapi create-admin --email me@clinic.example\n"
NOTED_AS_LOST = (
    "{} lost files are noted as lost now, for good. A backup may have them: put them back before "
    "--repair (docs/operate/backup.md#one-lost-file)"
)


def print_banner(settings: Settings) -> None:
    print("\nSkinAPI: for information only, not a medical diagnosis\n")
    bound = [f"http://{address}" for address in settings.binds]
    for address in [settings.public_url] if settings.public_url else bound:
        print(f"  open      {address}")
    print(flush=True)


def make_first_admin(settings: Settings, services: Services) -> None:
    """Call it before a caller can register the address. Only the worker that made the one-time
    password prints it, and not in production, where output is logged.
    """
    if services.admin.has_admin():
        return
    if settings.production:
        print(NO_ADMIN, flush=True)
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
    configure_logs()
    password = sys.stdin.readline().rstrip("\n") if options.password_stdin else None
    if password is not None:
        TypeAdapter(NewPassword).validate_python(password)
    say_store(settings)
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
    if before is None:
        return "the account was created"
    if not before.active_admin:
        was = f"it was a {before.role} ({before.status})"
        return f"promoted, {was}; it has a new password, and its sessions have ended"
    if after.token_version == before.token_version:
        return "nothing was changed, it was one already"
    return "it was one already; its password was changed, and its sessions have ended"


def check(settings: Settings, options: argparse.Namespace) -> int:
    return check_store(settings, repair=options.repair, logged=options.logged).status


@dataclass(frozen=True, slots=True)
class FaultsLeft:
    records: int
    trail: int

    @property
    def status(self) -> int:
        return 1 if self.records or self.trail else 0


def check_store(
    settings: Settings, *, repair: bool, logged: tuple[int, str] | None = None
) -> FaultsLeft:
    configure_logs()
    refuse_unsafe(settings)
    if repair:
        say_store(settings)
    with closing(open_store(settings)) as store:
        join_store(store, secrets=settings.audit_secrets(), change=repair)
        services = open_services(settings, store, change=repair)
        records = _report(check_records(services), repair=repair)
        trail = _report(check_trail(services), repair=repair)
        if logged:
            trail += _report(services.data.trail.faults_of(*logged), repair=False)
    left = records + trail
    print("no faults" if not left else f"faults left: {left}")
    return FaultsLeft(records, trail)


def show_retention(settings: Settings, _: argparse.Namespace) -> int:
    configure_logs()
    refuse_unsafe(settings)
    with closing(open_store(settings)) as store:
        join_store(store, secrets=settings.audit_secrets(), change=False)
        due = open_services(settings, store, change=False).retention.count_due()
    for kind, count in due.items():
        print(f"{kind.setting}={settings.retained_days[kind]}: {count} due")
    if not due:
        print("nothing is deleted by age: no RETAIN_…_DAYS is set")
    return 0


def allow_erasure(settings: Settings, _: argparse.Namespace) -> int:
    configure_logs()
    refuse_unsafe(settings)
    with closing(open_store(settings)) as store:
        services = open_services(settings, store)
        stopped = services.data.erasure_guard.allow_all()
        for sweep in stopped:
            row = AuditRow("store.allow_erasure", by=OPERATOR, target=sweep.id)
            services.data.trail.record(row)
            print(f"{sweep.id}: {sweep.accounts} accounts will be erased")
    if not stopped:
        print("no sweep has stopped")
    return 0


def accept_store_key(settings: Settings, _: argparse.Namespace) -> int:
    configure_logs()
    refuse_unsafe(settings)
    say_store(settings)
    store = open_store(settings)
    accept_key(store, secrets=settings.audit_secrets())
    services = open_services(settings, store)
    services.data.trail.record(AuditRow("store.key", by=OPERATOR, target="store"))
    print("JWT_SECRET_KEY is the key of the store")
    return 0


def list_models(settings: Settings, _: argparse.Namespace) -> int:
    models = _open_models(settings)
    in_service = models.serving_version()
    for found in read_all(models.versions.page_versions):
        mark = "*" if found.version == in_service else " "
        state = shown_state(found, serving=found.version == in_service)
        files = f"{found.size / 1e6:.0f} MB" if found.files else "no files"
        print(f"{mark} {found.version}  {state}  {files}  {found.created_at:%Y-%m-%d}")
    return 0


def add_model(settings: Settings, options: argparse.Namespace) -> int:
    models = _open_models(settings)
    found = models.add(folder=options.folder, by=OPERATOR)
    print(f"{found.version} is a candidate")
    print(f"put it into service with: python -m skinapi models promote {found.version}")
    return 0


def promote_model(settings: Settings, options: argparse.Namespace) -> int:
    models = _open_models(settings)
    models.promote(
        version=options.version, by=OPERATOR, reason=options.reason, override=options.override
    )
    print(f"{options.version} is in service; every server follows within seconds")
    return 0


def roll_back_model(settings: Settings, options: argparse.Namespace) -> int:
    models = _open_models(settings)
    models.roll_back(by=OPERATOR, reason=options.reason)
    print(f"{models.serving_version()} is in service; every server follows within seconds")
    return 0


def _open_models(settings: Settings) -> ModelsService:
    configure_logs()
    say_store(settings)
    models = open_services(settings).models
    models.record_built_in()
    return models


def name_store(settings: Settings) -> str:
    uri = settings.secret("mongo_uri")
    if not uri:
        return f"SQLite in {settings.instance_dir.resolve()}"
    _, _, place = uri.partition("://")[2].rpartition("@")
    return f"MongoDB at {place.partition('?')[0]}"


def say_store(settings: Settings) -> None:
    """The operator may mean another store."""
    print(f"store: {name_store(settings)}", file=sys.stderr, flush=True)


def _report(faults: Iterable[Fault], *, repair: bool) -> int:
    """Return the number of faults that remain. A failed repair does not prevent the others."""
    left = 0
    # List all faults first, because a repair would change what is being searched.
    found = list(faults)
    if repair and (lost := sum(fault.lost for fault in found)):
        print(NOTED_AS_LOST.format(lost), file=sys.stderr, flush=True)
    for fault in found:
        note = "" if fault.repair else " (cannot be repaired)"
        note = f"; {PUT_BACK}, else --repair notes it as lost" if fault.lost else note
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
    try:
        repair()
    except (StoreUnavailable, UnsafeSettings):
        raise
    except Exception as error:  # noqa: BLE001 (damaged data can break any code that reads it)
        return type(error).__name__
    return None
