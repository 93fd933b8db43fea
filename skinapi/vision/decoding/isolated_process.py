"""Runs a module of ours on hostile bytes in a process of its own, whose memory and time the system
limits: what it does with them may depend on data that no check can foresee.
"""

import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path

from skinapi.errors import Unavailable

CPU_SECONDS, MOST_SECONDS = 2, 20
# Its memory comes on top of what the decoder of this process may use.
_ONE_AT_A_TIME = threading.Lock()
_ROOT = Path(__file__).parents[3]


def run_isolated(module: str, content: bytes, *numbers: int) -> bytes:
    """What the module writes when it reads this content. Raises ValueError where it fails, and
    Unavailable where this machine is at fault.
    """
    try:
        with _ONE_AT_A_TIME:
            done = subprocess.run(  # noqa: S603 (our own module, with numbers)
                [sys.executable, "-m", module, *map(str, numbers)],
                input=content,
                capture_output=True,
                check=True,
                timeout=MOST_SECONDS,
                cwd=_ROOT,
                env={},  # no secret of this server reaches it
            )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable from error
    except subprocess.CalledProcessError as error:
        if error.returncode == -signal.SIGKILL:  # by the system, when memory runs out
            raise Unavailable from error
        raise ValueError("the process did not finish") from error
    return done.stdout


def limit_this_process(memory: int) -> None:
    """To be called by the module before it reads its input."""
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    # The first limit ends the process by SIGXCPU; at the second it would be SIGKILL.
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
