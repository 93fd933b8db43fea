"""The job that makes a model version from an uploaded network.

A process without secrets (this module, run as a program) reads the file, and refuses it if it
contains other layers than those allowed (learning/train/user_networks.py).
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from skinapi.base.errors import BadNetwork, DiskFull, SkinAPIError
from skinapi.lab.jobs.job_services import JobServices, open_job_services, register_once
from skinapi.lab.jobs.model_comparison import compare_on_reference
from skinapi.lab.service import ImportRequest, suffix_of
from skinapi.learning.commands.options import ExportOptions
from skinapi.model.registry.stored_version import ModelVersion, Origin
from skinapi.platform.jobs.handlers import FOLDER, JobContext
from skinapi.platform.jobs.process import described, machine_environment

_ROOT = Path(__file__).parents[3]
CONFINEMENT, PROGRAM = "skinapi.platform.jobs.process", "skinapi.lab.jobs.import_job"
LONGEST_ANSWER = 64 * 1024
FAULTS: Mapping[str | None, type[BadNetwork]] = {
    fault.code: fault for fault in BadNetwork.__subclasses__()
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRequest(ExportOptions):
    out: Path


REQUEST = TypeAdapter(ExportRequest)


class ExportAnswer(BaseModel):
    model_config = ConfigDict(frozen=True)

    lines: tuple[str, ...] = ()
    fault: str | None = None
    code: str | None = None
    disk_full: bool = False


def export_confined(request: ExportRequest, *, work: Path, memory: int) -> tuple[str, ...]:
    answer = _ask(request, work=work, memory=memory)
    if answer.disk_full:
        raise DiskFull
    if answer.fault is not None:
        raise FAULTS.get(answer.code, BadNetwork)(answer.fault)
    # A compromised process could name files of this server.
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
    """Mark the process, so that the worker can find it after its job has died."""
    mark = {FOLDER: os.environ[FOLDER]} if FOLDER in os.environ else {}
    return {**machine_environment(), **mark}


READ, EXPORTED, COMPARED = 10.0, 60.0, 90.0


def import_model(context: JobContext) -> dict[str, Any]:
    """The upload is deleted when its version is stored."""
    lab = open_job_services(context)
    request = ImportRequest.model_validate(context.job.request)
    version = lab.find_stored() or _store_version(lab, request)
    lab.uploads.remove(request.upload)
    return {"version": version.version}


def _store_version(lab: JobServices, request: ImportRequest) -> ModelVersion:
    context = lab.context
    folder = context.work / "model"
    if not folder.is_dir():  # it appears when it is complete; an attempt before may have made it
        context.progress(0.0, "Reading the file")
        network = _write_network(lab, request)
        context.progress(READ, "Checking the network")
        wanted = ExportRequest(
            network=network.absolute(),
            labels=request.labels,
            scaling=request.scaling.value,
            side=request.side,
            licence=request.licence,
            out=folder.absolute(),
        )
        for line in export_confined(wanted, work=context.work, memory=lab.settings.job_memory):
            context.say(line)
    context.progress(EXPORTED, "Comparing with the model in service")
    compared = compare_on_reference(lab, lab.write_serving(), folder)
    context.progress(COMPARED, "Storing the version")
    return register_once(lab, folder, Origin(reference_comparison=compared))


def _write_network(lab: JobServices, request: ImportRequest) -> Path:
    upload = lab.uploads.get_owned(request.upload, owner=lab.context.job.owner)
    # Our own name, because the user's may be anything.
    path = lab.context.work / f"network{suffix_of(upload.name)}"
    with path.open("wb") as file:
        file.writelines(lab.uploads.read(upload))
    return path


def answer(request: ExportRequest) -> ExportAnswer:
    # Keras takes seconds and much memory to load: only this process does.
    from skinapi.learning.commands.export import export_network  # noqa: PLC0415

    try:
        exported = export_network(request, request.out)
    except DiskFull:
        return ExportAnswer(disk_full=True)
    except SkinAPIError as error:
        return ExportAnswer(fault=error.detail, code=error.code)
    except MemoryError:
        return ExportAnswer(fault="The network needs more memory than a job may use")
    within = f"probabilities within {exported.difference:.1e} of Keras's"
    return ExportAnswer(lines=(within, *exported.limits))


def _main() -> None:
    os.umask(0o077)
    answers = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    request = REQUEST.validate_json(sys.stdin.buffer.read())
    os.write(answers, answer(request).model_dump_json().encode())


if __name__ == "__main__":
    _main()
