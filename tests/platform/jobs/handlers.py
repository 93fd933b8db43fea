import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from skinapi.base.errors import BadDataset, StoreUnavailable, UnsafeSettings
from skinapi.platform.jobs.handlers import JobContext


def note(context: JobContext, what: str) -> None:
    """Append to a file of the test, with the process. Each line is one write, so none is torn."""
    with Path(context.job.request["notes"]).open("a") as file:
        file.write(f"{context.job.id} {what} {os.getpid()}\n")


def note_overlap(context: JobContext) -> None:
    """Note an overlap if the process of the previous attempt is alive."""
    last = Path(f"{context.job.request['notes']}-{context.job.id}")
    if last.exists() and is_alive(int(last.read_text() or 0)):
        note(context, "overlap")
    last.write_text(str(os.getpid()))


def is_alive(pid: int) -> bool:
    """True if it runs; a dead process may still wait for its parent."""
    with suppress(FileNotFoundError, ProcessLookupError):
        stat = Path(f"/proc/{pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[0] != "Z"
    return False


def count(context: JobContext) -> dict[str, Any]:
    """Count and note steps, from where an interrupted attempt stopped. In the middle it waits for
    as long as the file `hold` exists.
    """
    steps = context.job.request.get("steps", 3)
    pause = context.job.request.get("pause", 0.0)
    hold = Path(context.job.request.get("hold", "nowhere"))
    state = context.work / "step"
    step = int(state.read_text()) if state.exists() else 0
    note(context, "start")
    note_overlap(context)
    while step < steps:
        while step == steps // 2 and hold.exists():
            time.sleep(0.01)
        time.sleep(pause)
        step += 1
        context.progress(100 * step / steps, f"Step {step} of {steps}")
        context.metric(epoch=step, loss=1 / step)
        context.say(f"step {step}")
        # Last: killed before it, the step is told again; killed after it, it was told.
        new = context.work / "new"
        new.write_text(str(step))
        new.replace(state)  # a kill leaves no half of it
    note(context, "end")
    return {"steps": steps}


def fail(context: JobContext) -> dict[str, Any]:
    raise BadDataset("Class nv has one lesion; at least three are needed")


def find_other_key(context: JobContext) -> dict[str, Any]:
    raise UnsafeSettings("Put the former key into FORMER_JWT_SECRET_KEYS")


def break_down(context: JobContext) -> dict[str, Any]:
    raise KeyError("a mistake")


def lose_store(context: JobContext) -> dict[str, Any]:
    raise StoreUnavailable


def crash(context: JobContext) -> dict[str, Any]:
    note(context, "start")
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def print_secret(context: JobContext) -> dict[str, Any]:
    context.say(f"the key is {os.environ['JWT_SECRET_KEY']}")
    context.say(f"that of the LLM is {os.environ.get('OPENROUTER_API_KEY')}")
    context.say("\x1b[31mred\x1b[0m and \x07 a bell")
    sys.stdout.write("10 %\r20 %\r30 %\n")
    sys.stdout.write("no end")
    sys.stdout.flush()
    return {}


def need_memory(context: JobContext) -> dict[str, Any]:
    return {"bytes": len(bytearray(2 * int(os.environ["JOB_MEMORY_BYTES"])))}


def ignore_sigterm(context: JobContext) -> dict[str, Any]:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    note(context, "start")
    time.sleep(60)
    return {}


def leave_grandchildren(context: JobContext) -> dict[str, Any]:
    """Leave a forked and a started process, which would live for a minute, as the first attempt
    would.
    """
    if os.fork() == 0:
        time.sleep(60)
        os._exit(0)
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    note(context, "start")
    if context.job.attempts == 1:
        time.sleep(60)
    return {}


def answer_too_much(context: JobContext) -> dict[str, Any]:
    return {"rows": ["x" * 1000] * 100}


def send_nonsense(context: JobContext) -> dict[str, Any]:
    pipe = int(os.environ["SKINAPI_JOB_EVENTS"])
    os.write(pipe, b'\xff\xfe\n[1]\n{"progress": "much"}\n{"progress": NaN}\n{"metric": 3}\n')
    os.write(pipe, b"[" * 60_000 + b"\n")
    os.write(pipe, b'{"progress": 1' + b"0" * 400 + b"}\n")
    for _ in range(20):
        os.write(pipe, b"x" * 60_000)
    os.write(pipe, b"\n")
    context.progress(250, "far\0")
    context.metric(loss=float("nan"), when_at=3, word="\ud800")
    return {"when_at": 1, "$set": 2, "deep": {"a.b": float("inf")}, "kept": 10**30}
