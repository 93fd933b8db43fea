from datetime import timedelta
from pathlib import Path

import pytest

from skinapi.lab.datasets.dataset_versions import Datasets, NewDataset
from skinapi.lab.datasets.reference import CurrentReference
from skinapi.model.network.model import CARD, SHIPPED_MODEL, read_card, write_checksums
from skinapi.model.registry.gates import GateName, PairedComparison, PairedDifference, ReferenceData
from skinapi.model.registry.stored_version import Origin
from skinapi.platform.jobs.job import Job
from skinapi.platform.jobs.job_queue import Jobs
from skinapi.platform.storage.ids import new_id, now
from tests.console.journey import Journey, Look, file_of, looks
from tests.console.visitor import Visitor
from tests.lab.sending import LABELS, picture, table
from tests.served.people import Caller, Seeder
from tests.support.models import GREEN_IS_NO_SKIN, write_model

LEASE = timedelta(minutes=10)
EPOCHS = 8
PICTURES = 24
SAME = PairedDifference(first=0.962, second=0.965, low=-0.011, high=0.017)
WORSE = PairedDifference(first=0.962, second=0.871, low=-0.142, high=-0.041)
GATES = """
return [...document.querySelectorAll("main .gates:not(details *) li")].map((one) => one.className);
"""
REASON = "The hospital asked for it in writing"


def labelled_with(unknown: str) -> dict[str, bytes]:
    names = [f"p{number}" for number in range(PICTURES)]
    labels = [unknown if place < 3 else LABELS[place % 2] for place in range(PICTURES)]
    rows = [
        {"image_id": name, "dx": label, "lesion_id": f"l{name}", "patient_id": f"a{place % 7}"}
        for place, (name, label) in enumerate(zip(names, labels, strict=True))
    ]
    pictures = {f"{name}.jpg": picture(number) for number, name in enumerate(names)}
    return {"metadata.csv": table(rows), **pictures}


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    return [file_of(tmp_path, name, content) for name, content in labelled_with("mole?").items()]


@pytest.fixture
def candidate(seeder: Seeder, tmp_path: Path) -> str:
    return add_version(seeder, tmp_path, SAME)


@pytest.fixture
def worse(seeder: Seeder, tmp_path: Path) -> str:
    return add_version(seeder, tmp_path, WORSE)


def make_reference(datasets: Datasets) -> ReferenceData:
    dataset = datasets.begin(NewDataset(name=f"Held back {new_id()[-6:]}", owner=new_id()), size=0)
    datasets.set_reference(datasets.publish(dataset.id, pictures=412).id)
    return ReferenceData(dataset=dataset.id, pictures=412)


def add_version(seeder: Seeder, folder: Path, melanoma: PairedDifference) -> str:
    models, version = seeder.services.models, f"resnet50-{new_id()[-12:]}"
    small = PairedDifference(first=0.031, second=0.029, low=-0.008, high=0.005)
    serving = models.serving_version()
    assert serving
    datasets = Datasets(seeder.services.store)
    reference = CurrentReference(datasets).read_reference() or make_reference(datasets)
    same = dict.fromkeys(GateName, SAME) | {GateName.ECE: small, GateName.REFUSED_SHARE: small}
    comparison = PairedComparison(
        first_version=serving,
        part="reference",
        reference=reference,
        pictures=412,
        lesions=301,
        measured_at=now(),
        differences={**same, GateName.MELANOMA_SENSITIVITY: melanoma},
    )
    path = write_model(folder / version, version, skin=GREEN_IS_NO_SKIN)
    figures = read_card(SHIPPED_MODEL).figures  # else its pages would be empty
    card = read_card(path).model_copy(update={"figures": figures, "architecture": "ResNet50"})
    (path / CARD).write_text(card.model_dump_json())
    write_checksums(path)
    models.add(
        folder=path, by="system", origin=Origin(parent=serving, reference_comparison=comparison)
    )
    return version


