"""How far a training is, and how long it still takes: by a plan of its stages in seconds of
processor time, by what those that ended took of it here, and by how much the training gets of late.

Seconds of the clock say little of what follows: a job has the lowest priority, so the same step
takes three times as long while others use the processors. Then it is told from how much to how
much, or not at all (`tests/bench/time_left.py`).
"""

import math
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from skinapi.jobs.handlers import JobContext
from skinapi.lab.trainings.service import Architecture, TrainingRequest
from skinapi.storage.ids import now

# A stage that takes more than planned goes on for at least this share of what it took until then.
OVERRUN = 0.15
# The plan weighs as much as a stage that took so many seconds of processor time, and no stage
# weighs more than that: hours of epochs say little of the export.
USUAL_S = 10.0
# What a training gets of the processors changes: what was so long ago counts half. The next
# minutes lie between what it got of late and in all, in which so many quiet seconds are counted.
HALF_LIFE_S, QUIET_S = 12.0, 15.0
# How much a busy machine adds to the doubt.
LOADED = 0.5
# Of more threads than one, where nothing has been measured yet.
MORE_THREADS = 0.5
# How many times more or less it may be on a quiet machine: until the first step is made, and of the
# stages after the epochs, which the plan alone knows; of the epochs in the first one, and after it,
# where each says what the next one takes. On a busy machine, more.
PLANNED, STEPPING, MEASURED = 1.6, 1.4, 1.2
# Stages that one processor does, and those that all do.
ALONE, TOGETHER = "alone", "together"


@dataclass(frozen=True, slots=True)
class Stage:
    """`seconds` of processor time on the machine on which the plan was measured; of later stages
    only their ratio counts.
    """

    name: str
    seconds: float
    kind: str = ALONE


@dataclass(frozen=True, slots=True)
class Costs:
    """Seconds of processor time of a network: the first step, which is compiled; a step for each
    picture of 224 x 224, forward and back; renewing its weights, in each step once; the end of an
    epoch; looking at a picture; the export.
    """

    first_step: float
    step: float
    update: float
    epoch_end: float
    look: float
    export: float


COSTS: dict[Architecture, Costs] = {
    "ResNet50": Costs(first_step=19, step=0.135, update=0.44, epoch_end=3, look=0.04, export=19),
    "DenseNet169": Costs(first_step=60, step=0.2, update=0.23, epoch_end=2, look=0.04, export=40),
    "MobileNetV2": Costs(
        first_step=31, step=0.2, update=0.04, epoch_end=0.6, look=0.005, export=6.5
    ),
    "EfficientNetB3": Costs(first_step=60, step=0.3, update=0.2, epoch_end=2, look=0.02, export=20),
}
READ = 0.045  # a picture with its changes, for a step
SIDE = 224
TRAINING, VALIDATION, TEST = 0.72, 0.12, 0.16  # the parts of a small data set
# Of each picture of the validation part, of which some are of one lesion.
LOOKED_AT = 3 + 18 * 0.8
LOOKS_AGAIN = 0.016  # whatever the network
MOST_CALIBRATED, MOST_STRESSED = 1500, 1050
PREPARE, FIRST_STEP, EPOCHS, EXPORT, MEASURE, COMPARE = STAGES = (
    "prepare", "first step", "epochs", "export", "measure", "compare",
)  # fmt: skip
# What the job says of itself at the beginning of a stage.
MESSAGES = {
    FIRST_STEP: "Training",
    MEASURE: "Measuring the model",
    COMPARE: "Comparing with the model in service",
}
# Of an epoch, the rest validates it and saves its weights; of the measuring, the rest draws.
STEPS, LOOKING, HEAT_MAPS = 0.75, 0.8, 0.15
TOLD_EVERY_S = 1.0
# While nothing is counted: the first step alone takes half a minute.
LOOKED_EVERY_S = 2.0
MOST_PERCENT = 99.0
# As a run over batches is called where it is counted: the recipe of the lab.
BATCHES = "whole"
# The runs over pictures that measure a model, as they are called when they are counted.
LOOKS = ("evaluate", "heat maps", "markings")


def plan_training(request: TrainingRequest, *, pictures: int, compared: bool) -> list[Stage]:
    """Its stages in their order, for a data set of so many pictures. `compared`: a model serves."""
    costs = COSTS[request.architecture]
    size = (request.side / SIDE) ** 2
    look = LOOKS_AGAIN + costs.look * size
    batches = max(1, int(TRAINING * pictures / request.batch_size))
    step = (READ + costs.step * size) * request.batch_size + costs.update
    epoch = step * batches + look * VALIDATION * pictures + costs.epoch_end
    served = LOOKS_AGAIN + COSTS["ResNet50"].look
    return [
        Stage(PREPARE, 5.5 + 0.005 * pictures),
        Stage(FIRST_STEP, costs.first_step + step),
        Stage(EPOCHS, epoch * request.epochs - step, TOGETHER),
        Stage(EXPORT, costs.export),
        Stage(MEASURE, 8 + look * count_looked_at(pictures), TOGETHER),
        Stage(COMPARE, 2.5 + (look + served) * TEST * pictures if compared else 0.5, TOGETHER),
    ]


