"""The commands that work on the store. It is imported only when it is needed: the
process that serving starts from stays small.
"""

import argparse
import sys
from collections.abc import Iterable

from pydantic import TypeAdapter

from skinapi.auth.passwords import NewPassword
from skinapi.registry.service import announce_model
from skinapi.services import Services, open_services, store_faults, store_of
from skinapi.settings import Settings
from skinapi.storage.faults import Fault

FIRST_ADMIN = "admin@skinapi.local"


def greet(settings: Settings) -> None:
    """The first screen: where to look, and at which model."""
    print("\nSkinAPI: for information only, not a medical diagnosis\n")
    for address in settings.binds:
        print(f"  open      http://{address}")
    print(f"  model     {announce_model(settings)}\n", flush=True)


def make_first_admin(settings: Settings, services: Services) -> None:
    """Where nobody is admin, one that no caller could register before; every worker calls this
    before it serves, and the one that made the password shows it.
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
    """Make this address an active admin's, under a password that its owner is told here."""
    password = sys.stdin.readline().rstrip("\n") if options.password_stdin else None
    if password is not None:
        TypeAdapter(NewPassword).validate_python(password)
    services = open_services(settings)
    account, one_time = services.admin.ensure_admin(email=options.email, password=password)
    print(f"{account.email} is an admin")
    if one_time:
        print(f"one-time password: {one_time}")
        print(f"replace it first, on {settings.password_page}")
    return 0


def check(settings: Settings, options: argparse.Namespace) -> int:
    """List broken invariants, mend them if asked; 1 if any are left."""
    left = _report(store_faults(store_of(settings)), repair=options.repair)
    if left and not options.repair:
        return 1
    left += _report(open_services(settings).faults(), repair=options.repair)
    print("all is well" if not left else f"{left} left")
    return 1 if left else 0


def _report(faults: Iterable[Fault], *, repair: bool) -> int:
    left = 0
    for fault in list(faults):
        if repair and fault.repair:
            fault.repair()
            print(f"mended: {fault.says}")
        else:
            left += 1
            print(f"fault: {fault.says}{'' if fault.repair else ' (cannot be mended)'}")
    return left
