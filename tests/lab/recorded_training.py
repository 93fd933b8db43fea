"""Trainings that were recorded, and what the estimate of today says of them at each second."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from skinapi.jobs.job import Job
from skinapi.lab.trainings.service import TrainingRequest
from skinapi.lab.trainings.training_progress import TrainingSteps
from skinapi.storage.ids import now

FOLDER = Path(__file__).with_name("recorded_trainings")
# A row: seconds since the attempt began, of the clock and of processor time; then what happened.
Row = tuple[float, float, str, Any, int, int]
PATIENCE = 5  # of the lab's recipe
SURE = 2  # the most is less than so many times the least: the page says "about"


@dataclass(frozen=True)
class Recording:
    """`ended`: the seconds that it took in all."""

    request: TrainingRequest
    pictures: int
    rows: tuple[Row, ...]
    ended: float

    @classmethod
    def read(cls, path: Path) -> "Recording":
        found = json.loads(path.read_text())
        found["request"] = TrainingRequest.model_validate(found["request"])
        return cls(**{**found, "rows": tuple(map(tuple, found["rows"]))})

    def at(self, speed: float) -> "Recording":
        """As on a machine on which it gets so much of a processor all the time."""
        rows = tuple((row[1] / speed, *row[1:]) for row in self.rows)
        return replace(self, rows=rows, ended=self.rows[-1][1] / speed)


@dataclass(frozen=True)
class Poll:
    second: int
    left: float  # in truth
    said: int | None
    between: tuple[int, int] | None

    @property
    def is_sure(self) -> bool:
        return self.between is None or self.between[1] <= SURE * self.between[0]

    @property
    def is_right(self) -> bool:
        """Within a third of the truth, as "about"; within what is named, as a range."""
        if self.said is None or self.between is None:
            return True
        if self.is_sure:
            return abs(self.said - self.left) <= max(self.left / 3, 5)
        return self.between[0] - 3 <= self.left <= self.between[1] + 3


def follow(recording: Recording) -> list[tuple[float, float, float, float]]:
    """What it tells: when, percent, seconds left, doubt."""
    told: list[tuple[float, float, float, float]] = []
    moment = [0.0, 0.0]
    context = SimpleNamespace(
        job=SimpleNamespace(attempt_started_at=None),
        say=lambda _: None,
        progress=lambda percent, _, left, doubt: told.append((moment[0], percent, left, doubt)),
    )
    steps = TrainingSteps(
        cast("Any", context),
        recording.request,
        pictures=recording.pictures,
        compared=True,
        patience=PATIENCE,
        clock=lambda: moment[0],
        processor=lambda: moment[1],
    )
    for at, used, what, name, done, total in recording.rows:
        moment[:] = at, used
        if what == "enter":
            steps.enter(name)
        elif what == "epoch":
            # Earlier recordings do not say how good an epoch was: as if each were the best.
            steps.end_epoch(done, done if name == "" else name)
        elif what == "count":
            steps.count(name, done, total)
        else:
            steps.look_again()
    return told


def job_that_says(
    left: float | None, *, told_at: datetime | None, started: datetime, doubt: float | None = None
) -> Job:
    return Job(
        id="0badc0de",
        created_at=started,
        kind="training",
        owner="ada",
        request={},
        status="running",
        place="",
        queue_key="",
        progress=50.0,
        attempt_started_at=started,
        left_seconds=left,
        left_told_at=told_at,
        left_doubt=doubt,
    )


def polls(recording: Recording, *, since: int = 10) -> Iterator[Poll]:
    """Each second, as the page asks the API."""
    told = follow(recording)
    started = now()
    for second in range(since, int(recording.ended)):
        known = [one for one in told if one[0] <= second]
        at, _, left, doubt = known[-1] if known else (0.0, 0.0, None, None)
        told_at = started + timedelta(seconds=at) if known else None
        job = job_that_says(left, told_at=told_at, started=started, doubt=doubt)
        moment = started + timedelta(seconds=second)
        yield Poll(second, recording.ended - second, job.eta_seconds(moment), job.eta_range(moment))
