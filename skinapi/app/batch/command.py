import argparse
import hashlib
import signal
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from importlib.util import find_spec
from itertools import groupby, islice, pairwise
from types import FrameType
from typing import Protocol

import pyarrow as pa

from skinapi.app.batch.arguments import (
    GO_ON,
    BadSource,
    BatchArguments,
    OutputOfAnotherRun,
    PicturesGone,
)
from skinapi.app.batch.judge import (
    FAILED,
    JUDGED,
    REFUSED,
    STOPPING,
    UNREADABLE,
    Judge,
    JudgeOptions,
    Row,
    columns,
    open_judge,
    path_columns,
    sum_model,
)
from skinapi.app.batch.output import Manifest, Output, Part
from skinapi.app.batch.pictures import FolderWalk, Listing, format_of, name_of, open_listing
from skinapi.base.logs import configure_logs
from skinapi.base.settings.settings import Settings
from skinapi.model.bands import OperatingPoint
from skinapi.model.network.model import SHIPPED_MODEL, read_calibration, read_card, read_labels

# After a kill, at most this many rows are judged again.
PART_ROWS = 2_000
PART_SECONDS = 60.0
TICK_S = 0.5
# Pictures that threads may work ahead of a slow one.
PICTURES_AHEAD = 64
SECONDS_BETWEEN_LINES = 10.0
# The rate covers the last minute.
LINES_OF_RATE = 7
Say = Callable[[str], None]


class Answer(Protocol):
    def done(self) -> bool: ...

    def cancel(self) -> bool:
        """Cancel a batch. Return False if it has already started."""

    def result(self, timeout: float | None = None) -> list[Row]: ...


class Workers(Protocol):
    batch: int
    ahead: int

    def submit(self, names: Sequence[bytes]) -> Answer: ...

    def close(self) -> None: ...


class LocalWorkers:
    def __init__(self, judge: Judge, *, threads: int) -> None:
        self._judge = judge
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="judge")
        self.batch = 1
        self.ahead = threads * PICTURES_AHEAD

    def submit(self, names: Sequence[bytes]) -> Answer:
        return self._threads.submit(self._judge.judge_all, names)

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)


