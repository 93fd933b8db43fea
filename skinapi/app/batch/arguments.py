import argparse
import importlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from skinapi.base.errors import Conflict, Unavailable, Unprocessable, UnsafeSettings
from skinapi.base.settings.findings import TRIAGE
from skinapi.base.settings.settings import Settings

# With --restart, the same command would discard the finished rows.
GO_ON = "run the same command again, without --restart"


class OutputInUse(Conflict):
    code = "output_in_use"
    sentence = "Another run writes this output; wait for it, or choose another --out"


class OutputOfAnotherRun(Conflict):
    code = "output_of_another_run"
    sentence = "The output belongs to another run; --restart begins it anew"


class OutputDamaged(Unprocessable):
    code = "output_damaged"
    sentence = "A finished part of the output cannot be read; --restart begins it anew"


class BadSource(Unprocessable):
    code, sentence = "bad_source", "The pictures cannot be listed"


class PicturesGone(Unavailable):
    code = "pictures_gone"
    sentence = (
        "The pictures cannot be reached any more: is their disk or network share still mounted? "
        f"Then {GO_ON}"
    )


class OutputUnwritable(Unavailable):
    code, sentence = "output_unwritable", "The output cannot be written"


class ClusterUnavailable(Unavailable):
    code, sentence = "cluster_unavailable", "The cluster cannot be used"


if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

STDIN = "-"
MOST_THREADS = 1024


@dataclass(frozen=True, slots=True)
class BatchArguments:
    source: str
    out: Path
    null: bool
    model: Path | None
    triage: str | None
    threads: int
    cluster: str | None
    restart: bool


def add_commands(commands: "Commands") -> None:
    """Imports nothing that only a batch run needs."""
    parser = commands.add_parser("batch", help="judge a folder or a list of pictures into a table")
    parser.add_argument(
        "source",
        metavar="FOLDER|LIST",
        help="a folder with pictures in any depth; or a text file with one path on a line; or a "
        "table (.csv) with the column `path` and what is told of each picture; "
        f"`{STDIN}` reads a list from standard input",
    )
    parser.add_argument(
        "--out",
        type=_parquet_file,
        required=True,
        metavar="FILE.parquet",
        help="the table of findings; run the same command again, without --restart, to go on after "
        "an interruption",
    )
    parser.add_argument(
        "--null", action="store_true", help="paths in LIST end with a NUL byte (find -print0)"
    )
    parser.add_argument(
        "--model", type=Path, metavar="FOLDER", help="model folder; if not given: MODEL_PATH"
    )
    parser.add_argument(
        "--triage",
        choices=TRIAGE,
        help="the operating point: cautious sends the most cancers to a doctor, selective spares "
        "the most harmless lesions; if not given: that of the setting TRIAGE",
    )
    parser.add_argument(
        "--threads",
        type=_threads,
        default=len(os.sched_getaffinity(0)),
        help="pictures judged at the same time; if not given: the number of cores",
    )
    parser.add_argument(
        "--cluster", metavar="ADDRESS", help="judge on the workers of this Dask scheduler instead"
    )
    parser.add_argument(
        "--restart", action="store_true", help="forget what an earlier run with this --out finished"
    )
    parser.set_defaults(run=judge_archive)


def judge_archive(settings: Settings, options: argparse.Namespace) -> int:
    try:
        # Imported late, because a server needs none of its libraries.
        command = importlib.import_module("skinapi.app.batch.command")
    except ModuleNotFoundError as error:
        raise UnsafeSettings(
            f"batch needs a library that is not installed ({error.name}): install "
            "requirements-batch.txt"
        ) from error
    status: int = command.run(settings, options)
    return status


def _parquet_file(text: str) -> Path:
    if not text.endswith(".parquet"):
        raise argparse.ArgumentTypeError("the name must end with .parquet")
    return Path(text)


def _threads(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_THREADS:
        raise argparse.ArgumentTypeError(f"a number from 1 to {MOST_THREADS}")
    return int(text)
