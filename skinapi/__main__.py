"""The command line: `python -m skinapi serve | worker | create-admin | check | backup | …`."""

import argparse
import importlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from gunicorn.app.base import Application
from gunicorn.arbiter import Arbiter
from gunicorn.errors import HaltServer
from gunicorn.workers.base import Worker
from pydantic import ValidationError

from skinapi.accounts.auth.email_addresses import normalise_new_email
from skinapi.base.errors import SkinAPIError, UnsafeSettings
from skinapi.base.settings.demo_folder import DEMO_FOLDER, demo_environment
from skinapi.base.settings.instance_folder import refuse_other_user
from skinapi.base.settings.safety import (
    faults_of,
    faults_of_folders,
    odd_names,
    read_settings,
    refuse_unsafe,
)
from skinapi.base.settings.settings import Settings, sentences_of
from skinapi.base.settings.value_checks import ODD_KEY, is_odd_key
from skinapi.platform.jobs.process import WorkerKeeper

# Each adds commands of which a server needs none.
MORE_COMMANDS: tuple[str, ...] = (
    "skinapi.app.batch.arguments",
    "skinapi.learning.commands.command_line",
)
Run = Callable[[Settings, argparse.Namespace], int]
REFUSED = 2  # the exit status where a setting has to be changed first
SERVER_CONFIGURATION = Path(__file__).resolve().parent.parent / "gunicorn.conf.py"


class ArbiterWithJobs(Arbiter):  # type: ignore[misc]
    """gunicorn's parent process, which also keeps the job workers running."""

    def __init__(self, app: Application, job_workers: int) -> None:
        super().__init__(app)
        self._keepers = [WorkerKeeper() for _ in range(job_workers)]

    def manage_workers(self) -> None:
        """gunicorn calls this once a second, and when a child has ended."""
        super().manage_workers()
        for keeper in self._keepers:
            keeper.look()

    def stop(self, graceful: bool = True) -> None:
        for keeper in self._keepers:
            keeper.ask_to_stop()
        super().stop(graceful)
        for keeper in self._keepers:
            keeper.stop()


class Server(Application):  # type: ignore[misc]
    """gunicorn with our configuration. Before a worker accepts requests it makes sure that there is
    an admin; the first worker also prints the startup banner.
    """

    def __init__(self, job_workers: int) -> None:
        self._job_workers = job_workers
        super().__init__()

    def run(self) -> None:
        try:
            ArbiterWithJobs(self, self._job_workers).run()
        except RuntimeError as error:  # as gunicorn does
            print(f"\nError: {error}\n", file=sys.stderr, flush=True)
            sys.exit(1)

    def init(self, *_: object) -> None:
        """gunicorn asks for further settings: there are none."""

    def load_config(self) -> None:
        super().load_config()
        self.cfg.set("post_worker_init", _before_serving)

    def load(self) -> Any:
        create_app = importlib.import_module("skinapi.app.application").create_app
        return create_app()


def _before_serving(worker: Worker) -> None:
    """gunicorn calls this in each worker after the app is loaded and before it accepts requests."""
    commands, settings = _commands(), Settings()
    if worker.age == 1:
        commands.print_banner(settings)
    worker.wait_for_store(partial(commands.make_first_admin, settings, worker.wsgi.services))


def serve(settings: Settings, _: argparse.Namespace) -> int:
    """Serve the API until the process is stopped."""
    refuse_unsafe(settings)
    sys.argv = ["gunicorn", "--config", str(SERVER_CONFIGURATION)]
    parent = os.getpid()
    try:
        Server(settings.lab_workers).run()
    except (SystemExit, HaltServer) as ended:
        # HaltServer: another worker has failed too, while gunicorn stopped for the first.
        status = ended.code if isinstance(ended, SystemExit) else ended.exit_status
        # A worker is a fork of this process, so it passes here too, and keeps its own status.
        if os.getpid() != parent or status != Arbiter.APP_LOAD_ERROR:
            raise
        return REFUSED
    return 0


def show_demo(_: Settings, options: argparse.Namespace) -> int:
    """Serve a clinic that is already at work, from a folder of its own, which is made where it is
    missing.
    """
    os.environ.update(demo_environment(options.folder))
    settings = read_settings()
    # In a process of its own, because it sets the clock back.
    making = [sys.executable, "-m", "skinapi.app.demo"]
    if (status := subprocess.run(making, check=False).returncode) != 0:  # noqa: S603 (our own)
        return status
    return serve(settings, options)


def work(_: Settings, __: argparse.Namespace) -> int:
    """Run jobs until the process is stopped, as another program: one without all these imports."""
    os.execv(sys.executable, [sys.executable, "-m", "skinapi.app.worker"])  # noqa: S606 (our own)


