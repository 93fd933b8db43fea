"""What a training says of the time that it still takes, against a training that was recorded."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

from skinapi.jobs.job import Job
from skinapi.lab.trainings.service import TrainingRequest
from skinapi.lab.trainings.training_progress import (
    COMPARE,
    FIRST_STEP,
    MOST_PERCENT,
    TimeLeft,
    TrainingSteps,
    plan_training,
)
from skinapi.storage.ids import now

# On two cores that eight programs shared: 112 pictures, ResNet50 from nothing. In seconds from its
# beginning: what was counted, or had ended.
ASKED = TrainingRequest(dataset_name="moles", epochs=5, batch_size=16, side=128)
PICTURES, BEGAN, ENDED = 112, 10.0, 330.4
COURSE = (
    (70.2, "whole", 1, 20),
    (84.1, "whole", 4, 20),
    (98.6, "epoch", 1, 5),
    (102.4, "whole", 5, 20),
    (118.4, "epoch", 2, 5),
    (122.2, "whole", 9, 20),
    (136.1, "whole", 11, 20),
    (152.1, "epoch", 3, 5),
    (160.4, "whole", 13, 20),
    (176.4, "epoch", 4, 5),
    (178.5, "whole", 17, 20),
    (188.6, "whole", 20, 20),
    (194.5, "epoch", 5, 5),
    (240.7, "evaluate", 17, 17),
    (240.7, "evaluate", 17, 17),
    (242.3, "evaluate", 75, 75),
    (244.7, "evaluate", 17, 17),
    (248.5, "evaluate", 20, 20),
    (256.6, "evaluate", 14, 14),
    (258.3, "evaluate", 14, 14),
    (260.5, "evaluate", 14, 14),
    (262.7, "evaluate", 14, 14),
    (266.6, "evaluate", 14, 14),
    (268.8, "evaluate", 14, 14),
    (270.5, "evaluate", 14, 14),
    (274.9, "evaluate", 14, 14),
    (278.6, "evaluate", 14, 14),
    (280.3, "evaluate", 14, 14),
    (284.9, "evaluate", 14, 14),
    (286.6, "evaluate", 14, 14),
    (290.7, "evaluate", 14, 14),
    (294.6, "evaluate", 14, 14),
    (296.8, "evaluate", 14, 14),
    (298.5, "evaluate", 14, 14),
    (300.7, "evaluate", 14, 14),
    (304.7, "evaluate", 14, 14),
    (314.7, "heat maps", 14, 14),
    (314.7, "markings", 2, 2),
    (319.0, "compare", 0, 0),
    (322.8, "evaluate", 20, 20),
    (322.8, "evaluate", 20, 20),
)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Course:
    """The recorded training, with what it tells as the API would."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.told: list[tuple[float, float, float]] = []
        self.lines: list[str] = []
        context = SimpleNamespace(
            job=SimpleNamespace(attempt_started_at=None), progress=self._tell, say=self.lines.append
        )
        self.steps = TrainingSteps(
            cast("Any", context), ASKED, pictures=PICTURES, compared=True, clock=self.clock
        )

    def _tell(self, percent: float, _: str, left: float) -> None:
        self.told.append((self.clock.now, percent, left))

    def follow(self, until: float) -> None:
        self.clock.now = BEGAN
        self.steps.enter(FIRST_STEP)
        for moment, what, done, total in COURSE:
            if moment > until:
                return
            self.clock.now = moment
            if what == "epoch":
                self.steps.end_epoch(done)
            elif what == "compare":
                self.steps.enter(COMPARE)
            else:
                self.steps.count(what, done, total)


def test_the_time_left_is_right_within_a_third_from_the_tenth_second_on() -> None:
    """At every second of the way, as the page shows it; within five seconds at the end."""
    course = Course()
    course.follow(until=ENDED)
    started = now()
    wrong = []
    for second in range(10, round(ENDED)):
        at, _, left = [one for one in course.told if one[0] <= second][-1]
        job = job_that_says(left, told_at=started + timedelta(seconds=at), started=started)
        said = job.eta_seconds(started + timedelta(seconds=second))
        real = ENDED - second
        if said is None or abs(said - real) > max(real / 3, 5):
            wrong.append((second, said, round(real)))
    assert not wrong


def job_that_says(left: float, *, told_at: Any, started: Any) -> Job:
    return Job(
        id="0badc0de",
        created_at=started,
        kind="training",
        owner="ada",
        request={},
        status="running",
        place="",
        queue_key="",
        attempt_started_at=started,
        left_seconds=left,
        left_told_at=told_at,
    )


def test_its_progress_is_the_share_of_the_time_and_never_goes_back() -> None:
    course = Course()
    course.follow(until=ENDED)
    percents = [percent for _, percent, _ in course.told]
    assert percents == sorted(percents)
    assert percents[-1] <= MOST_PERCENT
    for at, percent, _ in course.told:
        assert abs(percent - 100 * at / ENDED) < 20


def test_what_an_attempt_before_has_learned_is_no_pace_of_this_one() -> None:
    """Its epochs are told again at once: as a pace they would say that nothing is left."""
    course = Course()
    course.clock.now = BEGAN
    course.steps.enter(FIRST_STEP)
    course.steps.end_epoch(1)
    course.steps.end_epoch(2)
    course.clock.now = 70.2
    course.steps.count("whole", 1, 12)
    *_, (_, _, left) = course.told
    assert left > 100


def test_what_an_attempt_before_has_said_is_not_said_by_this_one() -> None:
    moment = now()
    job = job_that_says(50.0, told_at=moment - timedelta(seconds=20), started=moment)
    assert job.eta_seconds(moment) is None
    assert job_that_says(50.0, told_at=moment, started=moment).eta_seconds(moment) == 50


def test_a_stage_that_lasts_longer_than_planned_is_not_about_to_end_for_ever() -> None:
    clock = Clock()
    left = TimeLeft(plan_training(ASKED, pictures=PICTURES, compared=True), clock=clock)
    clock.now = 5.0
    left.reach(FIRST_STEP)
    clock.now = 6.0
    soon = left.seconds()
    clock.now = 500.0
    assert left.seconds() > 70
    assert soon > 100
