"""Findings per second by processes: the server, and the engine alone in as many processes.

`python -m bench.cores [--processes 1,2,4] [--clients 4,16]` prints this part of `make bench` alone.
The two take turns, because the speed of a shared machine changes by a tenth between minutes.
"""

import argparse
import itertools
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.load import Bounds, load, rate_of
from bench.photos import photos
from bench.serving import SMALL, Contender, ours, request_of
from skinapi.base.settings.settings import Settings
from skinapi.base.settings.sizing import size_server, usable_cores
from skinapi.model.classification import classify_photo
from skinapi.model.network.model import SHIPPED_MODEL, open_model
from tests.served.photo_clients import ANGULAR
from tests.served.server import ROOT, children, stopping
from tests.support.size import size

TURNS = size(3, 9)
TURN_S = 4.0
CLIENTS_OF_PROCESS = 4
Results = dict[str, Any]


def measure_cores(
    model: Path, processes: Sequence[int] = (), clients: Sequence[int] = ()
) -> list[Results]:
    rows = []
    with TemporaryDirectory(prefix="bench-") as folder, ExitStack() as stack:
        contender = ours(Path(folder), model)
        server = stack.enter_context(stopping(contender.server))
        content = contender.answered(photos(None))[SMALL]
        requests = [request_of(ANGULAR, photo, contender.token) for photo in content]
        (photo := Path(folder) / "photo.jpg").write_bytes(content[0])
        for number in processes or doublings(usable_cores()):
            server.stop()
            server.environment["WORKERS"] = str(number)
            server.start()
            with engines(model, photo, processes=number) as engine:
                for callers in clients or [CLIENTS_OF_PROCESS * number]:
                    row = measure_row(contender, requests, engine, callers)
                    rows.append({"processes": number, **row})
                    sys.stderr.write(f"{row_of_table(rows[-1])}\n")
    return rows


def doublings(most: int) -> list[int]:
    return [2**power for power in range(most.bit_length())]


def measure_row(
    contender: Contender,
    requests: Sequence[bytes],
    engine: Sequence[subprocess.Popen[str]],
    clients: int,
) -> Results:
    served, bare, failed = [], [], Counter[str]()
    for _ in range(TURNS):
        bounds = Bounds(10**6, seconds=TURN_S)
        timing = load(contender.server.port, requests, clients=clients, bounds=bounds)
        failed.update(timing.failed)
        served.append(timing.per_second)
        bare.append(turn_of(engine))
    master = contender.server.master()
    sizes = [pss_mb(pid) for pid in (master, *children(master))]
    return {
        "clients": clients,
        "served": round(statistics.median(served), 1),
        "engine": round(statistics.median(bare), 1),
        "share": round(
            statistics.median(mine / whole for mine, whole in zip(served, bare, strict=True)), 3
        ),
        "failed": dict(failed),
        "pss_mb": [round(each) for each in sizes],
    }


@contextmanager
def engines(
    model: Path, photo: Path, *, processes: int, streams: int | None = None
) -> Iterator[list[subprocess.Popen[str]]]:
    """Start processes without a server, each with the streams of a server's process."""
    sizing = size_server(processes, streams)
    arguments = [str(model), str(photo), str(sizing.streams), str(sizing.inference_threads)]
    command = [sys.executable, "-m", "bench.cores", "--engine", *arguments]
    pipe = subprocess.PIPE
    running = [
        subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT)
        for _ in range(processes)
    ]
    try:
        for process in running:
            _heard(process)  # it is ready
        yield running
    finally:
        for process in running:
            process.kill()
            process.communicate()


def turn_of(engine: Sequence[subprocess.Popen[str]]) -> float:
    """Return the findings per second of all processes together."""
    for process in engine:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    return sum(float(_heard(process)) for process in engine)


def _heard(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline()


def run_engine(model: Path, photo: Path, streams: int, threads: int) -> None:
    """Judge a photo in memory, with its heat map, in turns controlled by the input."""
    opened, content = open_model(model, streams=streams, threads=threads), photo.read_bytes()
    opened.warm()
    _say("ready")
    for _ in sys.stdin:
        rate = rate_of(lambda: classify_photo(opened, content), streams, seconds=TURN_S)
        _say(str(rate))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def pss_mb(pid: int) -> float:
    """Its memory, with its share of each shared page."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024 / 1e6


def table(rows: Sequence[Results]) -> Iterator[str]:
    yield f"findings a second on {usable_cores()} cores, with their heat map"
    head = f"{'processes':>9}{'clients':>9}{'server':>9}{'engine':>9}{'share':>7}"
    yield f"{head}{'MB':>6}  parent and processes (PSS), failed"
    yield from map(row_of_table, rows)
    for before, after in itertools.pairwise(rows):
        if (more := after["processes"] - before["processes"]) > 0:
            grown = (sum(after["pss_mb"]) - sum(before["pss_mb"])) / more
            yield f"from {before['processes']} to {after['processes']}: {grown:.0f} MB a process"


def row_of_table(row: Results) -> str:
    figures = f"{row['processes']:>9}{row['clients']:>9}{row['served']:>9.1f}{row['engine']:>9.1f}"
    sizes = " ".join(map(str, row["pss_mb"]))
    return f"{figures}{row['share']:>7.3f}{sum(row['pss_mb']):>6}  {sizes} {row['failed'] or ''}"


def numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=Settings().model_path or SHIPPED_MODEL)
    parser.add_argument("--processes", type=numbers, default=())
    parser.add_argument("--clients", type=numbers, default=())
    parser.add_argument("--engine", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.engine:
        model, photo, streams, threads = options.engine
        run_engine(Path(model), Path(photo), int(streams), int(threads))
        return
    rows = measure_cores(options.model, options.processes, options.clients)
    sys.stdout.write("\n".join([*table(rows), ""]))


if __name__ == "__main__":
    main()