@pytest.mark.parametrize("look", looks(0), ids=str)
def test_a_researcher_goes_from_pictures_to_a_model(
    visitor: Visitor, seeder: Seeder, jobs: Jobs, files: list[Path], candidate: str, look: Look
) -> None:
    journey = Journey(visitor, "researcher", look)
    visitor.enter(seeder.person("researcher"), "researcher")
    name = f"Moles {new_id()[-6:]}"
    add_a_data_set(journey, files, name)
    say_what_labels_mean(journey)
    start_a_training(journey, name)
    watch_the_training(journey, jobs, candidate)
    look_at_the_model(journey, candidate)


def add_a_data_set(journey: Journey, files: list[Path], name: str) -> None:
    visitor = journey.visitor
    journey.see("title_datasets")
    visitor.press("main .button.primary")
    visitor.find("input[name=files]")
    journey.step("add")
    visitor.hand_in("files", *files)
    visitor.see(f"{journey.say('picturesCount')}: {PICTURES}")
    visitor.press("form .primary")
    journey.see("nameNeeded")
    visitor.type(name=name, licence="CC BY 4.0", source="A clinic")
    visitor.press("[name=modality][value=dermoscopic]")
    journey.step("described")
    visitor.press("form .primary")


def say_what_labels_mean(journey: Journey) -> None:
    visitor = journey.visitor
    journey.see("mapLabels")
    journey.step("unknown-labels")
    visitor.choose("label-0", "dermatofibroma")
    visitor.lose_answer("/datasets")
    visitor.press("form .primary")
    journey.see("offline")
    visitor.press("form .primary")
    journey.see("byClassCounts")
    visitor.find(".pictures .thumb")
    visitor.run("document.querySelector('.pictures').scrollIntoView()")  # they are fetched then
    visitor.find(".pictures img")
    journey.step("report")


def start_a_training(journey: Journey, name: str) -> None:
    visitor = journey.visitor
    journey.press("trainOnIt")
    visitor.find("[name=epochs]")
    assert name in visitor.find("select[name=dataset] option:checked").text
    visitor.type(epochs="0")
    visitor.press("form .primary")
    journey.see("wholeNumberBetween", **{"from": "1", "to": "200"})
    journey.step("wrong-number")
    visitor.type(epochs=str(EPOCHS))
    visitor.press("form .primary")
    journey.see("trainingOf", architecture="ResNet50", dataset=name)
    journey.see("queuedText")
    journey.step("waits")


def watch_the_training(journey: Journey, jobs: Jobs, version: str) -> None:
    """The test is the worker, because a training takes minutes."""
    visitor = journey.visitor
    job = jobs.claim(worker="test", lease=LEASE)
    assert job
    jobs.logs.add(job.id, 1, [f"epoch {epoch}: {1 / epoch:.3f}" for epoch in range(1, 7)])
    rows = [epoch_row(epoch) for epoch in range(1, 7)]
    jobs.beat(
        job,
        lease=LEASE,
        changes={"progress": 57.5, "message": "Training: 60 of 80", "metrics": rows},
    )
    journey.see("jobStep", n="60", all="80")
    journey.see("epochOf", n="6", all=str(EPOCHS))
    each = {"en": "90 seconds", "fr": "90\xa0secondes"}[journey.language]
    journey.see("lastEpoch", time=each)
    visitor.press("details.card summary")
    visitor.see("epoch 6: 0.167")
    journey.step("runs")
    job = begin_again(journey, jobs, job)
    jobs.finish(
        job,
        status="completed",
        changes={"progress": 100.0, "message": "", "result": {"version": version}},
    )
    journey.see("completed_training")
    journey.step("completed")


def begin_again(journey: Journey, jobs: Jobs, job: Job) -> Job:
    jobs.release(job, changes={"message": "Interrupted; it waits again"}, counted=False)
    again = jobs.claim(worker="test", lease=LEASE)
    assert again
    journey.visitor.see(journey.say("begunAgain", date="\0").partition("\0")[0])
    journey.step("begun-again")
    return again


