"""The settings of gunicorn: processes, threads, addresses to listen on (BIND), graceful stop.

gunicorn reads this file from the folder that it is started in:
https://docs.gunicorn.org/en/stable/settings.html
"""

import atexit
import ctypes
import fcntl
import gc
import importlib
import os
import resource
import shutil
import socket
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from gunicorn.workers.base import Worker
from gunicorn.workers.gthread import TConn, ThreadWorker
from prometheus_client import values
from prometheus_client.multiprocess import mark_process_dead

from skinapi.base.errors import SkinAPIError, StoreRefused, StoreUnavailable
from skinapi.base.logs import shield_output
from skinapi.base.settings.safety import odd_names, read_settings, refuse_unsafe
from skinapi.base.settings.settings import Settings
from skinapi.platform.stores.store_factory import make_store, refuse_wrong_store

# Parameters of glibc's malloc (https://man7.org/linux/man-pages/man3/mallopt.3.html); other systems
# have none of them.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
# With one heap per thread, each heap keeps the memory that a large picture once needed: 200 MB more
# for pictures of twelve megapixels. Once glibc has seen large blocks freed, it raises its mmap
# threshold and keeps blocks of that size too: another 110 MB. So both values are fixed here. The
# pixels of a small photo stay just below the threshold: an mmap for each costs 5 ms per request.
HEAPS, MMAP_FROM = 2, 1100 * 1024
# Freed memory at the end of a heap up to this size is kept, because the next request needs it
# again: to get it from the kernel each time costs 3 ms per request. `malloc_trim` returns it later.
TRIM_FROM = 16 * 1024 * 1024
# Freed blocks between blocks in use are returned only by `malloc_trim`, which takes 2 to 6 ms.
GIVE_BACK_EVERY_S = 5.0
STORE_RETRY_S = 0.5
STORE_REFUSED = 2  # the exit status where to wait for the store cannot help
# A thread that comes back from the engine or the store waits so long for one that runs Python, and
# may hold the store's lock meanwhile. With Python's own 5 ms, eight processes made 4 % fewer
# findings on sixteen cores, and the slowest of a hundred took 584 ms instead of 328 (one run each).
SWITCH_S = 0.000_5
PAUSE_OF_CONNECTION_S, LONGEST_PAUSE_S = 0.000_25, 0.002_5
SHARED_MEMORY = "/dev/shm"  # noqa: S108 (a folder of our own in it, where the system has it)
METRICS_PREFIX = "skinapi-metrics-"
# Files that a worker opens besides its connections: the stores' for each thread, and a few for all.
FILES_OF_THREAD, FILES_OF_ALL = 8, 64
MOST_CONNECTIONS = 1000
FOLDER_GRACE_S = 10  # a server that starts at the same time locks its folder within these seconds
# The beginnings of gunicorn's messages that go on with a quoted request.
QUOTING_MESSAGES = ("Invalid request", "Error handling request", "Socket error")


class RedactingLogger(Logger):
    """Logs gunicorn's messages without the requests that they quote, because a request may hold a
    token or an e-mail address.

    It is the first that gunicorn makes of this file, in the parent of all workers, so it also makes
    sure that a full disk under the log ends no request.
    """

    def setup(self, cfg: Any) -> None:
        shield_output()
        super().setup(cfg)

    def warning(self, msg: Any, *args: Any, **options: Any) -> None:
        super().warning(_without_quote(msg), *args, **options)

    def exception(self, msg: Any, *args: Any, **options: Any) -> None:
        if not str(msg).startswith(QUOTING_MESSAGES):
            super().exception(msg, *args, **options)
            return
        kind, _, trace = sys.exc_info()
        frames = traceback.extract_tb(trace)[-3:]
        where = ", ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)
        super().error("%s: %s at %s", _without_quote(msg), kind.__name__ if kind else "?", where)


