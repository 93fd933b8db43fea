"""The commands that work on the store.

`__main__` imports this module only when it is needed, so that gunicorn's parent process, which
needs no application, stays small.
"""

import argparse
import sys
from collections.abc import Iterable

from pydantic import TypeAdapter

from skinapi.auth.passwords import NewPassword
from skinapi.logs import configure_logs
from skinapi.registry.models_schemas import shown_state
from skinapi.registry.models_service import ModelsService
from skinapi.registry.service import announce_model
from skinapi.registry.slot import ServingSlot
from skinapi.services import Services, make_store_of, open_services, store_faults, store_of
from skinapi.settings import Settings
from skinapi.settings.safety import refuse_unsafe
from skinapi.storage.faults import Fault

FIRST_ADMIN = "admin@skinapi.local"
# Whoever may run these commands, in the audit trail.
OPERATOR = "system"


def print_banner(settings: Settings, slot: ServingSlot) -> None:
    """Print the startup banner: the addresses of the server, and the model."""
    print("\nSkinAPI: for information only, not a medical diagnosis\n")
    for address in settings.binds:
        print(f"  open      http://{address}")
    print(f"  model     {announce_model(settings, slot)}\n", flush=True)


def make_first_admin(settings: Settings, services: Services) -> None:
    """If there is no active admin, create one, and print its one-time password.

    Each worker calls this before it accepts requests, so no caller can register this e-mail address
    first. Only the worker that made the password prints it.
    """
    if services.admin.has_admin():
        return
    account, password = services.admin.ensure_admin(email=FIRST_ADMIN, password=None)
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
    make_store_of(settings)
    services = open_services(settings)
    account, one_time = services.admin.ensure_admin(email=options.email, password=password)
    print(f"{account.email} is an admin")
    if one_time:
        print(f"one-time password: {one_time}")
        print(f"replace it first, on {settings.password_page}")
    return 0


def check(settings: Settings, options: argparse.Namespace) -> int:
    """List broken invariants; with --repair, repair them. The exit status is 1 if any are left."""
    configure_logs()
    refuse_unsafe(settings)
    # These faults keep the services from being opened, so they come first.
    left = _report(store_faults(store_of(settings)), repair=options.repair)
    if left and not options.repair:
        return 1
    services = open_services(settings)
    left += _report(services.faults(), repair=options.repair)
    if options.logged:
        left += _report(services.trail.faults_of(*options.logged), repair=False)
    print("no faults" if not left else f"faults left: {left}")
    return 1 if left else 0


def list_models(settings: Settings, _: argparse.Namespace) -> int:
    """Print the model versions, one on a line; `*` marks the one in service."""
    models = _open_models(settings)
    pointer, after = models.pointer.read(), None
    in_service = models.name_of(pointer.version)
    while True:
        page = models.list_versions(after=after, limit=100)
        for found in page.items:
            mark = "*" if found.version == in_service else " "
            serving, shadow = found.version == in_service, found.version == pointer.shadow
            state = shown_state(found, serving=serving, shadow=shadow)
            files = f"{found.size / 1e6:.0f} MB" if found.files else "no files"
            print(f"{mark} {found.version}  {state}  {files}  {found.created_at:%Y-%m-%d}")
        after = page.next_after
        if after is None:
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
    models = open_services(settings).models
    models.record_built_in()
    return models


def _report(faults: Iterable[Fault], *, repair: bool) -> int:
    """Print and maybe repair the faults; return how many are left."""
    left = 0
    # The whole list first: a repair would change what the search is still reading.
    for fault in list(faults):
        if repair and fault.repair:
            fault.repair()
            print(f"repaired: {fault.says}")
        else:
            left += 1
            print(f"fault: {fault.says}{'' if fault.repair else ' (cannot be repaired)'}")
    return left
