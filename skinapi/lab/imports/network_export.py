"""Has a process without secrets (network_process.py) make a model folder of a foreign network."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from skinapi.errors import BadNetwork, DiskFull
from skinapi.jobs.process.environment import machine_environment
from skinapi.jobs.process.job_guard import FOLDER
from skinapi.jobs.process.process_control import described
from skinapi.learning.commands.train_options import ExportOptions

_ROOT = Path(__file__).parents[3]
CONFINEMENT, PROGRAM = "skinapi.jobs.process.confinement", "skinapi.lab.imports.network_process"
LONGEST_ANSWER = 64 * 1024
FAULTS: Mapping[str | None, type[BadNetwork]] = {
    fault.code: fault for fault in BadNetwork.__subclasses__()
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRequest(ExportOptions):
    """The network's file, what its owner says of it, and where the folder is wanted."""

    out: Path


REQUEST = TypeAdapter(ExportRequest)


class ExportAnswer(BaseModel):
    """What is worth telling of the network, or why it was refused: the error's words and code."""

    model_config = ConfigDict(frozen=True)

    lines: tuple[str, ...] = ()
    fault: str | None = None
    code: str | None = None
    disk_full: bool = False


def export_confined(request: ExportRequest, *, work: Path, memory: int) -> tuple[str, ...]:
    """Make the folder `request.out`; returns what is worth telling. The process may use so many
    bytes of memory.

    Raises BadNetwork, also where the process was ended, and DiskFull.
    """
    answer = _ask(request, work=work, memory=memory)
    if answer.disk_full:
        raise DiskFull
    if answer.fault is not None:
        raise FAULTS.get(answer.code, BadNetwork)(answer.fault)
    # Whoever has taken the process over could name files of this server.
    if any(path.is_symlink() for path in request.out.rglob("*")):
        raise BadNetwork("The network's folder holds a link")
    return answer.lines


def _ask(request: ExportRequest, *, work: Path, memory: int) -> ExportAnswer:
    with (work / "export-answer").open("w+b") as answer:
        ended = subprocess.run(  # noqa: S603 (our own program)
            [sys.executable, "-m", CONFINEMENT, PROGRAM, str(memory)],
            input=REQUEST.dump_json(request),
            stdout=answer,
            cwd=_ROOT,
            env=_environment(),
            check=False,
        )
        answer.seek(0)
        written = answer.read(LONGEST_ANSWER)
    if ended.returncode != 0:
        raise BadNetwork(
            f"The process that read the network was ended {described(ended.returncode)}; it may "
            f"have needed more than the {memory // 1024**2} MB that a job may use"
        )
    try:
        return ExportAnswer.model_validate_json(written)
    except ValidationError as error:
        raise BadNetwork("The process that read the network gave no answer") from error


def _environment() -> Mapping[str, str]:
    """By the folder of the jobs, the worker finds a process whose job has died."""
    mark = {FOLDER: os.environ[FOLDER]} if FOLDER in os.environ else {}
    return {**machine_environment(), **mark}