# A worker that cannot start says why in this pipe. The master prints it behind gunicorn's lines.
_refusal_out, _refusal_in = os.pipe()
os.set_blocking(_refusal_out, False)


def _say_refusal(master: int) -> None:
    """Not in a hook of gunicorn: where two workers are refused at once, none of them is called."""
    with suppress(BlockingIOError):  # none was refused
        if os.getpid() == master:
            sys.stderr.write(os.read(_refusal_out, 4096).decode(errors="replace").splitlines()[0])
            sys.stderr.write("\n")


atexit.register(_say_refusal, os.getpid())


class StoreWaitingWorker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's thread worker, which waits at its start while the store is unreachable.

    It must wait: gunicorn stops the whole server when a worker cannot start, so a worker that
    replaces a dead one during an outage would stop all the others too.
    """

    def set_accept_enabled(self, enabled: bool) -> None:
        """gunicorn calls this also when the worker begins to stop. Then take the connections that
        the system has made already, and have it refuse new ones.

        gunicorn keeps its listeners open until the last request is answered. Meanwhile the system
        goes on making connections, and breaks them off in the end. A proxy may send a request again
        if its connection was refused, but not if it was broken off.
        """
        super().set_accept_enabled(enabled)
        while not enabled and not self.alive and self.sockets:
            listener = self.sockets.pop()
            with suppress(OSError):  # out of files: what was taken is answered all the same
                for _ in range(self.cfg.backlog):
                    self.accept(listener)  # does nothing where none waits
            listener.close()

    def accept(self, listener: socket.socket) -> None:
        """Leave a new connection to the process that has the fewest: the longer this one waits, the
        more it has. All are told of it at once, and the first would take most of them: without this
        pause, one of four processes held 10 to 20 of 24 connections, with it 6 or 7.
        """
        if self.alive and self.cfg.workers > 1:
            pause = min(self.nr_conns * PAUSE_OF_CONNECTION_S, LONGEST_PAUSE_S)
            time.sleep(max(0.0, pause))  # a negative one would end the process
        super().accept(listener)

    def finish_request(self, conn: TConn, fs: Future[object]) -> None:
        """Count a connection down once. Where an answer broke off, gunicorn has closed the
        connection already: it fails to close it again, and counts it twice. With a count that is
        too low, a stop would not wait for the last requests.
        """
        least = self.nr_conns - 1
        super().finish_request(conn, fs)
        self.nr_conns = max(least, self.nr_conns)

    def load_wsgi(self) -> None:
        try:
            with quick_start():
                importlib.import_module("skinapi.app.application")  # late: only a worker needs it
            self.wait_for_store(super().load_wsgi)
            self.wsgi.background.start()
            threading.Thread(target=give_back_memory, args=[self], daemon=True).start()
        except SkinAPIError as error:  # what a person must change first, in a sentence
            os.write(_refusal_in, f"skinapi: {error.detail}\n".encode())
            sys.exit(Arbiter.APP_LOAD_ERROR)

    def wait_for_store(self, act: Callable[[], object]) -> None:
        """Do this at the worker's start, and again for as long as the store is unreachable."""
        logged = ""
        while self.alive:
            try:
                act()
            except StoreUnavailable as error:
                if logged != error.detail:
                    logged = error.detail
                    self.log.warning("waiting: %s", logged)
                self.notify()  # otherwise gunicorn kills this worker after `timeout` seconds
                time.sleep(STORE_RETRY_S)
            else:
                return
        sys.exit(0)


