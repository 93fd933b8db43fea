"""The process of a job: it ends with its parent, gets only allowed environment variables, and works
in its own folder.

These calls do nothing on other systems than Linux; there a process ends when its pipe to the other
is closed.
"""

import ctypes
import fcntl
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from skinapi.base.logs import log
from skinapi.base.settings.settings import Settings
from skinapi.platform.jobs.job import PERSON_FILE

PR_SET_PDEATHSIG = 1  # https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html
NICEST = 19
# A person waits for it, and it takes some seconds: at NICEST, beside busy cores, those are minutes.
NICENESS = {PERSON_FILE: 5}


def die_with(parent: int, number: int) -> bool:
    """Ask the kernel for this signal when the parent dies. Returns False if it is dead already, in
    which case the signal never comes.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
    return os.getppid() == parent


def give_way(niceness: int) -> None:
    with suppress(OSError):
        os.nice(niceness)
    # A session may be a scheduling group of its own; then niceness counts only within the group.
    # https://man7.org/linux/man-pages/man7/sched.7.html
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(niceness))


def boot_time() -> float:
    """Seconds including those while the machine sleeps, like a lease in the store."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def signal_group(group: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def described(status: int) -> str:
    number = -status if status < 0 else status - 128
    try:
        return f"by {signal.Signals(number).name}"
    except ValueError:
        return f"with status {status}"


# What programs that this server starts get of its environment: allow lists, by name.
MACHINE = (
    "HOME", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "PATH", "PYTHONHASHSEED",
    "PYTHONPATH", "TMPDIR", "TZ", "VIRTUAL_ENV",
)  # fmt: skip
# The libraries of trainings have hundreds of options, and none of these is a secret.
LIBRARIES = (
    "CUDA_", "CUDNN_", "GOMP_", "KERAS_", "KMP_", "MKL_", "NVIDIA_", "OMP_", "OPENBLAS_",
    "OPENVINO_", "OV_", "TF_", "XLA_",
)  # fmt: skip
# What a handler opens the store with, and signs its audit rows with. It also gets the folders.
SETTINGS = (
    "AREAS", "ENVIRONMENT", "FORMER_JWT_SECRET_KEYS", "INSTANCE_DIR", "JOB_MEMORY_BYTES",
    "JWT_SECRET_KEY", "MONGO_URI",
)  # fmt: skip
# What a person's file says of its server, the address and the name, and whether a mail tells that
# it was made.
OF_PERSON_FILES = (
    "BIND", "CLINIC_NAME", "MAIL_FROM", "PHOTOS", "PORT", "PUBLIC_URL", "RENDER_EXTERNAL_URL",
    "SMTP_URL",
)  # fmt: skip
# The thread pools of the libraries that a training uses. An operator's own value stays.
THREAD_CAPS = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS",
)  # fmt: skip


def machine_environment() -> Mapping[str, str]:
    """The environment of a program that reads an untrusted file: no settings, so no secrets."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in MACHINE or name.startswith(LIBRARIES)
    }
    # One core stays for the server, where there are several.
    threads = str(max(1, (os.cpu_count() or 1) - 1))
    caps = {name: os.environ.get(name, threads) for name in THREAD_CAPS}
    return {**kept, **caps, "PYTHONUNBUFFERED": "1"}


def job_environment(kind: str = "") -> Mapping[str, str]:
    folders = (name.upper() for name in Settings.list_folders())
    wanted = {*SETTINGS, *folders, *(OF_PERSON_FILES if kind == PERSON_FILE else ())}
    # Settings are read whatever the case of their names.
    ours = {name: value for name, value in os.environ.items() if name.upper() in wanted}
    return {**machine_environment(), **ours}


# The folder of a job on this machine, `INSTANCE_DIR/jobs/<id>`.
#
# Who works in it holds a lock on it, and so do the processes that it forks. So no two attempts work
# in it at once, not even while a killed one is still dying.


JOB_ID = re.compile(r"[0-9a-f]{8}")


def lock_folder(folder: Path) -> int | None:
    while True:
        folder.parent.mkdir(mode=0o700, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        handle = _locked(folder)
        if handle is None:
            return None
        with suppress(FileNotFoundError):
            if os.path.samestat(folder.stat(), os.fstat(handle)):
                return handle
        os.close(handle)  # it was removed between opening and locking


def remove_if(folder: Path, unused: Callable[[], bool]) -> None:
    """Remove the folder if no process is using it and `unused` returns True, which is called under
    the lock.
    """
    with suppress(OSError):
        handle = _locked(folder)
        if handle is not None:
            try:
                if unused():
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(handle)


def folders_in(parent: Path) -> list[Path]:
    with suppress(FileNotFoundError):
        return [path for path in parent.iterdir() if JOB_ID.fullmatch(path.name)]
    return []


def _locked(folder: Path) -> int | None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


# A worker that cannot start, for example because of a setting, would otherwise be started without
# end.
FIRST_PAUSE_S, LONGEST_PAUSE_S, HEALTHY_AFTER_S = 1.0, 60.0, 60.0
FIRST_START_S = 2.0  # let the server start first
STOP_S = 15.0  # a job may take 10 s to end
WORKER = (sys.executable, "-m", "skinapi.app.worker")


class WorkerKeeper:
    def __init__(
        self,
        command: Sequence[str] = WORKER,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._command, self._clock = command, clock
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = clock()
        self._start_at = clock() + FIRST_START_S
        self._pause = FIRST_PAUSE_S

    def look(self) -> None:
        moment = self._clock()
        if self._process and self._process.poll() is not None:
            self._process = None
            if moment - self._started_at >= HEALTHY_AFTER_S:
                self._pause = FIRST_PAUSE_S
            self._put_off(moment)
        if self._process is None and moment >= self._start_at:
            # `--parent`: it ends with this process, however that ends.
            command = [*self._command, "--parent", str(os.getpid())]
            try:
                self._process = subprocess.Popen(  # noqa: S603 (our own program)
                    command, stdin=subprocess.DEVNULL
                )
            except OSError as error:  # no memory, too many processes: the server goes on
                log.error("no job worker was started", reason=error.strerror)
                self._put_off(moment)
            self._started_at = moment

    def _put_off(self, moment: float) -> None:
        self._start_at = moment + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE_S)

    def ask_to_stop(self) -> None:
        if self._process:
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        self.ask_to_stop()
        if self._process:
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None


# https://man7.org/linux/man-pages/man2/unshare.2.html
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
MOST_FILE = 4 * 1024**3


def leave_namespaces() -> bool:
    """Move this single-threaded process into its own user and network namespace. Returns False if
    the system does not support or allow it.
    """
    if sys.platform != "linux":
        return False
    try:
        return bool(ctypes.CDLL(None).unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0)
    except (OSError, AttributeError):
        return False


def _main() -> None:
    module, memory = sys.argv[1], int(sys.argv[2])
    parent = os.getppid()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_FILE, MOST_FILE))
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    if not leave_namespaces():
        sys.stderr.write("This system gives the program no namespace: it has the network\n")
        sys.stderr.flush()
    # After the namespaces: the kernel forgets this request where rights change.
    if die_with(parent, signal.SIGKILL):
        os.execv(sys.executable, [sys.executable, "-m", module])  # noqa: S606 (our own program)


if __name__ == "__main__":
    _main()
