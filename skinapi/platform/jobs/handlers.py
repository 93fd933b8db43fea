"""The process of one job: a guard, and its child that runs the handler.

The guard leads a session, and kills its process group at once when the worker dies or freezes:

- standard input: a line with the job, then a line with the seconds of each lease. At the end of the
  input (the worker died, or stops the job), and when the last lease is over, the guard kills the
  group including itself.
- the pipe EVENTS_FD: the handler's events, lines of JSON.
- standard output and error: the job's log.

The handler gets SIGKILL when the guard dies, so no process outlives the others. A thread could not
be the guard: it would have to wait while a library holds Python's lock.
"""

import importlib
import json
import os
import resource
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from pydantic import BaseModel

from skinapi.base.errors import SkinAPIError, Unavailable, UnsafeSettings
from skinapi.platform.jobs.job import NEEDS_MEMORY, Job
from skinapi.platform.jobs.process import (
    NICENESS,
    NICEST,
    boot_time,
    die_with,
    give_way,
    lock_folder,
)

TOO_LITTLE_MEMORY = (
    "It needs more memory than a job may use: ask for a smaller picture size or batch, or have "
    "JOB_MEMORY_BYTES raised where the worker runs"
)


NOT_SET_UP = "The program that runs jobs cannot use the database now: tell the administrator"


class JobContext:
    """`work` is a folder of this job on this machine. It is the same at each attempt, so that a
    handler can resume; on another machine it is empty.
    """

    def __init__(self, job: Job, work: Path, events: int) -> None:
        self.job, self.work = job, work
        self._events = events

    def progress(self, percent: float, message: str) -> None:
        self.send({"progress": percent, "message": message})

    def metric(self, **values: float | str) -> None:
        self.send({"metric": values})

    def say(self, line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    def send(self, event: Mapping[str, Any]) -> None:
        data = json.dumps(event, default=str).encode() + b"\n"
        while data:
            data = data[os.write(self._events, data) :]


# Returns the job's result. It may run several times, also after it has returned: its process can
# die before the result is stored. So what it does to the store must not count twice; `job.id` tells
# that it was the same job.
#
# Its errors: a SkinAPIError fails the job with its sentence; Unavailable (a store that is away)
# gives the job up to the next attempt; any other fails the job, and its traceback is in the log.
Handler = Callable[[JobContext], dict[str, Any]]

# For each kind of job its handler as `module:function`, a text, so that only the process of the job
# imports what a handler needs.
Handlers = Mapping[str, str]


def handle(context: JobContext, handlers: Handlers) -> int:
    try:
        context.progress(0.0, "Loading the libraries")
        result = _handler_of(context.job.kind, handlers)(context)
    except Unavailable as error:
        context.send({"error": error.detail, "code": error.code, "again": True})
    except UnsafeSettings:  # its sentence is for the operator, in the worker's log
        context.send({"error": NOT_SET_UP, "code": Unavailable.code, "again": True})
    except SkinAPIError as error:
        context.send({"error": error.detail, "code": error.code})
    except Exception as error:  # noqa: BLE001 (whatever it is, the owner is told)
        traceback.print_exc()
        # Also where TensorFlow says it, which is not imported here.
        if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
            context.send({"error": TOO_LITTLE_MEMORY, "code": NEEDS_MEMORY})
            return 0
        text = f"It ended with an error of the program ({type(error).__name__}); the log has more"
        context.send({"error": text, "code": SkinAPIError.code})
    else:
        context.send({"result": result})
    return 0


def _handler_of(kind: str, handlers: Handlers) -> Handler:
    if kind not in handlers:
        raise SkinAPIError(f"This server has no code for jobs of the kind {kind}")
    module, _, name = handlers[kind].partition(":")
    try:
        # TensorFlow and what belongs to it take seconds, and minutes where the machine is busy.
        handler: Handler = getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        raise SkinAPIError(
            f"What jobs of the kind {kind} need is not installed where the worker runs "
            f"({error.name}): install requirements-train.txt there (`make lab`)"
        ) from error
    return handler


# In the environment of the process: the number of the pipe for events, and the folder of the jobs.
EVENTS_FD, FOLDER = "SKINAPI_JOB_EVENTS", "SKINAPI_JOB_FOLDER"
LOCK_WAIT_S = 10.0  # for the process of an earlier attempt to die
BUSY = 75  # exit status if that has not ended: EX_TEMPFAIL of sysexits.h
CANCELLED = 143  # exit status after SIGTERM, as a shell has it
BY_SIGNAL = 128  # plus the number of the signal, as a shell has it
CHUNK = 4096


class JobRequest(BaseModel):
    job: Job
    lease_s: float


def guard_job(handlers: Handlers, *, memory: int, niceness: int | None = None) -> int:
    """Run the job that standard input names, limited to `memory` bytes. The exit status is 0 if it
    sent an event with its result or error.
    """
    worker = WorkerPipe()
    folder = Path(os.environ[FOLDER]) / worker.job.id
    if not _await_lock(folder, worker):
        return BUSY
    # SIGTERM goes to the group: it asks the handler to end, and the guard waits for that.
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    child_ended = _wake_on_child()
    guard = os.getpid()
    child = os.fork()
    if child == 0:
        give_way(NICENESS.get(worker.job.kind, NICEST) if niceness is None else niceness)
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
        _become_handler(guard, worker.job, folder, handlers)
    os.close(int(os.environ[EVENTS_FD]))
    while True:
        ready, _, _ = select.select([worker.pipe, child_ended], [], [], worker.lease_left())
        if worker.pipe in ready:
            worker.read_leases()
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else BY_SIGNAL - code
        if worker.closed or worker.lease_left() <= 0:
            os.killpg(0, signal.SIGKILL)  # this process too


class WorkerPipe:
    def __init__(self) -> None:
        self.pipe = sys.stdin.fileno()
        self.closed = False
        self._read = b""
        while b"\n" not in self._read:
            if not (data := os.read(self.pipe, CHUNK)):
                sys.exit(BUSY)
            self._read += data
        line, _, self._read = self._read.partition(b"\n")
        request = JobRequest.model_validate_json(line)
        self.job = request.job
        self._lease_ends = boot_time() + request.lease_s

    def lease_left(self) -> float:
        return max(0.0, self._lease_ends - boot_time())

    def read_leases(self) -> None:
        data = os.read(self.pipe, CHUNK)
        self.closed = not data
        *lines, self._read = (self._read + data).split(b"\n")
        for line in lines:
            with suppress(ValueError):
                self._lease_ends = boot_time() + float(line)


def _await_lock(folder: Path, worker: WorkerPipe) -> bool:
    deadline = time.monotonic() + LOCK_WAIT_S
    while lock_folder(folder) is None:
        if time.monotonic() > deadline or worker.closed or worker.lease_left() <= 0:
            return False
        if select.select([worker.pipe], [], [], 0.1)[0]:
            worker.read_leases()
    return True


def _wake_on_child() -> int:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return reading


def _become_handler(guard: int, job: Job, folder: Path, handlers: Handlers) -> NoReturn:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(CANCELLED))
    if not die_with(guard, signal.SIGKILL):
        os._exit(BUSY)
    # The handler reads nothing, and must not hold the pipe of its guard.
    os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())
    status = 1
    try:
        status = handle(JobContext(job, folder, int(os.environ[EVENTS_FD])), handlers)
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 1
    except BaseException:  # noqa: BLE001 (nothing above this frame may run in the child)
        traceback.print_exc()
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status)  # not sys.exit: threads of libraries would hold it up