@contextmanager
def quick_start() -> Iterator[None]:
    """Load modules in this block. They make hardly any garbage: to look for it takes 8 % of the
    time of a start.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _without_quote(message: Any) -> str:
    text = str(message)
    return next((known for known in QUOTING_MESSAGES if text.startswith(known)), text)


def _make_metrics_folder(parent: Path) -> str:
    """A new folder, locked as long as this process or one of its workers lives."""
    folder = tempfile.mkdtemp(prefix=METRICS_PREFIX, dir=parent)
    _lock(Path(folder))
    return folder


def _remove_folders_of_killed_servers(parent: Path) -> None:
    """Remove the metrics folders that no process holds a lock on. Their servers were killed, so
    they could not do it themselves.
    """
    for folder in parent.glob(f"{METRICS_PREFIX}*"):
        with suppress(OSError):  # it belongs to another user, or another server removed it
            old = time.time() - folder.stat().st_mtime > FOLDER_GRACE_S
            if old and (lock := _lock(folder)) is not None:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(lock)


def _lock(folder: Path) -> int | None:
    """The file descriptor that holds the lock; None where another process holds it. Workers inherit
    it when they fork.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def give_back_memory(worker: Worker) -> None:
    """Return freed memory to the system a few seconds after the requests that needed it, for as
    long as the worker lives. Does nothing where the C library is not glibc.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    seen = 0
    while trim:
        time.sleep(GIVE_BACK_EVERY_S)
        if worker.nr != seen:  # how many requests it has answered
            seen = worker.nr
            trim(0)


def _connections_beside(files: int) -> int:
    """How many connections a worker may hold besides so many files.

    At the system's limit of open files it could neither accept a connection nor read its store.
    Many systems allow 1024 files, or 256, until a process asks for more; this function asks.
    """
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + files
    if allowed != resource.RLIM_INFINITY and allowed < wanted:
        allowed = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))
        return max(allowed // 4, allowed - files)
    return MOST_CONNECTIONS


def _read_settings() -> Settings:
    """Or end with a sentence for each that cannot be read; gunicorn would print a traceback."""
    try:
        return read_settings()
    except SkinAPIError as error:
        sys.stderr.writelines(f"skinapi: {text}\n" for text in error.detail.splitlines())
        sys.exit(Arbiter.APP_LOAD_ERROR)


with suppress(OSError, AttributeError):
    mallopt = ctypes.CDLL(None).mallopt
    mallopt(M_ARENA_MAX, HEAPS)
    mallopt(M_TRIM_THRESHOLD, TRIM_FROM)
    mallopt(M_MMAP_THRESHOLD, MMAP_FROM)

if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
    # The counts are files mapped into memory: on a full disk, a write to such a file kills the
    # process (SIGBUS). So they are kept in shared memory where possible, and
    # platform/web/pages.py reserves their space.
    in_memory = "TMPDIR" not in os.environ and os.access(SHARED_MEMORY, os.W_OK)
    parent = Path(SHARED_MEMORY if in_memory else tempfile.gettempdir())
    _remove_folders_of_killed_servers(parent)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = _make_metrics_folder(parent)
# The library reads PROMETHEUS_MULTIPROC_DIR only once, at its import, and it is imported above.
values.ValueClass = values.get_value_class()

sys.setswitchinterval(SWITCH_S)  # the workers inherit it
os.umask(0o077)  # other users of this machine may not read what the workers write
settings = _read_settings()
sizing = settings.sizing
if sizing.workers > 1:
    with quick_start():  # the workers are forks, and share the modules
        importlib.import_module("skinapi.app.application")
        importlib.import_module("skinapi.app.areas").switched_on(settings)
        importlib.import_module("skinapi.findings.reports.pdf_document")
        importlib.import_module("skinapi.model.network.engine").load_plugin()
bind, workers, threads = settings.binds, sizing.workers, settings.threads
worker_connections = _connections_beside(FILES_OF_ALL + FILES_OF_THREAD * threads)
worker_class = StoreWaitingWorker
preload_app = False  # no connection may be open when the workers fork
timeout = 60
graceful_timeout = 30
keepalive = 5
# A page of gunicorn's own is HTML: the recipe for nginx takes less than this. What a caller without
# a proxy can send is as large as with gunicorn's own limits, 100 fields of 8190.
limit_request_line, limit_request_fields, limit_request_field_size = 8190, 50, 16380
accesslog = None  # the application logs requests itself, without paths or names
errorlog = "-"
logger_class = RedactingLogger
control_socket_disable = True
# gunicorn trusts no caller as a proxy, not even one on this machine: it would take SCRIPT_NAME and
# the scheme from its headers. The application reads X-Forwarded-For itself (TRUSTED_PROXIES).
forwarded_allow_ips = ""
forwarder_headers = ""


def on_starting(arbiter: Arbiter) -> None:
    """Make the store where there is none, before the first worker.

    Only here: a worker that replaces another one while the instance folder is missing must wait for
    it. An empty database in its place would take records that are lost when the folder is back.
    """
    sys.stderr.writelines(f"skinapi: {text}\n" for text in odd_names())
    logged = ""
    while True:
        try:
            refuse_unsafe(settings)
            make_store(settings)
            refuse_wrong_store(settings)
            if not settings.production:
                # A worker that found the folder replaced would make another key, and end all
                # sessions or stop the server.
                os.environ["JWT_SECRET_KEY"] = settings.signing_key()
        except StoreRefused as error:
            sys.stderr.write(f"skinapi: {error.detail}\n")
            sys.exit(STORE_REFUSED)
        except StoreUnavailable as error:
            if logged != error.detail:
                logged = error.detail
                arbiter.log.warning("waiting: %s", logged)
            time.sleep(STORE_RETRY_S)
        except SkinAPIError as error:
            sys.stderr.writelines(f"skinapi: {text}\n" for text in error.detail.splitlines())
            sys.exit(Arbiter.APP_LOAD_ERROR)
        else:
            return


def when_ready(_: Arbiter) -> None:
    sys.stderr.write(f"listening on {', '.join(bind)}\n{sizing.reason}\n")


def pre_fork(_: Arbiter, __: Worker) -> None:
    """Let the workers share the memory of the modules that the master has loaded.

    The garbage collector writes to every object that it looks at, and that would copy their pages.
    """
    gc.freeze()


def worker_abort(worker: Worker) -> None:
    """Called in a worker that did not answer in time, and is ended for it."""
    worker.aborted = True


def worker_exit(_: Arbiter, worker: Worker) -> None:
    """Close the store, and note whether the worker was told to stop.

    The last process that closes a SQLite file writes the write-ahead log into the file and removes
    the log.
    """
    if not (worker.alive or worker.aborted):
        with suppress(OSError):
            _mark_of_stopped(worker).touch()
    if app := getattr(worker, "wsgi", None):  # no application where it still waits for the store
        app.background.stop()
        with suppress(StoreUnavailable):
            app.services.store.close()


def _mark_of_stopped(worker: Worker) -> Path:
    return Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]) / f"stopped_{worker.pid}"


def _count_death(worker: Worker) -> None:
    """Count a worker that ended without being told to; /metrics reads it."""
    mark = _mark_of_stopped(worker)
    with suppress(OSError):
        if mark.exists():
            mark.unlink()
        else:
            with mark.with_name("died").open("ab") as file:
                file.write(b".")


def child_exit(_: Arbiter, worker: Worker) -> None:
    """Keep the dead worker's counts, which belong to the sums, but not their spare space."""
    _count_death(worker)
    mark_process_dead(worker.pid)
    for file in Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).glob(f"*_{worker.pid}.db"):
        with suppress(OSError), file.open("rb+") as counts:
            # The file begins with how many of its bytes are used.
            used = int.from_bytes(counts.read(4), sys.byteorder)
            if used:
                counts.truncate(used)
            else:  # it had answered nothing yet, and an empty file could not be read
                file.unlink()


def on_exit(_: Arbiter) -> None:
    """Remove the metrics folder, but not one that the operator chose."""
    folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
    if folder.name.startswith(METRICS_PREFIX):
        shutil.rmtree(folder, ignore_errors=True)
