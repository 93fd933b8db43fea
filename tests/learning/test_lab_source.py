import re
import threading
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from skinapi.accounts.auth.owners import NOBODY
from skinapi.base.errors import BadNetwork, NotFound
from skinapi.lab.datasets.dataset_images import DatasetImage, DatasetImages
from skinapi.lab.datasets.dataset_versions import Datasets, DatasetVersion
from skinapi.lab.jobs import job_services, model_comparison, training_job
from skinapi.lab.jobs.job_services import JobServices
from skinapi.lab.jobs.training_job import choose_start
from skinapi.learning.commands.options import TrainOptions
from skinapi.learning.measure import stress
from skinapi.learning.train.networks import ARCHITECTURES
from skinapi.model.registry.stored_version import Origin
from skinapi.platform.jobs.job_queue import Jobs
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import Store
from tests.lab.sending import publish_one, send, upload, zipped
from tests.lab.test_from_reviews import clinic_of
from tests.learning import tiny
from tests.learning.conftest import Small
from tests.learning.pictures import write_ham_like
from tests.learning.test_import_model import Attempt
from tests.stores.mock_store import MockStore
from tests.support.backends import Backend
from tests.support.models import tiny_model, write_model


def lab_of(context: Any, store: Store) -> JobServices:
    unused = cast("Any", None)
    return JobServices(
        context=context,
        settings=unused,
        own_settings=unused,
        datasets=Datasets(store),
        images=DatasetImages(store),
        uploads=unused,
        models=unused,
        may_work=unused,
    )


def test_a_data_set_that_was_written_in_part_is_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = cast("Any", SimpleNamespace(work=tmp_path, progress=lambda *_: None))
    lab = lab_of(context, MockStore())
    dataset = cast("DatasetVersion", SimpleNamespace(id="1", name="Mrs Muster", pictures=1))

    def write(_: object, __: str, folder: Path, **___: object) -> None:
        folder.mkdir()
        for name in names:
            (folder / name).touch()
        if "cut off" in names:
            raise InterruptedError

    monkeypatch.setattr(job_services, "write_training_folder", write)
    names = ["cut off"]
    with pytest.raises(InterruptedError):
        training_job._write_source(lab, dataset, None, training_job._Stages(context))
    names = ["metadata.csv"]
    for _ in range(2):
        source = training_job._write_source(lab, dataset, None, training_job._Stages(context))
    assert source.name == "dataset-1", "everybody can read the card, which names it"
    assert [path.name for path in source.iterdir()] == names


