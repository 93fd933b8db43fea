"""Starts a program that reads a foreign file:
`python -m skinapi.platform.jobs.confinement MODULE BYTES`.

The program may use so many bytes of memory, and write files of at most MOST_FILE bytes. Where Linux
permits it, it has no network, and cannot look into other processes: it lives in namespaces of its
own. It keeps this user's rights on files.
"""

import ctypes
import os
import resource
import signal
import sys

from skinapi.platform.jobs.process import die_with

# https://man7.org/linux/man-pages/man2/unshare.2.html
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
MOST_FILE = 4 * 1024**3


def leave_namespaces() -> bool:
    """Move this process, which must have one thread, into a user and a network namespace of its
    own. False where the system has none, or forbids it.
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