def _lazy_command(name: str, module: str = "commands") -> Run:
    """The function `name` of this module, which is imported only when the command runs, as the user
    to whom the store belongs.
    """

    def run(settings: Settings, options: argparse.Namespace) -> int:
        only_reads_file = any(vars(options).get(name) for name in ("verify", "drill"))
        if not (settings.mongo_uri or only_reads_file):
            _refuse_other_user(settings, options)
        status: int = getattr(_commands(module), name)(settings, options)
        return status

    return run


def _refuse_other_user(settings: Settings, options: argparse.Namespace) -> None:
    refuse_other_user(
        settings.instance_dir,
        command=[sys.executable, "-m", "skinapi", *options.command],
        kept=[name.upper() for name in Settings.model_fields if name.upper() in os.environ],
        as_root=options.as_root,
    )


def _commands(module: str = "commands") -> Any:
    # Imported late: it imports the whole application.
    return importlib.import_module(f"skinapi.app.{module}")


def main(arguments: list[str] | None = None) -> int:
    """Run one command, and return its exit status.

    REFUSED for a SkinAPIError or an invalid setting.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(arguments, argparse.Namespace(command=arguments))
    os.umask(0o077)  # other users of this machine must not read findings and photos
    try:
        status: int = options.run(read_settings(options.faults), options)
    except SkinAPIError as error:
        _say(error.detail.splitlines())
        return REFUSED
    except ValidationError as error:  # of a value that a command was given
        _say(sentences_of(error))
        return REFUSED
    return status


def _say(sentences: Iterable[str]) -> None:
    sys.stderr.writelines(f"skinapi: {each}\n" for each in sentences)


def _all_faults_of(settings: Settings) -> list[str]:
    """List also what is found later in a start, or keeps no server from starting."""
    odd = [ODD_KEY] if is_odd_key(settings.secret("jwt_secret_key") or "") else []
    areas: list[str] = _commands("areas").faults_of_areas(settings)
    return [*faults_of(settings), *faults_of_folders(settings), *odd, *areas]


def check_settings(settings: Settings, _: argparse.Namespace) -> int:
    """Say whether a server would start with these settings, and which names are none."""
    _say(odd_names())
    if faults := _all_faults_of(settings):
        raise UnsafeSettings("\n".join(faults))
    if not settings.lab_workers:
        _say(["LAB_WORKERS=0: `serve` starts no job worker; start `python -m skinapi worker` too"])
    _say(settings.list_notes(settings.photos))
    print(settings.sizing.reason)
    print(f"the settings are safe to serve with ({settings.environment})")
    return 0


def show_areas(settings: Settings, _: argparse.Namespace) -> int:
    """List what a clinic may do without, and what of it is on."""
    print("\n".join(_commands("areas").describe_areas(settings)))
    return 0


def _store_options() -> argparse.ArgumentParser:
    """Return the options of every command that works on the store."""
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument(
        "--as-root", action="store_true", help="run as root although the store is another user's"
    )
    return options


def _parser() -> argparse.ArgumentParser:
    store = _store_options()
    parser = argparse.ArgumentParser(prog="skinapi", description=__doc__)
    parser.set_defaults(faults=faults_of)
    commands = parser.add_subparsers(required=True)
    commands.add_parser("serve", help="serve the API").set_defaults(run=serve)
    commands.add_parser("worker", help="run jobs, such as trainings").set_defaults(run=work)
    demo = commands.add_parser(
        "demo", help="serve a clinic that is already at work, to look around"
    )
    demo.add_argument("folder", type=Path, nargs="?", default=DEMO_FOLDER, help="where it is kept")
    demo.set_defaults(run=show_demo)
    admin = commands.add_parser(
        "create-admin",
        parents=[store],
        help="make the account with this e-mail address an admin",
    )
    admin.add_argument("--email", required=True, type=normalise_new_email)
    admin.add_argument(
        "--password-stdin", action="store_true", help="read the password from standard input"
    )
    admin.set_defaults(run=_lazy_command("create_admin"))
    checker = commands.add_parser("check", parents=[store], help="list broken invariants")
    checker.add_argument("--repair", action="store_true", help="also repair them")
    checker.add_argument(
        "--logged",
        type=_position,
        metavar="SEQUENCE:HASH",
        help="from a log line: the trail must have this audit row",
    )
    checker.set_defaults(run=_lazy_command("check"))
    retention = commands.add_parser(
        "retention", parents=[store], help="show what retention by age would delete"
    )
    retention.add_argument(
        "--dry-run", action="store_true", required=True, help="count only, delete nothing"
    )
    retention.set_defaults(run=_lazy_command("show_retention"))
    allowing = commands.add_parser(
        "allow-erasure",
        parents=[store],
        help="let sweeps continue that have stopped because they would erase many accounts",
    )
    allowing.set_defaults(run=_lazy_command("allow_erasure"))
    accepting = commands.add_parser(
        "accept-key",
        parents=[store],
        help="make JWT_SECRET_KEY the key of a store whose own is lost",
    )
    accepting.set_defaults(run=_lazy_command("accept_store_key"))
    settings = commands.add_parser(
        "check-settings", help="say whether a server would start, and which names are no settings"
    )
    settings.set_defaults(run=check_settings, faults=_all_faults_of)
    listing = commands.add_parser("areas", help="list what can be switched off, and what is on")
    listing.set_defaults(run=show_areas)
    _add_backups(commands, store)
    _add_models(commands, store)
    for name in MORE_COMMANDS:
        importlib.import_module(name).add_commands(commands)
    return parser


def _add_backups(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", store: argparse.ArgumentParser
) -> None:
    backup = commands.add_parser(
        "backup", parents=[store], help="copy the store into one file; servers may run"
    )
    backup.add_argument("file", type=Path, help="a new file, or - for standard output")
    backup.add_argument(
        "--keep",
        type=_count,
        metavar="N",
        help="`file` is a folder: write a file with the time in its name, and keep the newest N",
    )
    backup.set_defaults(run=_lazy_command("back_up", "backup_commands"))
    made = commands.add_parser(
        "backups", parents=[store], help="list the backups that were made, as far as known"
    )
    made.add_argument("--destroyed", metavar="ID", help="this one, with all its copies, is no more")
    made.set_defaults(run=_lazy_command("show_backups", "backup_commands"))
    _add_restore(commands, store)
    erased = commands.add_parser(
        "erased-ids", parents=[store], help="write the ids of what was erased, for a later restore"
    )
    erased.add_argument("file", type=Path, help="it is replaced")
    erased.set_defaults(run=_lazy_command("export_erased_ids", "backup_commands"))
    scrub = commands.add_parser(
        "scrub", parents=[store], help="overwrite what was deleted; nobody can write meanwhile"
    )
    scrub.set_defaults(run=_lazy_command("scrub", "backup_commands"))


def _add_restore(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", store: argparse.ArgumentParser
) -> None:
    restore = commands.add_parser(
        "restore", parents=[store], help="put a backup into an empty store"
    )
    restore.add_argument("file", type=Path, help="or a folder: the newest backup in it")
    only = restore.add_mutually_exclusive_group()
    only.add_argument("--verify", action="store_true", help="only read the file and verify it")
    only.add_argument(
        "--drill", action="store_true", help="restore it beside the file, check it, and remove it"
    )
    since = restore.add_mutually_exclusive_group()
    since.add_argument(
        "--erased",
        type=Path,
        metavar="FILE",
        help="a list of erased ids: they are erased again",
    )
    since.add_argument(
        "--without-erased-ids",
        action="store_true",
        help="although nobody knows who was erased since the backup",
    )
    restore.add_argument(
        "--accept-key",
        action="store_true",
        help="although the JWT_SECRET_KEY of the backup is lost: no number finds its patient then",
    )
    restore.set_defaults(run=_lazy_command("restore", "restore_commands"))


def _add_models(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", store: argparse.ArgumentParser
) -> None:
    models = commands.add_parser("models", help="list, add, promote and roll back model versions")
    actions = models.add_subparsers(required=True)
    listing = actions.add_parser("list", parents=[store], help="list the versions")
    listing.set_defaults(run=_lazy_command("list_models"))
    adding = actions.add_parser(
        "add", parents=[store], help="store the model that train or export made"
    )
    adding.add_argument("folder", type=Path)
    adding.set_defaults(run=_lazy_command("add_model"))
    promoting = actions.add_parser("promote", parents=[store], help="put a version into service")
    promoting.add_argument("version")
    promoting.add_argument("--reason")
    promoting.add_argument(
        "--override", action="store_true", help="although a gate is not passed; needs --reason"
    )
    promoting.set_defaults(run=_lazy_command("promote_model"))
    back = actions.add_parser(
        "rollback", parents=[store], help="put the version before into service again"
    )
    back.add_argument("--reason")
    back.set_defaults(run=_lazy_command("roll_back_model"))


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError("it must be a whole number from 1 up")
    return int(text)


def _position(text: str) -> tuple[int, str]:
    sequence, _, logged_hash = text.partition(":")
    return int(sequence), logged_hash


if __name__ == "__main__":
    sys.exit(main())
