"""What a training says of the time that it still takes, against trainings that were recorded."""

from datetime import timedelta

import pytest

from skinapi.jobs.job import MOST_DOUBT
from skinapi.lab.trainings.service import TrainingRequest
from skinapi.lab.trainings.training_progress import (
    EPOCHS,
    FIRST_STEP,
    MOST_PERCENT,
    TimeLeft,
    plan_training,
)
from skinapi.storage.ids import now
from tests.lab.recorded_training import FOLDER, Recording, follow, job_that_says, polls

# On two cores: some beside tests and browsers, which take half of them, or four fifths.
RECORDINGS = sorted(path.stem for path in FOLDER.glob("*.json"))
ASKED = TrainingRequest(dataset_name="moles", epochs=5, batch_size=16, side=128)


def recorded(name: str) -> Recording:
    return Recording.read(FOLDER / f"{name}.json")


@pytest.mark.parametrize("name", RECORDINGS)
def test_the_time_left_on_a_quiet_machine_is_right_from_the_tenth_second_on(name: str) -> None:
    """Within a third as "about", or within what is named; within five seconds at the end."""
    seen = list(polls(recorded(name).at(1.0)))
    assert all(poll.said is not None for poll in seen)
    assert sum(poll.is_right for poll in seen) >= 0.9 * len(seen)
    assert sum(poll.is_sure for poll in seen) >= len(seen) / 4


@pytest.mark.parametrize("name", RECORDINGS)
def test_beside_other_programs_it_is_right_or_not_said(name: str) -> None:
    seen = [poll for poll in polls(recorded(name)) if poll.said is not None]
    assert sum(poll.is_right for poll in seen) >= 0.85 * len(seen)
    sure = [poll for poll in seen if poll.is_sure]
    assert sum(poll.is_right for poll in sure) >= 0.8 * len(sure)


@pytest.mark.parametrize("name", RECORDINGS)
def test_its_progress_is_the_share_of_the_time_and_never_goes_back(name: str) -> None:
    quiet = recorded(name).at(1.0)
    told = follow(quiet)
    percents = [percent for _, percent, *_ in told]
    assert percents == sorted(percents)
    assert percents[-1] <= MOST_PERCENT
    for at, percent, *_ in told:
        assert abs(percent - 100 * at / quiet.ended) < 20


def test_epochs_that_may_end_early_are_a_range() -> None:
    """`patience` epochs without a better one end the training."""
    moment = [0.0]
    left = TimeLeft(
        plan_training(ASKED, pictures=112, compared=True),
        epochs=20,
        clock=lambda: moment[0],
        processor=lambda: moment[0],
    )
    left.reach(EPOCHS)
    whole, sure = left.seconds(), left.doubt()
    left.may_end_at(6 / 20)
    assert left.seconds() < 0.8 * whole
    assert left.doubt() > 1.2 * sure
    assert left.seconds() * left.doubt() > 0.8 * whole


def test_a_machine_that_has_become_busy_makes_it_longer_and_less_sure() -> None:
    moment = [0.0, 0.0]
    left = TimeLeft(
        plan_training(ASKED, pictures=112, compared=True),
        epochs=ASKED.epochs,
        clock=lambda: moment[0],
        processor=lambda: moment[1],
    )
    moment[:] = 8.0, 8.0
    left.reach(FIRST_STEP)
    quiet, sure = left.seconds(), left.doubt()
    for second in range(30):
        moment[:] = 8.0 + second, 8.0 + second / 5
        left.seconds()
    assert left.seconds() > 1.5 * quiet
    assert left.doubt() > MOST_DOUBT > sure


def test_what_nobody_can_know_is_not_said() -> None:
    moment = now()
    later = moment + timedelta(seconds=20)
    sure = job_that_says(60, told_at=moment, started=moment, doubt=1.5)
    assert (sure.eta_seconds(later), sure.eta_range(later)) == (40, (27, 60))
    unsure = job_that_says(60, told_at=moment, started=moment, doubt=MOST_DOUBT + 1)
    assert (unsure.eta_seconds(later), unsure.eta_range(later)) == (None, None)


def test_what_an_attempt_before_has_learned_is_no_pace_of_this_one() -> None:
    """Its epochs are told again at once: as a pace they would say that nothing is left."""
    recording = recorded(RECORDINGS[0])
    again = (10.0, 8.0, "epoch", "", 1, 0), (10.0, 8.0, "epoch", "", 2, 0)
    first = next(place for place, row in enumerate(recording.rows) if row[2] == "count")
    rows = (*recording.rows[:1], *again, *recording.rows[1 : first + 1])
    *_, (_, _, left, _) = follow(Recording(recording.request, recording.pictures, rows, 300.0))
    assert left > 25


def test_what_an_attempt_before_has_said_is_not_said_by_this_one() -> None:
    moment = now()
    job = job_that_says(50.0, told_at=moment - timedelta(seconds=20), started=moment)
    assert job.model_copy(update={"progress": 0.0}).eta_seconds(moment) is None
    assert job_that_says(50.0, told_at=moment, started=moment).eta_seconds(moment) == 50


def test_a_stage_that_lasts_longer_than_planned_is_not_about_to_end_for_ever() -> None:
    moment = [0.0]
    left = TimeLeft(
        plan_training(ASKED, pictures=112, compared=True),
        epochs=ASKED.epochs,
        clock=lambda: moment[0],
        processor=lambda: moment[0],
    )
    moment[0] = 5.0
    left.reach(FIRST_STEP)
    moment[0] = 6.0
    soon = left.seconds()
    moment[0] = 500.0
    assert left.seconds() > 70
    assert soon > 100