class Progress:
    def __init__(
        self, *, total: int, done: int, say: Say, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._total, self._done, self._begun_at = total, done, done
        self._say, self._clock, self._began = say, clock, clock()
        self._statuses: Counter[str] = Counter()
        self._seen = deque([(self._began, done)], maxlen=LINES_OF_RATE)

    def count(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self._done += 1
            self._statuses[row["status"]] += 1
        now = self._clock()
        if now - self._seen[-1][0] >= SECONDS_BETWEEN_LINES:
            self._say(self._line(now))
            self._seen.append((now, self._done))

    def _line(self, now: float) -> str:
        then, done = self._seen[0]
        rate = (self._done - done) / (now - then)
        left = _hours((self._total - self._done) / rate) if rate else "unknown"
        return (
            f"{self._done:,} of {self._total:,} ({self._done / self._total:.1%}), {rate:.1f}/s, "
            f"{left} left; {self._in_words()}"
        )

    @property
    def complete(self) -> bool:
        return self._done == self._total

    def summary(self) -> str:
        took = _hours(self._clock() - self._began)
        return f"{self._done - self._begun_at:,} pictures in {took}: {self._in_words()}"

    def _in_words(self) -> str:
        failed = [FAILED] if self._statuses[FAILED] else []
        shown = (JUDGED, REFUSED, UNREADABLE, *failed)
        return ", ".join(f"{status} {self._statuses[status]:,}" for status in shown)


def _hours(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def judge_rest(
    output: Output, workers: Workers, *, columns: pa.Schema, say: Say, stop: threading.Event
) -> Progress:
    first = sum(part.rows for part in output.parts())
    names = output.names()
    progress = Progress(total=len(names), done=first, say=say)
    rows: list[Row] = []
    written_at = time.monotonic()
    try:
        for judged in judge_in_order(workers, (name.as_py() for name in names[first:]), stop=stop):
            rows += judged
            progress.count(judged)
            old = time.monotonic() - written_at >= PART_SECONDS
            if len(rows) >= PART_ROWS or (old and rows):
                output.write_part(rows, first=first, columns=columns)
                first, rows, written_at = first + len(rows), [], time.monotonic()
    finally:
        if rows:
            output.write_part(rows, first=first, columns=columns)
    return progress


def judge_in_order(
    workers: Workers, names: Iterator[bytes], *, stop: threading.Event
) -> Iterator[list[Row]]:
    """Yield an empty list twice a second while no row is ready. After `stop` is set, only batches
    in progress are finished.
    """
    under_way: deque[Answer] = deque()
    while True:
        while not stop.is_set() and len(under_way) < workers.ahead:
            batch = list(islice(names, workers.batch))
            if not batch:
                break
            under_way.append(workers.submit(batch))
        while stop.is_set() and under_way and under_way[-1].cancel():
            under_way.pop()
        if not under_way:
            return
        rows = _wait_for(under_way[0])
        if rows is not None:
            under_way.popleft()
        yield rows or []


def _wait_for(answer: Answer) -> list[Row] | None:
    try:
        return answer.result(timeout=TICK_S)
    except TimeoutError:
        # It may have finished meanwhile with an error of the same type.
        return answer.result() if answer.done() else None


@contextmanager
def stopping_by_signal() -> Iterator[threading.Event]:
    """Yield an event that a signal in STOPPING sets. A second signal ends the process at once."""
    stop = threading.Event()

    def ask(number: int, _: FrameType | None) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    before = {number: signal.signal(number, ask) for number in STOPPING}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


INTERRUPTED = 130  # as a shell reports a program that Ctrl-C ended
# Pictures searched before and after the place where a run continues.
LOOKED_FOR = 50


class Interrupted(Exception):
    pass


def run(settings: Settings, namespace: argparse.Namespace) -> int:
    configure_logs()
    arguments = BatchArguments(
        **{name: getattr(namespace, name) for name in BatchArguments.__slots__}
    )
    listing = open_listing(arguments.source, null=arguments.null)
    options = _judge_options(settings, arguments, listing)
    output = Output(arguments.out.absolute())
    with stopping_by_signal() as stop, output.held():
        try:
            return _run_held(output, listing, options, arguments, stop)
        except Interrupted:
            return _say_interrupted()


def _judge_options(settings: Settings, arguments: BatchArguments, listing: Listing) -> JudgeOptions:
    model = arguments.model or settings.model_path or SHIPPED_MODEL
    if arguments.triage or "triage" in settings.model_fields_set:
        read_calibration(model).refuse_without_points(read_card(model).version)
    return JudgeOptions(
        model=model.absolute(),
        point=OperatingPoint(arguments.triage or settings.triage),
        precision=read_card(model).precision,
        root=listing.root,
        largest_bytes=settings.max_upload_bytes,
        inside=isinstance(listing, FolderWalk),
        prevalence=settings.prevalence_share,
    )


def _run_held(
    output: Output,
    listing: Listing,
    options: JudgeOptions,
    arguments: BatchArguments,
    stop: threading.Event,
) -> int:
    manifest = _begin(output, listing, options, arguments, stop)
    if manifest is None:
        _say(f"{arguments.out} is complete already; --restart judges every picture again")
        return 0
    schema = columns(read_labels(options.model), restated=options.prevalence is not None)
    with closing(_open_workers(options, arguments)) as workers:
        _refuse_if_gone(output, options)
        progress = judge_rest(output, workers, columns=schema, say=_say, stop=stop)
    _say(progress.summary())
    if not progress.complete:
        return _say_interrupted()
    output.finish(manifest, columns=schema)
    _say(f"{arguments.out} is complete: {manifest.pictures:,} rows")
    return 0


def _begin(
    output: Output,
    listing: Listing,
    options: JudgeOptions,
    arguments: BatchArguments,
    stop: threading.Event,
) -> Manifest | None:
    finished = output.finished()  # it refuses to replace a file that is not ours
    begun = None if arguments.restart else output.begun()
    # With --restart, the finished output stays until the new one replaces it.
    earlier = begun or (None if arguments.restart else finished)
    names: list[bytes] = []
    if earlier and isinstance(listing, FolderWalk):
        # The plan of a folder does not change after the start of the run.
        manifest = _describe(options, listing, earlier.pictures, earlier.plan_sha256)
    else:
        names = _sorted_names(listing, stop)
        digest = hashlib.sha256()
        for name in names:
            digest.update(name + b"\0")
        manifest = _describe(options, listing, len(names), digest.hexdigest())
    if earlier is None:
        output.begin(manifest, names)
        return manifest
    if difference := manifest.difference(earlier):
        raise OutputOfAnotherRun(
            f"{arguments.out} belongs to another run: {difference}. Choose another --out, or begin "
            "anew with --restart"
        )
    return begun


def _describe(options: JudgeOptions, listing: Listing, pictures: int, digest: str) -> Manifest:
    return Manifest(
        model_version=read_card(options.model).version,
        model_sha256=sum_model(options.model),
        precision=options.precision,
        largest_bytes=options.largest_bytes,
        operating_point=_point_of(options),
        prevalence="empty" if options.prevalence is None else f"{100 * options.prevalence:g}",
        kind="folder" if isinstance(listing, FolderWalk) else "list",
        root=options.root.decode(errors="backslashreplace"),
        pictures=pictures,
        plan_sha256=digest,
    )


def _point_of(options: JudgeOptions) -> str:
    if read_calibration(options.model).has_points:
        return options.point.value
    _say(
        "The model has no thresholds for operating points, so its bands follow the older rule. To "
        "have them, calibrate it again: python -m skinapi calibrate"
    )
    return "none"


def _sorted_names(listing: Listing, stop: threading.Event) -> list[bytes]:
    """Remove duplicates. A million names of 36 bytes take 185 MB, including the plan's table."""
    names: list[bytes] = []
    for name in listing.names():
        if stop.is_set():
            raise Interrupted
        names.append(name)
    for known in filter(None, {format_of(name_of(entry)) for entry in names}):
        if find_spec(known.library) is None:
            raise BadSource(known.missing)
    names.sort()
    once = [name for name, _ in groupby(names)]
    for entry, following in pairwise(once):
        if (name := name_of(entry)) == name_of(following):
            path = path_columns(name)["path"]
            raise BadSource(f"The table tells different things of {path}")
    repeated = f", {len(names) - len(once):,} named twice" if len(names) > len(once) else ""
    others = f", {listing.left_out:,} other files left out" if listing.left_out else ""
    _say(f"{len(once):,} pictures{repeated}{others}")
    return once


def _open_workers(options: JudgeOptions, arguments: BatchArguments) -> Workers:
    if arguments.cluster:
        # Importing Dask takes 0.3 s, and few runs need it.
        from skinapi.app.batch.cluster import ClusterWorkers  # noqa: PLC0415

        return ClusterWorkers(arguments.cluster, options)
    judge = open_judge(options, threads=arguments.threads)
    return LocalWorkers(judge, threads=arguments.threads)


def _refuse_if_gone(output: Output, options: JudgeOptions) -> None:
    names, parts = output.names(), output.parts()
    done = sum(part.rows for part in parts)
    before = [name_of(names[at].as_py()) for at in islice(_last_read(parts), LOOKED_FOR)]
    following = [name_of(entry) for entry in names[done : done + LOOKED_FOR].to_pylist()]
    reader = options.open_reader()
    if before and following and not any(map(reader.exists, [*before, *following])):
        raise PicturesGone


def _last_read(parts: Sequence[Part]) -> Iterator[int]:
    end = sum(part.rows for part in parts)
    for part in reversed(parts):
        end -= part.rows
        sizes = part.read(["bytes"])["bytes"].to_pylist()
        yield from (end + at for at in reversed(range(part.rows)) if sizes[at] is not None)


def _say_interrupted() -> int:
    _say(f"Interrupted. Nothing is lost: to go on, {GO_ON}")
    return INTERRUPTED


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
