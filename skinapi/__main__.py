"""The command line: `python -m skinapi serve | create-admin | check`."""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from gunicorn.app.wsgiapp import run as run_gunicorn
from pydantic import TypeAdapter, ValidationError

from skinapi import open_rooms, store_faults, store_of
from skinapi.auth.emails import normalise_email
from skinapi.auth.passwords import NewPassword
from skinapi.errors import SkinAPIError
from skinapi.learning.commands import add_commands
from skinapi.registry.service import announce_model
from skinapi.settings import Settings
from skinapi.storage.faults import Fault

FIRST_ADMIN = "admin@skinapi.local"
SERVER_CONFIGURATION = Path(__file__).resolve().parent.parent / "gunicorn.conf.py"


def serve(settings: Settings, _: argparse.Namespace) -> int:
    """Make sure of an admin, say where to look, and serve from this very process: gunicorn's
    workers inherit what it has imported, and start in half the time.
    """
    _greet(settings)
    sys.argv = ["gunicorn", "--config", str(SERVER_CONFIGURATION), "skinapi:create_app()"]
    run_gunicorn()
    return 0


def _greet(settings: Settings) -> None:
    """The first screen. Nothing stays open behind it: the workers fork from here."""
    rooms = open_rooms(settings)
    print("\nSkinAPI: for information only, not a medical diagnosis\n")
    for address in settings.binds:
        print(f"  open      http://{address}")
    print(f"  model     {announce_model(settings)}")
    if not rooms.admin.has_admin():
        account, password = rooms.admin.ensure_admin(email=FIRST_ADMIN, password=None)
        print(f"  admin     {account.email}")
        print(f"  password  {password}   (shown once)")
        print(f"  replace it first, on  {settings.address}/password")
    print(flush=True)
    rooms.store.close()


def create_admin(settings: Settings, options: argparse.Namespace) -> int:
    """Make this address an active admin's; running it again changes nothing."""
    password = sys.stdin.readline().rstrip("\n") if options.password_stdin else None
    if password is not None:
        TypeAdapter(NewPassword).validate_python(password)
    rooms = open_rooms(settings)
    account, one_time = rooms.admin.ensure_admin(email=options.email, password=password)
    print(f"{account.email} is an admin")
    if one_time:
        print(f"one-time password: {one_time}")
    return 0


def check(settings: Settings, options: argparse.Namespace) -> int:
    """List broken invariants, mend them if asked; 1 if any are left."""
    left = _report(store_faults(store_of(settings)), repair=options.repair)
    if left and not options.repair:
        return 1
    left += _report(open_rooms(settings).faults(), repair=options.repair)
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


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        done: int = options.run(Settings(), options)
    except SkinAPIError as error:
        print(f"skinapi: {error.detail}", file=sys.stderr)
        return 2
    except ValidationError as error:
        for fault in error.errors(include_input=False):
            print(f"skinapi: {'.'.join(map(str, fault['loc']))} {fault['msg']}", file=sys.stderr)
        return 2
    return done


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="skinapi", description=__doc__)
    commands = parser.add_subparsers(required=True)
    commands.add_parser("serve", help="serve the API").set_defaults(run=serve)
    admin = commands.add_parser("create-admin", help="make an address an admin's")
    admin.add_argument("--email", required=True, type=normalise_email)
    admin.add_argument("--password-stdin", action="store_true", help="read it from a pipe")
    admin.set_defaults(run=create_admin)
    checker = commands.add_parser("check", help="list broken invariants")
    checker.add_argument("--repair", action="store_true", help="and mend them")
    checker.set_defaults(run=check)
    add_commands(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