def epoch_row(epoch: int) -> dict[str, object]:
    return {
        "epoch": epoch,
        "loss": 1.8 / epoch,
        "accuracy": 1 - 0.6 / epoch,
        "val_loss": 1.9 / epoch + 0.05 * epoch,
        "val_accuracy": 0.95 - 0.55 / epoch,
        "timestamp": now().isoformat(),
        "seconds": 90.0,
    }


def look_at_the_model(journey: Journey, version: str) -> None:
    visitor = journey.visitor
    visitor.press(f"a[href='#/version/{version}']")
    journey.see("gatesAllPassed", all=str(len(GateName)))
    assert visitor.count("main button") == 0, "a researcher sees, and an admin acts"
    journey.step("version")
    visitor.press(".nearby a[href='#/models']")
    visitor.see(version)
    journey.see("measure_named_balanced_accuracy")
    journey.step("models")


def test_no_data_set_that_is_too_small_for_a_training_is_called_ready(
    visitor: Visitor, seeder: Seeder
) -> None:
    researcher = seeder.person("researcher")
    datasets = Datasets(seeder.services.store)
    small = datasets.begin(NewDataset(name="Sixty pictures", owner=researcher.id), size=0)
    datasets.publish(small.id, pictures=60)
    visitor.enter(researcher, "researcher")
    for place in (f"dataset/{small.id}", "datasets"):
        visitor.go(place)
        visitor.see("Sixty pictures")
        visitor.see("too small for a training")
    visitor.go(f"dataset/{small.id}")
    visitor.see("Too small to be split")
    assert visitor.count("main .state-published") == 0


@pytest.mark.parametrize("look", looks(3), ids=str)
def test_an_admin_decides_what_serves(
    visitor: Visitor, seeder: Seeder, candidate: str, worse: str, look: Look
) -> None:
    admin = seeder.person("admin")
    journey = Journey(visitor, "admin-lab", look)
    visitor.enter(admin, "admin")
    visitor.press(".top a[href='#/datasets']")
    journey.see("title_datasets")
    visitor.see("Held back")  # its lists have come: a caller waits for four at once at most
    before = serving(admin)
    try:
        visitor.go(f"version/{candidate}")
        promote(journey, admin, candidate)
        roll_back(journey, admin, before)
        override(journey, admin, worse)
    finally:
        while serving(admin) != before:
            assert admin.call("POST", "/models/rollback", json={}).status == 200


def serving(admin: Caller) -> str:
    [found] = [item for item in admin.call("GET", "/models").json if item["state"] == "serving"]
    return str(found["version"])


def promote(journey: Journey, admin: Caller, version: str) -> None:
    visitor = journey.visitor
    journey.press("modelDo_promote")
    journey.see("modelTitle_promote")
    visitor.type(reason="Better calibrated")
    journey.step("promote")
    visitor.press("dialog .primary")
    journey.see("model_serving")
    journey.step("serves")
    assert serving(admin) == version


def roll_back(journey: Journey, admin: Caller, before: str) -> None:
    visitor = journey.visitor
    journey.press("modelDo_rollback")
    visitor.press("dialog .danger")
    journey.see("model_retired")
    journey.step("rolled-back")
    assert serving(admin) == before


def override(journey: Journey, admin: Caller, version: str) -> None:
    visitor = journey.visitor
    visitor.go(f"version/{version}")
    journey.see("outcome_worse")
    assert visitor.run(GATES) == ["open"]
    assert visitor.find("main details.found").get_attribute("open") is None
    journey.step("gates-not-passed")
    journey.press("modelDo_override")
    visitor.press("dialog .danger")
    journey.see("reasonTooShort", n="10")
    journey.step("why")
    visitor.type(reason=REASON)
    visitor.press("dialog .danger")
    journey.see("model_serving")
    visitor.see(REASON)
    assert serving(admin) == version
