"""`python -m tests.bench.findings [CHECKOUT]`: how many findings a second 1, 2 and 4 processes file
together on one mongod, and on a replica set of three, in turns with another checkout of this
project.

Each process runs whole requests but for the socket and the network (filing.py). What grows with the
processes is not held up by a document that all of them change.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bench import filing
from tests.bench.beside_training import processor_s
from tests.stores.mongod import running_mongod
from tests.stores.replica_set import running_replica_set
from tests.support.size import size

RESULT = Path("instance/bench-findings.json")
HERE = Path(__file__).parents[2]
MEMBERS = (1, 3)
PROCESSES = (1, 2, 4)
THREADS = 8
SECONDS = size(5, 20)
TURNS = size(1, 5)
FIGURES = ("per_second", "mongod_ms", "process_ms", "mongod_cores")
Results = dict[str, Any]


def measure_findings(checkouts: list[Path]) -> list[Results]:
    return [
        {"turn": turn, "checkout": str(checkout), **filed_by(checkout, members, processes)}
        for turn in range(TURNS)
        for members in MEMBERS
        for processes in PROCESSES
        for checkout in checkouts
    ]


def filed_by(checkout: Path, members: int, processes: int) -> Results:
    """What so many processes of this checkout file in an empty database."""
    with running(members) as (uri, pids):
        crowd = [start(checkout, uri) for _ in range(processes)]
        for one in crowd:
            await_word(one, filing.READY)
        used, began = sum(map(processor_s, pids)), time.monotonic()
        for one in crowd:
            tell(one, "go")
        said = [json.loads(await_word(one, "{")) for one in crowd]
        used, wall = sum(map(processor_s, pids)) - used, time.monotonic() - began
        for one in crowd:
            one.wait()
    filed = sum(one["filed"] for one in said)
    return {
        "members": members,
        "processes": processes,
        "per_second": round(filed / wall, 1),
        "mongod_ms": round(1000 * used / filed, 2),
        "mongod_cores": round(used / wall, 2),
        "process_ms": round(1000 * sum(one["processor_s"] for one in said) / filed, 2),
    }


@contextmanager
def running(members: int) -> Iterator[tuple[str, list[int]]]:
    """The URI of a database, and the process ids of its servers."""
    if members == 1:
        with running_mongod() as mongod:
            yield mongod.uri.replace("/?", "/bench?"), [mongod.pid]
        return
    with running_replica_set(election_ms=10_000) as replica_set:
        pids = [member.pid for member in replica_set.members]
        yield replica_set.uri.replace("/?", "/bench?"), pids


def start(checkout: Path, uri: str) -> subprocess.Popen[str]:
    # -P: the folder of the file would come before the checkout.
    command = [sys.executable, "-P", filing.__file__, uri, str(SECONDS), str(THREADS)]
    return subprocess.Popen(
        command,
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # a line of the log for each request
        text=True,
    )


def await_word(process: subprocess.Popen[str], word: str) -> str:
    """The next line that begins with it."""
    assert process.stdout
    for line in process.stdout:
        if line.startswith(word):
            return line
    raise RuntimeError(f"a process ended with status {process.wait()}")


def tell(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdin
    process.stdin.write(f"{word}\n")
    process.stdin.flush()


def table(rows: list[Results]) -> Iterator[str]:
    """One line for each checkout, number of members, and number of processes: medians of all
    turns.
    """
    kinds = dict.fromkeys((row["checkout"], row["members"], row["processes"]) for row in rows)
    yield "members  processes  findings/s  mongod ms  process ms  mongod cores"
    for checkout, members, processes in sorted(kinds):
        found = [
            row
            for row in rows
            if (row["checkout"], row["members"], row["processes"]) == (checkout, members, processes)
        ]
        middle = [statistics.median(row[name] for row in found) for name in FIGURES]
        rate, mongod, process, cores = middle
        yield (
            f"{members:>7}{processes:>11}{rate:>12.1f}{mongod:>11.2f}{process:>12.2f}{cores:>14.2f}"
            f"  {checkout}"
        )


if __name__ == "__main__":
    found = measure_findings([HERE, *(Path(given).resolve() for given in sys.argv[1:])])
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(found, indent=1) + "\n")
    sys.stdout.write("\n".join([*table(found), "", f"written to {RESULT}", ""]))
