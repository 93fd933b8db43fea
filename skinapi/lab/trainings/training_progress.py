"""How far a training is, and how long it still takes: by a plan of its stages, and by how long
those that ended took on this machine.

A share of the work is no share of the time: it stood at 5 % while Keras made the first step, which
in a short training is a quarter of it, and said twelve minutes where two were left.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from skinapi.jobs.handlers import JobContext
from skinapi.lab.trainings.service import Architecture, TrainingRequest
from skinapi.storage.ids import now

# A stage that lasts longer than planned goes on for at least this share of its time until then.
OVERRUN = 0.15
# The pace of a usual machine, which weighs as much as so many planned seconds: imports alone, which
# other programs may hold up, say little of what follows.
USUAL, USUAL_S = 1.25, 6.0
# Stages that one processor does, and those that all do: a machine is not as much faster in both.
ALONE, TOGETHER = "alone", "together"


@dataclass(frozen=True, slots=True)
class Stage:
    """`seconds` on the machine on which the plan was measured; only their ratio counts."""

    name: str
    seconds: float
    kind: str = ALONE


# Layers, weights and operations for a picture of 224 x 224, each beside ResNet50's.
SIZES: dict[Architecture, tuple[float, float, float]] = {
    "ResNet50": (1.0, 1.0, 1.0),
    "DenseNet169": (2.2, 0.55, 0.9),
    "MobileNetV2": (0.7, 0.12, 0.1),
    "EfficientNetB3": (1.7, 0.5, 0.35),
}
SIDE = 224
TRAINING, VALIDATION, TEST = 0.67, 0.15, 0.18  # the parts of a small data set
# Of each picture of the validation part, of which some are of one lesion.
LOOKED_AT = 3 + 18 * 0.8
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
MOST_PERCENT = 99.0
# As a run over batches is called where it is counted: the recipe of the lab.
BATCHES = "whole"
# The runs over pictures that measure a model, as they are called when they are counted.
LOOKS = ("evaluate", "heat maps", "markings")


def plan_training(request: TrainingRequest, *, pictures: int, compared: bool) -> list[Stage]:
    """Its stages in their order, for a data set of so many pictures. `compared`: a model serves."""
    layers, weights, operations = SIZES[request.architecture]
    cost = operations * (request.side / SIDE) ** 2
    training, validation = TRAINING * pictures, VALIDATION * pictures
    epoch = (0.04 + 0.25 * cost) * training + (0.03 + 0.1 * cost) * validation + 1 + 4 * weights
    looked_at = count_looked_at(pictures)
    return [
        Stage(PREPARE, 4.5 + 0.005 * pictures),
        Stage(FIRST_STEP, 28 * layers + 0.3 * cost * request.batch_size),
        Stage(EPOCHS, epoch * request.epochs, TOGETHER),
        Stage(EXPORT, 8 + 12 * layers),
        Stage(MEASURE, 22 + (0.03 + 0.1 * cost) * looked_at, TOGETHER),
        Stage(
            COMPARE, (3 + 2 * (0.03 + 0.1 * cost) * TEST * pictures) if compared else 0.5, TOGETHER
        ),
    ]


def count_looked_at(pictures: int) -> float:
    """How often the measuring looks at a picture."""
    return (
        LOOKED_AT * min(VALIDATION * pictures, MOST_STRESSED)
        + min(TRAINING * pictures, MOST_CALIBRATED)
        + TEST * pictures
    )


class TimeLeft:
    """`reach` says where the training is; `seconds`, how long it still takes, and `percent`, of its
    whole time. `already`: seconds that it ran before this was made.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        *,
        already: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stages, self._clock = stages, clock
        self._place = 0
        self._began = self._begin = clock() - already
        # Of the stage that runs: how much is done, and how much was when it began here.
        self._share = self._first_share = 0.0
        self._taken = {ALONE: 0.0, TOGETHER: 0.0}
        self._planned = {ALONE: 0.0, TOGETHER: 0.0}

    def reach(self, name: str, share: float = 0.0) -> None:
        """So much of this stage is done; those before it have ended. It never goes back."""
        place, moment = STAGES.index(name), self._clock()
        if place > self._place:
            ended = self._stages[self._place]
            self._taken[ended.kind] += moment - self._begin
            self._planned[ended.kind] += ended.seconds * (1 - self._first_share)
            self._place, self._begin = place, moment
            self._share = self._first_share = min(share, 1.0)
        elif place == self._place:
            self._share = max(self._share, min(share, 1.0))

    def seconds(self) -> float:
        here, elapsed = self._stages[self._place], self._clock() - self._begin
        pace = {kind: self._pace(kind, here, elapsed) for kind in self._taken}
        left = here.seconds * (1 - self._share) * pace[here.kind]
        if self._share == self._first_share:  # nothing of it is known yet
            left = max(left - elapsed, OVERRUN * elapsed)
        later = self._stages[self._place + 1 :]
        return left + sum(stage.seconds * pace[stage.kind] for stage in later)

    def percent(self) -> float:
        taken = self._clock() - self._began
        return 100 * taken / max(1.0, taken + self.seconds())

    def _pace(self, kind: str, here: Stage, elapsed: float) -> float:
        """How much longer than planned such stages take. What is known of one kind is half known of
        the other.
        """
        taken, planned = dict(self._taken), dict(self._planned)
        if self._share > self._first_share:
            taken[here.kind] += elapsed
            planned[here.kind] += here.seconds * (self._share - self._first_share)
        alone = (taken[ALONE] + USUAL_S * USUAL) / (planned[ALONE] + USUAL_S)
        if kind == ALONE:
            return alone
        expected = (alone + USUAL) / 2
        return (taken[TOGETHER] + USUAL_S * expected) / (planned[TOGETHER] + USUAL_S)


