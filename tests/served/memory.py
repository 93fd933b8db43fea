import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.served.server import children

EVERY_S = 0.02


@dataclass
class Footprint:
    """Megabytes. `held` counts a page shared by the server's processes once: the largest process,
    and the private pages of the others. `peak_rss` adds up the kernel's own high water marks, which
    miss no moment but count shared pages for each process.
    """

    held: float = 0.0
    rss: float = 0.0
    peak_held: float = 0.0
    peak_rss: float = 0.0

    def as_dict(self) -> dict[str, float]:
        return {name: round(value, 1) for name, value in asdict(self).items()}


def measure_memory(master: int) -> Footprint:
    pages = [_megabytes(pid, "smaps_rollup") for pid in (master, *children(master))]
    peaks = [_megabytes(pid, "status")["VmHWM"] for pid in (master, *children(master))]
    rss = [page["Rss"] for page in pages]
    own = [page["Private_Clean"] + page["Private_Dirty"] for page in pages]
    largest = rss.index(max(rss))
    held = rss[largest] + sum(own) - own[largest]
    return Footprint(held=held, rss=sum(rss), peak_held=held, peak_rss=sum(peaks))


@contextmanager
def watching_memory(master: Callable[[], int]) -> Iterator[Footprint]:
    """Yield the peaks, which are filled in at the end. Measuring `held` takes the kernel 7 ms, and
    the resident size almost nothing, so `held` is measured only at a new maximum of the latter.
    """
    seen, stop = Footprint(), threading.Event()

    def look() -> None:
        now = measure_memory(master())
        seen.held, seen.rss, seen.peak_rss = now.held, now.rss, now.peak_rss
        seen.peak_held = max(seen.peak_held, now.held)

    def keep_looking() -> None:
        highest = 0
        while not stop.wait(EVERY_S):
            if (resident := _resident_pages(master())) > highest:
                highest = resident
                look()

    watcher = threading.Thread(target=keep_looking)
    watcher.start()
    try:
        yield seen
    finally:
        stop.set()
        watcher.join()
        look()


def _resident_pages(master: int) -> int:
    pages = 0
    for pid in (master, *children(master)):
        with suppress(FileNotFoundError, ProcessLookupError):
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages


def _megabytes(pid: int, table: str) -> defaultdict[str, float]:
    with suppress(FileNotFoundError, ProcessLookupError):
        lines = Path(f"/proc/{pid}/{table}").read_text().splitlines()
        sizes = [line.split() for line in lines if line.endswith(" kB")]
        return defaultdict(float, {name[:-1]: int(size) * 1024 / 1e6 for name, size, _ in sizes})
    return defaultdict(float)
