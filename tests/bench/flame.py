"""`python -m tests.bench.flame OUT.svg`: what a server does while four clients send photos, drawn.

A flame graph, read from above: each box is a function, below it are those that it called, and its
width is its share of the time in which any thread worked. It needs py-spy (`pip install py-spy`)
on the path, and the right to look into another process.
"""

import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

from skinapi.vision.network.model import SHIPPED_MODEL
from tests.bench.load import Bounds, load
from tests.bench.photos import SIZES, photos
from tests.bench.serving import ours, request_of
from tests.served.photo_clients import ANGULAR
from tests.served.server import ROOT, stopping
from tests.support.size import size

CLIENTS = 4
SECONDS = size(20, 60)
WIDTH, ROW, MARGIN = 1200, 17, 10
LETTER = 6.6  # the mean width of one at the size of the text
LEAST_SHARE = 0.004
WAITS = re.compile(r"PyThread_acquire_lock_timed|pthread_cond_|take_gil|epoll_|[ ;]poll |select")
PACKAGES = "skinapi|" + "|".join(path.parent.name for path in ROOT.glob("skinapi/*/__init__.py"))
COLOURS = {"skinapi": "#f3b562", "lib": "#8cbcd6", "other": "#c9d3d9"}


@dataclass
class Frame:
    name: str
    samples: int = 0
    callees: dict[str, "Frame"] = field(default_factory=dict)

    def add(self, stack: list[str], samples: int) -> None:
        self.samples += samples
        if stack:
            first, *rest = stack
            self.callees.setdefault(first, Frame(first)).add(rest, samples)


def record(raw: Path) -> None:
    """Record the stacks of a server at work. It is slower then: py-spy stops it for each look."""
    with TemporaryDirectory(prefix="bench-") as folder:
        contender = ours(Path(folder), SHIPPED_MODEL)
        with stopping(contender.server):
            content = contender.answered(photos(None))[next(iter(SIZES))]
            requests = [request_of(ANGULAR, photo, contender.token) for photo in content]
            (worker,) = contender.server.workers()
            looking = threading.Thread(target=_look, args=(worker, raw))
            looking.start()
            bounds = Bounds(10**6, seconds=SECONDS + 5)
            load(contender.server.port, requests, clients=CLIENTS, bounds=bounds)
            looking.join()


def _look(pid: int, raw: Path) -> None:
    options = ["--native", "--format", "raw", "--function", "--rate", "200"]
    where = ["--duration", str(SECONDS), "--output", str(raw), "--pid", str(pid)]
    subprocess.run(["py-spy", "record", *options, *where], check=True, capture_output=True)


def read_stacks(raw: str) -> Frame:
    """The tree of `a;b;c 7` lines: seven samples of c, called by b, called by a. Threads that wait
    are left out: with native frames py-spy cannot tell that they do.
    """
    whole = Frame("all threads")
    for line in raw.splitlines():
        stack, _, samples = line.rpartition(" ")
        frames = [_shortened(frame) for frame in stack.split(";")]
        if not WAITS.search(stack):
            # Of a frame without a name only its address is known.
            whole.add([frame for frame in frames if not frame.startswith("0x")], int(samples))
    return whole


def _shortened(frame: str) -> str:
    """With no more of the file's path than its folder."""
    return re.sub(r"\((?:[^()]*/)?([^()/]+/[^()/]+)\)$", r"(\1)", frame)


def draw(whole: Frame, *, title: str) -> str:
    boxes = list(_boxes(whole, MARGIN, 0, whole.samples))
    height = ROW * (2 + max(depth for depth, _ in boxes)) + 3 * MARGIN
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="11">'
        f'<rect width="100%" height="100%" fill="white"/>'
        f'<text x="{MARGIN}" y="{MARGIN + 8}" font-size="13">{escape(title)}</text>'
    )
    return "\n".join([head, *(box for _, box in boxes), "</svg>\n"])


def _boxes(frame: Frame, left: float, depth: int, whole: int) -> Iterator[tuple[int, str]]:
    share = frame.samples / whole
    if share < LEAST_SHARE:
        return
    width, top = share * (WIDTH - 2 * MARGIN), 2 * MARGIN + ROW * (1 + depth)
    text = frame.name[: int((width - 4) / LETTER)] if width > 3 * LETTER else ""
    about = f"{escape(frame.name)}: {share:.1%}"
    yield (
        depth,
        (
            f"<g><title>{about}</title>"
            f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{ROW - 1}" '
            f'fill="{COLOURS[_kind(frame.name)]}"/>'
            f'<text x="{left + 2:.1f}" y="{top + 12}">{escape(text)}</text></g>'
        ),
    )
    for callee in sorted(frame.callees.values(), key=lambda one: -one.samples):
        yield from _boxes(callee, left, depth + 1, whole)
        left += callee.samples / whole * (WIDTH - 2 * MARGIN)


def _kind(name: str) -> str:
    if re.search(rf"\((?:{PACKAGES})/", name):
        return "skinapi"
    return "lib" if ".py" in name else "other"


def main(out: Path) -> None:
    if shutil.which("py-spy") is None:
        sys.exit("no py-spy: pip install py-spy")
    with TemporaryDirectory(prefix="flame-") as folder:
        raw = Path(folder) / "stacks"
        record(raw)
        whole = read_stacks(raw.read_text())
    title = f"POST /predict, {CLIENTS} clients, photos of 600x450"
    out.write_text(draw(whole, title=title))
    sys.stdout.write(f"written to {out}: {whole.samples} samples\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
