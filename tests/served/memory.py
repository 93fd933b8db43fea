"""What a server and all its processes hold in memory, from its first moment to its worst."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.served.server import children

EVERY_S = 0.02


@dataclass
class Footprint:
    """Megabytes of all processes together. `pss` counts a page that two share once; `peak_rss` is
    the kernel's own high water mark of each process, so no moment is missed.
    """

    pss: float = 0.0
    rss: float = 0.0
    peak_pss: float = 0.0
    peak_rss: float = 0.0

    def as_dict(self) -> dict[str, float]:
        return {name: round(value, 1) for name, value in asdict(self).items()}


def measure_memory(master: int) -> Footprint:
    family = [master, *children(master)]
    pss, rss = (sum(_megabytes(pid, name) for pid in family) for name in ("Pss", "Rss"))
    peak = sum(_megabytes(pid, "VmHWM") for pid in family)
    return Footprint(pss=pss, rss=rss, peak_pss=pss, peak_rss=peak)


@contextmanager
def watching_memory(master: Callable[[], int]) -> Iterator[Footprint]:
    """The peaks of the time inside, filled in when it ends."""
    seen, stop = Footprint(), threading.Event()

    def look() -> None:
        now = measure_memory(master())
        seen.pss, seen.rss, seen.peak_rss = now.pss, now.rss, now.peak_rss
        seen.peak_pss = max(seen.peak_pss, now.pss)

    def keep_looking() -> None:
        while not stop.wait(EVERY_S):
            look()

    watcher = threading.Thread(target=keep_looking)
    watcher.start()
    try:
        yield seen
    finally:
        stop.set()
        watcher.join()
        look()


def _megabytes(pid: int, name: str) -> float:
    """Nothing of a process that has just ended."""
    path = Path(f"/proc/{pid}") / ("status" if name == "VmHWM" else "smaps_rollup")
    try:
        lines = path.read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    found = [int(line.split()[1]) for line in lines if line.startswith(f"{name}:")]
    return sum(found) * 1024 / 1e6