def count_looked_at(pictures: int) -> float:
    """How often the measuring looks at a picture."""
    return (
        LOOKED_AT * min(VALIDATION * pictures, MOST_STRESSED)
        + min(TRAINING * pictures, MOST_CALIBRATED)
        + TEST * pictures
    )


class Load:
    """How much of the processors the training gets, of what it would on a quiet machine (1.0)."""

    def __init__(self) -> None:
        self._wanted = self._got = QUIET_S
        self._late_wanted = self._late_got = 1.0

    def add(self, wanted: float, got: float) -> None:
        kept = 0.5 ** (wanted / HALF_LIFE_S)
        self._late_wanted = self._late_wanted * kept + wanted
        self._late_got = self._late_got * kept + got
        self._wanted += wanted
        self._got += got

    def _shares(self) -> tuple[float, float]:
        """Of late, and in all."""
        return max(0.01, self._late_got / self._late_wanted), max(0.01, self._got / self._wanted)

    @property
    def expected(self) -> float:
        """In the next minutes."""
        late, whole = self._shares()
        return math.sqrt(late * whole)

    @property
    def doubt(self) -> float:
        late, whole = self._shares()
        return math.sqrt(
            max(late, whole) / min(late, whole) * max(1.0, 1 / self.expected) ** LOADED
        )


