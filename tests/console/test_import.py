"""A network of one's own in the console: from the file to the version, or to why it is refused."""

from datetime import timedelta
from pathlib import Path

import pytest

from skinapi.platform.jobs.job import Job
from skinapi.platform.jobs.job_queue import Jobs
from tests.console.journey import Journey, Look, file_of, looks
from tests.console.test_lab import SAME, add_version
from tests.console.visitor import Visitor
from tests.served.people import Seeder

LEASE = timedelta(minutes=10)
OUTPUTS = 7  # stand in the form at first
FOCUSED = "return document.activeElement.name"


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """The test is the worker, so nobody reads it."""
    return file_of(tmp_path, "mine.keras", b"PK" * 5000)


@pytest.mark.parametrize("look", looks(1), ids=str)
def test_a_network_of_ones_own_becomes_a_version(
    visitor: Visitor, seeder: Seeder, jobs: Jobs, tmp_path: Path, network: Path, look: Look
) -> None:
    journey = Journey(visitor, "import", look)
    visitor.enter(seeder.person("researcher"), "researcher")
    fill_in_the_form(journey, network)
    refuse(journey, jobs)
    import_otherwise(journey)
    version = add_version(seeder, tmp_path, SAME)
    complete(journey, jobs, version)


def fill_in_the_form(journey: Journey, network: Path) -> None:
    """With every mistake that the form can tell, and an answer that is lost."""
    visitor = journey.visitor
    visitor.go("models")
    journey.press("title_import")
    visitor.press("form > .primary")
    journey.see("networkNeeded")
    assert visitor.run(FOCUSED) == "network"
    visitor.hand_in("network", file_of(network.parent, "weights.pkl", b"x"))
    journey.see("networkEnding")
    visitor.hand_in("network", network)
    visitor.choose("label-0", "melanoma")
    visitor.type(side="12")
    visitor.press("form > .primary")
    journey.see("wholeNumberBetween", **{"from": "32", "to": "1024"})
    assert visitor.run(FOCUSED) == "label-0", "it stands before the side"
    visitor.see(journey.say("labelTwice", name=visitor.find("#label-0 option:checked").text))
    journey.step("faults")
    visitor.choose("label-0", "actinic_keratosis")
    visitor.type(side="224", licence="CC BY 4.0")
    visitor.press("[name=scaling][value=tf]")
    journey.step("described")
    visitor.lose_answer("/models")
    visitor.press("form > .primary")
    journey.see("offline")
    journey.step("answer-lost")
    journey.press("tryAgain")
    journey.see("queuedText")
    journey.step("waits")


def claim(jobs: Jobs) -> Job:
    job = jobs.claim(worker="test", lease=LEASE)
    assert job
    return job


def refuse(journey: Journey, jobs: Jobs) -> None:
    job = claim(jobs)
    assert jobs.list_jobs(owner=job.owner, limit=9, after=None)[1:] == [], "no second one was begun"
    assert len(job.request["labels"]) == OUTPUTS
    said = (job.request["scaling"], job.request["side"], job.request["licence"])
    assert said == ("tf", 224, "CC BY 4.0")
    jobs.beat(job, lease=LEASE, changes={"progress": 10.0, "message": "Checking the network"})
    journey.see("job_says_checking_the_network")
    journey.step("runs")
    failed = {"error": "The network has 6 outputs; expected are 7", "message": "Failed"}
    jobs.finish(job, status="failed", changes={**failed, "error_code": "wrong_network_labels"})
    journey.see("failed_import")
    journey.see("error_wrong_network_labels")
    journey.step("refused")


def import_otherwise(journey: Journey) -> None:
    """With what was said before, and nothing is uploaded anew."""
    visitor = journey.visitor
    journey.press("importOtherwise")
    journey.see("networkIsThere")
    assert visitor.find("[name=scaling]:checked").get_attribute("value") == "tf"
    visitor.press(f".outputs li:nth-child({OUTPUTS}) button")
    assert visitor.run(FOCUSED) == f"label-{OUTPUTS - 2}", "the button has gone"
    journey.press("addOutput")
    visitor.find(f"#label-{OUTPUTS - 1}:focus")
    visitor.press(f".outputs li:nth-child({OUTPUTS}) button")
    journey.step("otherwise")
    visitor.press("form > .primary")
    journey.see("queuedText")


def complete(journey: Journey, jobs: Jobs, version: str) -> None:
    visitor, job = journey.visitor, claim(jobs)
    assert len(job.request["labels"]) == OUTPUTS - 1
    done = {"progress": 100.0, "message": "", "result": {"version": version}}
    jobs.finish(job, status="completed", changes=done)
    journey.see("completed_import")
    journey.step("completed")
    visitor.press(f"a[href='#/version/{version}']")
    journey.see("gatesTitle")