class TrainingSteps:
    """Takes what a training reports: passes lines on to the job's log, and tells its progress by
    the batches and the pictures that are counted.
    """

    def __init__(
        self,
        context: JobContext,
        request: TrainingRequest,
        *,
        pictures: int,
        compared: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._context, self._epochs, self._clock = context, request.epochs, clock
        self._pictures = pictures
        began = context.job.attempt_started_at
        self._left = TimeLeft(
            plan_training(request, pictures=pictures, compared=compared),
            already=(now() - began).total_seconds() if began else 0.0,
            clock=clock,
        )
        self._stage, self._message, self._percent = PREPARE, "", 0.0
        self._tell_at = clock()
        self._epoch = self._first_epoch = self._looked_at = 0
        self._has_stepped = False

    def __call__(self, line: str) -> None:
        self._context.say(line)

    def enter(self, stage: str) -> None:
        self._looked_at = 0
        self._reach(stage, 0.0, MESSAGES[stage])

    def end_epoch(self, epoch: int) -> None:
        """Epochs of an attempt before are told again, before a batch is counted."""
        self._epoch = epoch
        message = f"Epoch {epoch} of {self._epochs}"
        if not self._has_stepped:
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
            share = looked_at / (2 * max(1.0, TEST * self._pictures))
        elif what == LOOKS[0]:
            share = looked_at / max(1.0, count_looked_at(self._pictures))
        else:
            share = 1 + HEAT_MAPS * done / total
        self._reach(self._stage, LOOKING * share, self._message)

    def _reach(self, stage: str, share: float, message: str) -> None:
        self._left.reach(stage, share)
        moment = self._clock()
        if (stage, message) == (self._stage, self._message) and moment < self._tell_at:
            return
        self._stage, self._tell_at = stage, moment + TOLD_EVERY_S
        self._tell(message)

    def _tell(self, message: str) -> None:
        self._message = message
        self._percent = max(self._percent, min(self._left.percent(), MOST_PERCENT))
        self._context.progress(self._percent, message, self._left.seconds())