@pytest.mark.parametrize("when", ["reading", "learning"])
def test_a_consent_withdrawn_while_a_training_reads_counts_and_later_is_in_the_card(
    backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """The withdrawal comes at the same moment, in another thread. Before the training has begun it
    reads again, without the pictures; after that it continues with them.
    """
    clinic = clinic_of(backend)
    ada, bob = clinic.patient(), clinic.patient()
    for person in (ada, ada, bob):
        clinic.finding(person, {"certainty": "laboratory"})
    dataset = clinic.dataset()
    said: list[str] = []
    context = cast("Any", SimpleNamespace(work=tmp_path, progress=lambda *_: None, say=said.append))
    lab = lab_of(context, backend.services.store)
    published = lab.datasets.get_published(dataset["id"])
    reached, go_on, read = threading.Event(), threading.Event(), DatasetImages.read_file

    def wait_once(images: DatasetImages, image: DatasetImage) -> bytes:
        content = read(images, image)
        if not reached.is_set():
            reached.set()
            assert go_on.wait(30)
        return content

    def withdraw() -> None:
        assert reached.wait(30)
        clinic.set_consent(ada, given=False)
        go_on.set()

    withdrawing = threading.Thread(target=withdraw)
    if when == "reading":
        monkeypatch.setattr(DatasetImages, "read_file", wait_once)
    withdrawing.start()
    source = training_job._write_source(lab, published, None, training_job._Stages(context))
    if when == "learning":
        (tmp_path / "training").mkdir()
        reached.set()
    withdrawing.join()
    source = training_job._write_source(lab, published, None, training_job._Stages(context))
    left = len(list((source / "images").iterdir()))
    noted = training_job._find_read(source)
    assert noted is not None
    assert (left, noted.pictures) == ((1, 1) if when == "reading" else (3, 3))
    assert bool(said) is (when == "reading")
    write_model(tmp_path / "model", "trained-1")
    origin = Origin(dataset=published.id, patient_pictures=noted)
    backend.services.models.add(folder=tmp_path / "model", by="system", origin=origin)
    taken = clinic.researcher.call("GET", "/models/trained-1").get_json()["taken_back"]
    erased = 0 if when == "reading" else 2
    assert taken == [{"version": "trained-1", "pictures": left, "erased": erased}]


def test_no_model_is_compared_on_a_reference_that_it_has_learned_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    context = cast("Any", SimpleNamespace(work=tmp_path, progress=lambda *_: None, say=said.append))
    store = MockStore()
    lab = lab_of(context, store)
    datasets, images = lab.datasets, lab.images
    learned, same, other = (
        datasets.get_published(
            publish_one(datasets, images, content, owner="ada", name=name).dataset
        )
        for name, content in (("moles", b"1"), ("same", b"1"), ("other", b"2"))
    )
    compared: list[str] = []

    def compare(_: object, __: object, samples: Any, *___: object, reference: Any) -> None:
        compared.append(f"{samples} of {reference.dataset}, {reference.pictures}")

    monkeypatch.setattr(JobServices, "find_stored", lambda _: None)
    monkeypatch.setattr(JobServices, "write_serving", lambda _: tiny_model())
    monkeypatch.setattr(training_job, "open_job_services", lambda _: lab)
    monkeypatch.setattr(training_job, "_options", lambda *_: SimpleNamespace(init="none"))
    monkeypatch.setattr(training_job, "_test_samples", lambda *_: [1, 2])
    monkeypatch.setattr(training_job, "compare_models", lambda *_: None)
    monkeypatch.setattr(training_job, "register_once", lambda *_, **__: cast("Any", Stored()))
    monkeypatch.setattr(model_comparison, "compare_models", compare)
    monkeypatch.setattr(
        model_comparison, "load_sources", lambda _, **__: SimpleNamespace(samples="pictures")
    )
    context.job = SimpleNamespace(
        request={"dataset_name": "moles", "dataset": learned.id},
        owner="ada",
        attempt_started_at=None,
    )
    chosen = iter((same.id, other.id))
    monkeypatch.setattr(
        training_job, "train_model", lambda *_, **__: datasets.set_reference(next(chosen))
    )
    for _ in range(2):
        training_job.train(context)
    assert compared == [f"pictures of {other.id}, 1"], "of the other alone"
    assert said == [model_comparison.LEARNED_REFERENCE]


class Stored:
    version, dataset, headline = "new", "7", None


def test_a_training_whose_version_is_stored_ends_with_it_on_any_machine(
    backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INSTANCE_DIR", str(backend.settings.instance_dir))
    monkeypatch.setenv("ENVIRONMENT", "development")
    asked = {"dataset_name": "moles", "dataset": new_id()}
    job = backend.services.jobs.submit(kind="training", owner=NOBODY, request=asked)
    context = cast("Any", SimpleNamespace(job=job, work=tmp_path))
    with pytest.raises(NotFound):
        training_job.train(context)
    write_model(tmp_path / "model", "trained-1")
    versions = backend.services.models.versions
    stored = versions.register(
        tmp_path / "model", created_by=NOBODY, origin=Origin(dataset="7", job=job.id)
    )
    told = {"version": "trained-1", "dataset": "7", "headline": stored.headline}
    assert training_job.train(context) == told
    assert not versions.find_made_by(job.id, since=now() + timedelta(days=1)), "of another job"
    backend.services.data.work.run(lambda unit: versions.remove(unit, "trained-1"))
    with pytest.raises(NotFound):
        training_job.train(context)


def test_a_training_begins_from_the_model_in_service_else_from_imagenet_else_from_nothing(
    small: Small, tmp_path: Path
) -> None:
    weights = tmp_path / "weights"
    with pytest.raises(BadNetwork, match="STARTING_WEIGHTS"):
        choose_start("MobileNetV2", None, weights)
    weights.mkdir()
    assert choose_start("MobileNetV2", small.model, weights) == "none"
    (weights / "mobilenet_v2_imagenet_notop.weights.h5").touch()
    (weights / "resnet50.npz").touch()
    found = str(weights / "mobilenet_v2_imagenet_notop.weights.h5")
    assert choose_start("MobileNetV2", small.model, weights) == found
    assert choose_start("MobileNetV2", None, None) == "none"
    assert choose_start(tiny.NAME, small.model, weights) == str(small.model)


def test_a_data_set_becomes_a_candidate_compared_with_the_model_in_service(
    backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INSTANCE_DIR", str(backend.settings.instance_dir))
    monkeypatch.setenv("MODEL_PATH", str(tiny_model()))
    monkeypatch.setenv("ENVIRONMENT", "development")
    monkeypatch.setitem(cast("dict[str, Any]", ARCHITECTURES), "MobileNetV2", tiny.TINY)
    monkeypatch.setattr(training_job, "TrainOptions", partial(TrainOptions, side=64))
    monkeypatch.setattr(stress, "STRESSES", {"blurred": stress.STRESSES["blurred"]})
    admin = backend.member("ada@example.org", role="admin")
    folder = write_ham_like(tmp_path / "ham", lesions_per_class=8)
    packed = zipped({path.name: path.read_bytes() for path in folder.iterdir()})
    assert send(admin, [upload(admin, packed)], name="moles")["status"] == "published"
    asked = {"dataset_name": "moles", "architecture": "MobileNetV2", "epochs": 2}
    asked |= {"batch_size": 16, "learning_rate": 0.001}
    begun = admin.call("POST", "/api/start-training", json=asked).get_json()
    attempt = Attempt(Jobs(backend.services.store).get(begun["job_id"]), tmp_path / "work")
    attempt.work.mkdir()
    version = training_job.train(attempt)["version"]
    assert [row["epoch"] for row in attempt.metrics] == [1, 2]
    assert all(row["val_accuracy"] is not None for row in attempt.metrics)
    assert min(float(row["seconds"]) for row in attempt.metrics) > 0
    told = [match for line in attempt.lines if (match := re.match(r"(\d+) % ([^:]+)", line))]
    assert list(dict.fromkeys(match[2] for match in told)) == [
        "Reading the data set",
        "Training",
        "Building the network",
        "Compiling the network",
        "Validating the epoch",
        "Measuring the model",
        "Comparing with the model in service",
    ]
    assert [match[1] for match in told] == sorted((match[1] for match in told), key=int)
    assert any(re.fullmatch(r"80 % Training: (\d+) of \1", line) for line in attempt.lines)
    seen = admin.call("GET", f"/models/{version}").get_json()
    passed = {each["name"] for each in seen["gates"] if each["outcome"] == "passed"}
    assert passed <= {"other_pictures"}, "nothing vouches for its own test part"
    assert set(seen["comparison"]["differences"]) >= {"refused_share"}
    refused = admin.call("POST", f"/models/{version}/promote", json={})
    assert refused.status_code == 409, refused.text
