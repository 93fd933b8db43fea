"""Compares the starts of several checkouts: processor time, seconds, memory.

`python -m bench.starts [CHECKOUT ...]` starts one server of each after the other, `--starts`
times, and prints medians. With `--python PATH ...`, one of each with each of these interpreters. A
start ends with the first answer to a photo. Processor time depends less than seconds on what else
the machine does.
"""

import argparse
import itertools
import os
import statistics
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.photos import photos
from bench.serving import SMALL, Contender, ours
from skinapi.model.network.model import SHIPPED_MODEL
from tests.served.memory import measure_memory
from tests.served.server import ROOT, stopping
from tests.support.size import size

STARTS = size(7, 21)
COLUMNS = ("seconds", "CPU s", "parent", "worker: main", "its others", "held MB")
TICKS = os.sysconf("SC_CLK_TCK")


def measure_start(contender: Contender, photo: bytes) -> tuple[float, ...]:
    seconds = contender.start(photo)
    master, worker = contender.server.master(), contender.server.workers()[0]
    parent, child, main = _cpu_s(master), _cpu_s(worker), _main_thread_s(worker)
    held = measure_memory(master).held
    contender.server.stop()
    return seconds, parent + child, parent, main, child - main, held


def _cpu_s(pid: int) -> float:
    """Return the processor time of all its threads, including ended ones.
    https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    """
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _main_thread_s(pid: int) -> float:
    return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[0]) / 1e9


def main(checkouts: Sequence[Path], pythons: Sequence[str], starts: int) -> None:
    kinds = list(itertools.product(checkouts, pythons))
    with TemporaryDirectory(prefix="bench-") as folder, ExitStack() as stack:
        contenders = []
        for number, (checkout, python) in enumerate(kinds):
            contender = ours(Path(folder) / str(number), SHIPPED_MODEL)
            contender.server.code, contender.server.interpreter = checkout.resolve(), python
            stack.enter_context(stopping(contender.server))
            contenders.append(contender)
        photo = photos(None)[SMALL][0]
        for contender in contenders:
            measure_start(contender, photo)  # the first start compiles the modules
        rounds = [[measure_start(each, photo) for each in contenders] for _ in range(starts)]
    sys.stdout.write("".join(f"{name:>14}" for name in COLUMNS) + "\n")
    for (checkout, python), rows in zip(kinds, zip(*rounds, strict=True), strict=True):
        medians = (statistics.median(column) for column in zip(*rows, strict=True))
        sys.stdout.write(
            "".join(f"{value:>14.3f}" for value in medians) + f"  {checkout} {python}\n"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkouts", nargs="*", type=Path, default=[ROOT])
    parser.add_argument("--python", nargs="+", default=[sys.executable])
    parser.add_argument("--starts", type=int, default=STARTS)
    options = parser.parse_args()
    main(options.checkouts, options.python, options.starts)
