"""The prediction pool, with a bounded queue and a few threads, and the model that this process
serves.

If the queue is full, one photo of the caller with the most photos gets 503. One person may have
many addresses but not many approved accounts, so photos without an account are dropped first.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from skinapi.base.errors import ModelDamaged, NoModel, Starting, Unavailable
from skinapi.base.logs import log
from skinapi.model.bands import OperatingPoint
from skinapi.model.network.model import Model, open_model

MOST_WAITING = 16
RETRY_AFTER_S = 2
LONGEST_OPENING_S = 10.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PoolCaller:
    key: str
    signed_in: bool


# Background work has the lowest priority.
BACKGROUND = PoolCaller("", signed_in=False)


@dataclass(frozen=True, slots=True)
class _Place:
    """`held` has the work until a thread takes it: the executor keeps cancelled tasks."""

    caller: PoolCaller
    held: list[Callable[[], Any]]

    def work(self) -> Any:
        return self.held.pop()()


class PredictionPool:
    """Classifies photos in as many threads as the engine has streams. Request threads do not: each
    would keep an inference request and the memory of its largest picture (32 threads took 200 MB
    more).
    """

    def __init__(self, *, streams: int, queue: int = MOST_WAITING) -> None:
        self._places = streams + queue
        self._threads = ThreadPoolExecutor(streams, thread_name_prefix="predict")
        self._lock = threading.Lock()
        # In order of arrival, with their callers.
        self._under_way: dict[Future[Any], _Place] = {}

    def __len__(self) -> int:
        return len(self._under_way)

    def run(self, work: Callable[[], T], *, caller: PoolCaller) -> T:
        with self._lock:
            if len(self._under_way) >= self._places:
                self._make_room(caller)
            place = _Place(caller, [work])
            future: Future[T] = self._threads.submit(place.work)
            self._under_way[future] = place
        try:
            return future.result()
        except CancelledError as error:
            raise Unavailable(retry_after=RETRY_AFTER_S) from error
        finally:
            with self._lock:
                self._under_way.pop(future, None)
            # An error that the future holds refers to this frame: a circle of references would keep
            # a refused picture in memory until the next collection of garbage.
            del future

    def _make_room(self, caller: PoolCaller) -> None:
        has = Counter(place.caller for place in self._under_way.values())
        yielding = [owner for owner in has if _gives_way(owner, caller, has)]
        # Background work first, then callers without an account, then those with most photos.
        yielding.sort(key=lambda owner: (owner != BACKGROUND, owner.signed_in, -has[owner]))
        if not any(self._drop_newest(owner) for owner in yielding):
            raise Unavailable(retry_after=RETRY_AFTER_S)

    def _drop_newest(self, owner: PoolCaller) -> bool:
        for future, place in reversed(self._under_way.items()):
            if place.caller == owner and future.cancel():
                place.held.clear()
                del self._under_way[future]
                return True
        return False


def _gives_way(owner: PoolCaller, newcomer: PoolCaller, has: Counter[PoolCaller]) -> bool:
    if BACKGROUND in (owner, newcomer):
        return owner == BACKGROUND
    if owner.signed_in == newcomer.signed_in:
        return has[owner] > has[newcomer] + 1
    return newcomer.signed_in


# The model that this process serves: verified, loaded and warmed up before it answers requests,
# and replaced by another model in one step.


KERAS_SUFFIXES = (".keras", ".h5")
Open = Callable[[Path], Model]


class ServedModel:
    """The model in service at its operating point. `problem` says why another should serve.

    A request reads `model` once and uses that object for its whole answer, so that the answer has
    one version and one point even if they are replaced meanwhile.
    """

    def __init__(self, open_warm: Open) -> None:
        self._open = open_warm
        self._serving: Model | None = None
        self._tried = threading.Event()
        self._refused: str | None = None
        self._point = OperatingPoint.CAUTIOUS
        self.problem: str | None = None

    @property
    def model(self) -> Model:
        """Waits for the first model: a server answers requests before it has opened one."""
        self._tried.wait(LONGEST_OPENING_S)
        serving = self._serving  # read once: another thread may replace it after the check
        if serving is None:
            raise NoModel
        return serving

    @property
    def loaded(self) -> bool:
        return self._serving is not None

    def ping(self) -> None:
        if not self._tried.is_set():
            raise Starting(retry_after=1)
        if self._serving is None and self._refused:
            raise NoModel(
                f"No model is loaded, so no picture can be judged: {self._refused} cannot be used, "
                "for the reason in the server's log"
            )
        if self._serving is None:
            raise NoModel

    def swap(self, folder: Path) -> Model:
        started = time.monotonic()
        try:
            model = self._open(folder)
            self._serving = _at_point(model, self._point)
        except ModelDamaged as fault:
            self._refused = f"{fault.file} of MODEL_PATH" if fault.file else None
            raise
        finally:
            self._tried.set()
        seconds = round(time.monotonic() - started, 2)
        log.info("model ready", version=model.version, seconds=seconds)
        if not model.calibration.has_points:
            log.warning(
                "model without operating points: its bands follow the older rule until it is "
                "calibrated again with python -m skinapi calibrate",
                version=model.version,
            )
        return self._serving

    def choose_point(self, point: OperatingPoint) -> None:
        self._point = point
        if self._serving is not None:
            self._serving = _at_point(self._serving, point)


def _at_point(model: Model, point: OperatingPoint) -> Model:
    if model.calibration.operating_point is point:
        return model
    return model.with_calibration(model.calibration.at(point))


def open_warm(
    folder: Path,
    *,
    streams: int = 1,
    threads: int | None = None,
    prevalence: float | None = None,
) -> Model:
    if folder.suffix in KERAS_SUFFIXES:
        raise ModelDamaged(
            f"{folder.name} is a Keras network; export it first: "
            f"python -m skinapi export {folder.name} --labels ... --scaling ..."
        )
    model = open_model(folder, streams=streams, threads=threads)
    model.warm()  # the first pass is slow, and it finds a model that loads but does not work
    served = model.with_calibration(model.calibration.where(prevalence))
    for modality in served.calibration.not_restated:
        log.warning(
            "PREVALENCE is not used for this modality: fewer cancers, or nobody knows how many, "
            "were among the pictures of its calibration. Lower PREVALENCE, leave it empty, or "
            "calibrate on your own pictures with python -m skinapi calibrate",
            version=model.version,
            modality=modality,
        )
    return served
