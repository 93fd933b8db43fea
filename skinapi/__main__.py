"""The command line: `python -m skinapi serve | create-admin | check | train | …`."""

import argparse
import importlib
import os
import sys
from pathlib import Path
from typing import Any

from gunicorn.app.wsgiapp import WSGIApplication
from gunicorn.workers.base import Worker
from pydantic import ValidationError

from skinapi.auth.emails import normalise_email
from skinapi.errors import SkinAPIError
from skinapi.learning.commands import Run, add_commands
from skinapi.settings import Settings

SERVER_CONFIGURATION = Path(__file__).resolve().parent.parent / "gunicorn.conf.py"


class Server(WSGIApplication):  # type: ignore[misc]
    """gunicorn as we configure it, with a first admin before any worker serves, and a first screen
    when the first one has started. This process stays small: only the workers import the app.
    """

    def load_config(self) -> None:
        super().load_config()
        self.cfg.set("post_worker_init", _before_serving)


def _before_serving(worker: Worker) -> None:
    """Called in each worker when the app is loaded and no request is accepted yet."""
    commands, settings = _commands(), Settings()
    if worker.age == 1:
        commands.greet(settings)
    commands.make_first_admin(settings, worker.wsgi.extensions["skinapi"])


def serve(settings: Settings, _: argparse.Namespace) -> int:
    settings.refuse_unsafe()
    sys.argv = ["gunicorn", "--config", str(SERVER_CONFIGURATION), "skinapi.app:create_app()"]
    Server().run()
    return 0


def _with_the_house(name: str) -> Run:
    def run(settings: Settings, options: argparse.Namespace) -> int:
        done: int = getattr(_commands(), name)(settings, options)
        return done

    return run


def _commands() -> Any:
    return importlib.import_module("skinapi.commands")


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    os.umask(0o077)  # findings and photos are nobody else's to read
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
    admin.set_defaults(run=_with_the_house("create_admin"))
    checker = commands.add_parser("check", help="list broken invariants")
    checker.add_argument("--repair", action="store_true", help="and mend them")
    checker.set_defaults(run=_with_the_house("check"))
    add_commands(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
