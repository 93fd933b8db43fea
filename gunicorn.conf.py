"""How gunicorn serves: one process of many threads, graceful stop, as many addresses as BIND names.

gunicorn reads this file from the folder it starts in.
"""

import ctypes
import fcntl
import gc
import os
import resource
import shutil
import sys
import tempfile
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from gunicorn.workers.base import Worker
from prometheus_client import values
from prometheus_client.multiprocess import mark_process_dead

from skinapi.errors import StoreUnavailable
from skinapi.settings import Settings
from skinapi.web.server_worker import BufferingWorker

# With a heap for each thread, glibc keeps many times over what large pictures once needed; and once
# it has seen large blocks go, it keeps those of their size too. Under pictures of twelve megapixels
# that was 200 MB and another 110 MB. The pixels of a small photo stay just below the limit, for to
# fetch them from the kernel each time cost 5 ms a request. Other systems know none of this.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
# Between blocks that are still in use, freed ones stay with the process for good unless asked for.
# Asking takes 2 to 6 ms.
GIVE_BACK_EVERY_S = 5.0
ASK_AGAIN_S = 0.5
MEMORY = "/dev/shm"  # noqa: S108 (a folder of our own in it, where the system has it)
HEAPS, GIVEN_BACK_FROM = 2, 1100 * 1024
# What a request frees at a heap's end the next one needs again: to fetch it anew each time cost
# 3 ms a request. What is left of it at rest is given back as below.
KEPT_AT_HAND = 16 * 1024 * 1024
METRICS = "skinapi-metrics-"
# Files that a worker opens beside its connections: the stores' for each thread, and a few for all.
FILES_OF_THREAD, FILES_OF_ALL = 8, 64
MOST_CONNECTIONS = 1000
JUST_MADE_S = 10  # a server that starts beside this one locks its folder within that time
QUOTING = ("Invalid request", "Error handling request", "Socket error")


class RedactingLogger(Logger):
    """gunicorn quotes the requests it fails on, and those may hold a token or an e-mail."""

    def warning(self, msg: Any, *args: Any, **options: Any) -> None:
        super().warning(_unquoted(msg), *args, **options)

    def exception(self, msg: Any, *args: Any, **options: Any) -> None:
        if not str(msg).startswith(QUOTING):
            super().exception(msg, *args, **options)
            return
        kind, _, trace = sys.exc_info()
        frames = traceback.extract_tb(trace)[-3:]
        where = ", ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)
        super().error("%s: %s at %s", _unquoted(msg), kind.__name__ if kind else "?", where)


class StoreWaitingWorker(BufferingWorker):
    """Waits for a store that is gone: gunicorn ends the whole server when a worker cannot start,
    and one that replaces a worker that died in the meantime would end all the others. And gives
    freed memory back to the system, some seconds after the requests that needed it.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._gave_back_at = time.monotonic()

    def murder_pending(self) -> None:
        """Called at every turn of the main loop, at least once a second."""
        super().murder_pending()
        moment = time.monotonic()
        if self.answered and moment - self._gave_back_at > GIVE_BACK_EVERY_S:
            self.answered, self._gave_back_at = False, moment
            give_back_memory()

    def load_wsgi(self) -> None:
        said = ""
        while self.alive:
            try:
                super().load_wsgi()
            except StoreUnavailable as error:
                if said != error.detail:
                    said = error.detail
                    self.log.warning("waiting: %s", said)
                self.notify()
                time.sleep(ASK_AGAIN_S)
            else:
                return
        sys.exit(0)


def _unquoted(message: Any) -> str:
    said = str(message)
    return next((known for known in QUOTING if said.startswith(known)), said)


def _make_metrics_folder(parent: Path) -> str:
    """Locked as long as this process or one of its workers lives."""
    folder = tempfile.mkdtemp(prefix=METRICS, dir=parent)
    _lock(Path(folder))
    return folder


def _remove_folders_of_killed_servers(parent: Path) -> None:
    """Nobody else does: a process that was killed removes nothing."""
    for folder in parent.glob(f"{METRICS}*"):
        with suppress(OSError):  # somebody else's, or gone by now
            old = time.time() - folder.stat().st_mtime > JUST_MADE_S
            if old and (lock := _lock(folder)) is not None:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(lock)


def _lock(folder: Path) -> int | None:
    """The open lock; None where another process holds it. Workers inherit it when they fork."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def give_back_memory() -> None:
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _connections_beside(files: int) -> int:
    """How many connections a worker may hold: past the system's limit of open files it could
    neither accept one nor read its store. Many systems allow 1024, or 256, unless asked for more.
    """
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + files
    if allowed != resource.RLIM_INFINITY and allowed < wanted:
        allowed = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))
        return max(allowed // 4, allowed - files)
    return MOST_CONNECTIONS


with suppress(OSError, AttributeError):
    mallopt = ctypes.CDLL(None).mallopt
    mallopt(M_ARENA_MAX, HEAPS)
    mallopt(M_TRIM_THRESHOLD, KEPT_AT_HAND)
    mallopt(M_MMAP_THRESHOLD, GIVEN_BACK_FROM)

if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
    # Counts are mapped into memory, and the kernel kills who writes one where the disk is full.
    in_memory = "TMPDIR" not in os.environ and os.access(MEMORY, os.W_OK)
    parent = Path(MEMORY if in_memory else tempfile.gettempdir())
    _remove_folders_of_killed_servers(parent)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = _make_metrics_folder(parent)
# The library looks for that folder once, when it is imported.
values.ValueClass = values.get_value_class()

os.umask(0o077)  # what the workers write is nobody else's to read
told = Settings()
bind, workers, threads = told.binds, told.workers, told.threads
worker_connections = _connections_beside(FILES_OF_ALL + FILES_OF_THREAD * threads)
worker_class = StoreWaitingWorker
StoreWaitingWorker.most_held = told.max_held_bytes
# Twice the base64 of the largest photo, with some room: who sends more may lose the answer.
StoreWaitingWorker.most_drained = max(StoreWaitingWorker.most_drained, 3 * told.max_upload_bytes)
StoreWaitingWorker.behind_proxy = told.trusted_proxies > 0
preload_app = False  # no connection may be open when the workers fork
timeout = 60
graceful_timeout = 30
keepalive = 5
sendfile = False  # answers pass through the buffer
accesslog = None  # the application logs requests itself, without paths or names
errorlog = "-"
logger_class = RedactingLogger
control_socket_disable = True
# No caller is a proxy to gunicorn, not even one on this machine: it would take SCRIPT_NAME and the
# scheme from headers. TRUSTED_PROXIES says whose X-Forwarded-For the application reads.
forwarded_allow_ips = ""
forwarder_headers = ""


def when_ready(_: Arbiter) -> None:
    sys.stderr.write(f"listening on {', '.join(bind)}\n")


def pre_fork(_: Arbiter, __: Worker) -> None:
    """The workers share the modules that the master has loaded, as long as nothing counts there."""
    gc.freeze()


def worker_exit(_: Arbiter, worker: Worker) -> None:
    """The last to close SQLite's file writes the log beside it into it, and removes the log."""
    if app := getattr(worker, "wsgi", None):  # none where it still waits for the store
        with suppress(StoreUnavailable):
            app.extensions["skinapi"].store.close()


def child_exit(_: Arbiter, worker: Worker) -> None:
    mark_process_dead(worker.pid)


def on_exit(_: Arbiter) -> None:
    """A folder that the operator chose is the operator's to empty."""
    folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
    if folder.name.startswith(METRICS):
        shutil.rmtree(folder, ignore_errors=True)