class TimeLeft:
    """`reach` says where the training is; `seconds`, how long it still takes, `doubt`, how many
    times more or less that may be, and `percent`, how much of its whole time is over. `already`:
    seconds that it ran before this was made.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        *,
        epochs: int,
        already: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
        processor: Callable[[], float] = time.process_time,
        threads: int = 1,
    ) -> None:
        self._stages, self._clock, self._processor = stages, clock, processor
        self._place = 0
        self._began = clock() - already
        self._seen = self._began, 0.0
        self._begin = 0.0  # of the stage that runs, in processor time
        # Of the stage that runs: how much is done, and how much was when it began here.
        self._share = self._first_share = 0.0
        self._taken = self._planned = USUAL_S
        self._first_epoch = 1 / epochs
        self._soonest = 1.0  # the share of the epochs after which they may end
        self._usual = {ALONE: 1.0, TOGETHER: 1 + MORE_THREADS * (threads - 1)}
        self._load = Load()
        self._look()

    def reach(self, name: str, share: float = 0.0) -> None:
        """So much of this stage is done; those before it have ended. It never goes back."""
        place = STAGES.index(name)
        _, used = self._look()
        if place > self._place:
            ended = self._stages[self._place]
            self._weigh(used - self._begin, ended.seconds * (1 - self._first_share))
            self._place, self._begin = place, used
            self._share = self._first_share = min(share, 1.0)
        elif place == self._place:
            self._share = max(self._share, min(share, 1.0))

    def may_end_at(self, share: float) -> None:
        """The epochs may end there, or later."""
        self._soonest = min(share, 1.0)

    def _weigh(self, taken: float, planned: float) -> None:
        if planned > 0:
            weight = min(1.0, USUAL_S / planned)
            self._taken += taken * weight
            self._planned += planned * weight

    def _look(self) -> tuple[float, float]:
        """The clock and the processor time; what passed since the last look is a rate."""
        moment, used = self._clock(), self._processor()
        usual = self._usual[self._stages[self._place].kind]
        self._load.add((moment - self._seen[0]) * usual, used - self._seen[1])
        self._seen = moment, used
        return self._seen

    def _clock_time(self, processor: float, kind: str) -> float:
        return processor / (self._usual[kind] * self._load.expected)

    def seconds(self) -> float:
        """The mean of what it takes with the fewest epochs after which it may end, and with all."""
        return math.sqrt(sum(self._parts(self._soonest)) * sum(self._parts(1.0)))

    def _parts(self, epochs: float) -> tuple[float, float]:
        """Seconds of the stage that runs, and of those after it, with this share of the epochs."""
        _, used = self._look()
        here, taken = self._stages[self._place], used - self._begin
        pace = self._taken / self._planned
        end = epochs if here.name == EPOCHS else 1.0
        done = self._share - self._first_share
        if done > 0:
            planned = here.seconds * done
            own = (taken + pace * USUAL_S / 4) / (planned + USUAL_S / 4)
            left = here.seconds * max(0.0, end - self._share) * own
        else:  # nothing of it is known yet
            left = max(here.seconds * (end - self._share) * pace - taken, OVERRUN * taken)
        later = sum(
            self._clock_time(
                stage.seconds * pace * (epochs if stage.name == EPOCHS else 1.0), stage.kind
            )
            for stage in self._stages[self._place + 1 :]
        )
        return self._clock_time(left, here.kind), later

    def doubt(self) -> float:
        here, later = self._parts(1.0)
        epochs = STAGES.index(EPOCHS)
        if self._place == epochs and self._share < self._first_epoch:
            own = STEPPING
        else:
            own = MEASURED if self._place >= epochs else PLANNED
        whole = max(1.0, here + later)
        known = PLANNED + (own - PLANNED) * here / whole
        ends = whole / max(1.0, sum(self._parts(self._soonest)))
        return known * self._load.doubt * math.sqrt(max(1.0, ends))

    def percent(self) -> float:
        taken = self._clock() - self._began
        return 100 * taken / max(1.0, taken + self.seconds())


class TrainingSteps:
    """Takes what a training reports: passes lines on to the job's log, and tells its progress by
    the batches and the pictures that are counted. Within `with`, also while nothing is counted.
    """

    def __init__(
        self,
        context: JobContext,
        request: TrainingRequest,
        *,
        pictures: int,
        compared: bool,
        patience: int,
        clock: Callable[[], float] = time.monotonic,
        processor: Callable[[], float] = time.process_time,
    ) -> None:
        """`patience`: the epochs end where so many of them bring nothing better."""
        self._context, self._epochs, self._clock = context, request.epochs, clock
        self._pictures = pictures
        began = context.job.attempt_started_at
        self._left = TimeLeft(
            plan_training(request, pictures=pictures, compared=compared),
            epochs=request.epochs,
            already=(now() - began).total_seconds() if began else 0.0,
            clock=clock,
            processor=processor,
            threads=max(1, (os.cpu_count() or 1) - 1),  # as `machine_environment` limits them
        )
        self._patience, self._best, self._best_epoch = patience, -math.inf, 1
        self._left.may_end_at((1 + patience) / request.epochs)
        self._lock, self._ended = threading.RLock(), threading.Event()
        self._stage, self._message, self._percent = PREPARE, "", 0.0
        self._tell_at = clock()
        self._epoch = self._first_epoch = self._looked_at = 0
        self._has_stepped = False

    def __enter__(self) -> Self:
        threading.Thread(target=self._go_on_telling, daemon=True).start()
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        with self._lock:
            self._ended.set()

    def _go_on_telling(self) -> None:
        while not self._ended.wait(LOOKED_EVERY_S):
            self.look_again()

    def look_again(self) -> None:
        """Tell the time that is left by what the training gets of the processors now."""
        with self._lock:
            if not self._ended.is_set():
                self._tell(self._message)

    def __call__(self, line: str) -> None:
        self._context.say(line)

    def enter(self, stage: str) -> None:
        self._looked_at = 0
        self._reach(stage, 0.0, MESSAGES[stage])

    def end_epoch(self, epoch: int, score: float) -> None:
        """Epochs of an attempt before are told again, before a batch is counted."""
        self._epoch = epoch
        if score > self._best:
            self._best, self._best_epoch = score, epoch
        self._left.may_end_at((self._best_epoch + self._patience) / self._epochs)
        message = f"Epoch {epoch} of {self._epochs}"
        if not self._has_stepped:
            with self._lock:
                self._tell(message)
        elif epoch < self._epochs:
            self._reach(EPOCHS, epoch / self._epochs, message)
        else:
            self._reach(EXPORT, 0.0, message)

    def count(self, what: str, done: int, total: int) -> None:
        """`done` of `total` batches or pictures of this run over them."""
        if what == BATCHES:
            self._count_batches(done, total)
        elif what in LOOKS:
            if self._stage not in (MEASURE, COMPARE):
                self.enter(MEASURE)
            self._count_pictures(what, done, total)

    def _count_batches(self, done: int, total: int) -> None:
        if not self._has_stepped:
            self._first_epoch, self._has_stepped = self._epoch, True
        of_epoch = max(1, total // max(1, self._epochs - self._first_epoch))
        whole, within = divmod(done - 1, of_epoch)
        share = self._first_epoch + whole + STEPS * (within + 1) / of_epoch
        self._reach(EPOCHS, share / self._epochs, self._message)

    def _count_pictures(self, what: str, done: int, total: int) -> None:
        looked_at = self._looked_at + done
        if done >= total:
            self._looked_at = looked_at
        if self._stage == COMPARE:
            share = min(1.0, looked_at / (2 * max(1.0, TEST * self._pictures)))
        elif what == LOOKS[0]:
            share = min(1.0, looked_at / max(1.0, count_looked_at(self._pictures)))
        else:
            share = 1 + HEAT_MAPS * done / total
        self._reach(self._stage, LOOKING * share, self._message)

    def _reach(self, stage: str, share: float, message: str) -> None:
        with self._lock:
            self._left.reach(stage, share)
            moment = self._clock()
            if (stage, message) == (self._stage, self._message) and moment < self._tell_at:
                return
            self._stage, self._tell_at = stage, moment + TOLD_EVERY_S
            self._tell(message)

    def _tell(self, message: str) -> None:
        self._message = message
        self._percent = max(self._percent, min(self._left.percent(), MOST_PERCENT))
        left, doubt = self._left.seconds(), self._left.doubt()
        self._context.progress(self._percent, message, left, doubt)
