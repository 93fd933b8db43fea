import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from skinapi.accounts.auth.owners import NOBODY, OwnerStatus
from skinapi.base.errors import (
    BadNetwork,
    BadRequest,
    Conflict,
    Forbidden,
    SkinAPIError,
    UnreadableNetwork,
)
from skinapi.base.pages import PageRequest
from skinapi.base.settings.sizing import usable_memory
from skinapi.lab.datasets.dataset_versions import Datasets
from skinapi.lab.datasets.uploads import Announced, Uploads
from skinapi.lab.jobs import import_job
from skinapi.lab.jobs.import_job import ExportRequest, answer, import_model
from skinapi.lab.service import ImportRequest
from skinapi.model.network.model import read_card
from skinapi.model.network.picture import Scaling
from skinapi.model.registry.gates import GateName, ReferenceData
from skinapi.platform.jobs.handlers import JobContext
from skinapi.platform.jobs.job import Job
from tests.lab.sending import labelled, send, upload, zipped
from tests.learning.test_export import one_dense, with_random_weights
from tests.support.backends import Backend
from tests.support.models import tiny_model

LABELS = ("mel", "nv", "bkl")
OWNER = NOBODY


@dataclass
class Attempt(JobContext):
    job: Job
    work: Path
    lines: list[str] = field(default_factory=list)
    metrics: list[dict[str, float | str]] = field(default_factory=list)

    def progress(self, percent: float, message: str) -> None:
        self.lines.append(f"{percent:.0f} % {message}")

    def metric(self, **values: float | str) -> None:
        self.metrics.append(values)

    def say(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture
def lab(backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Backend:
    monkeypatch.setenv("INSTANCE_DIR", str(backend.settings.instance_dir))
    monkeypatch.setenv("MODEL_PATH", str(tiny_model()))
    monkeypatch.setenv("ENVIRONMENT", "development")
    monkeypatch.chdir(tmp_path)
    # Keras is here already; a process of its own begins with seconds of imports.
    monkeypatch.setattr(import_job, "_ask", lambda request, **_: answer(request))
    return backend


def export(folder: Path, name: str, memory: int) -> tuple[str, ...]:
    out = folder / "model"
    wanted = ExportRequest(
        network=folder / name, labels=LABELS, scaling="tf", side=None, licence="mine", out=out
    )
    return import_job.export_confined(wanted, work=folder, memory=memory)


def test_the_file_is_read_by_a_process_that_answers(tmp_path: Path) -> None:
    saved(tmp_path)
    assert "probabilities within" in export(tmp_path, "saved.keras", usable_memory())[0]
    assert read_card(tmp_path / "model").licence == "mine"


def test_a_process_that_has_too_little_memory_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(BadNetwork, match="more than the 10 MB"):
        export(tmp_path, "none.keras", 10 * 1024**2)


def attempt_of(
    lab: Backend, work: Path, content: bytes, name: str = "mine.keras", **said: Any
) -> Attempt:
    uploads = Uploads(lab.services.store)
    begun = uploads.begin(
        Announced(owner=OWNER, name=name, size=len(content), sha256=said.pop("sha256", None))
    )
    uploads.add_part(begun, offset=0, content=content)
    request = ImportRequest(upload=begun.id, labels=LABELS, scaling=Scaling.TF, **said)
    job = lab.services.jobs.submit(
        kind="import", owner=OWNER, request=request.model_dump(mode="json")
    )
    work.mkdir()
    return Attempt(job, work)


def saved(folder: Path, suffix: str = ".keras") -> bytes:
    path = folder / f"saved{suffix}"
    with_random_weights(one_dense()).save(path)
    return path.read_bytes()


def versions(lab: Backend) -> list[str]:
    return [
        found.version for found in lab.services.models.versions.page_versions(PageRequest(9)).items
    ]


def unused(lab: Backend) -> int:
    return len(Uploads(lab.services.store).list_of_owner(OWNER))


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5")
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_network_becomes_a_candidate_and_its_upload_is_deleted(
    lab: Backend, tmp_path: Path, suffix: str
) -> None:
    attempt = attempt_of(lab, tmp_path / "work", saved(tmp_path, suffix), f"Mine{suffix.upper()}")
    result = import_model(attempt)
    found = lab.services.models.versions.get(result["version"])
    assert found.job == attempt.job.id
    assert found.created_by == OWNER
    assert found.labels == ("melanoma", "melanocytic_nevus", "benign_keratosis")
    assert unused(lab) == 0
    gates = lab.services.models.inspect(version=found.version).gates
    assert {gate.name for gate in gates if gate.outcome != "not_measured"} == {"other_pictures"}


def test_an_attempt_after_a_crash_stores_the_version_once(
    lab: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = saved(tmp_path)
    attempt = attempt_of(lab, tmp_path / "work", network)

    def crash(*_: object, **__: object) -> None:
        raise InterruptedError

    with monkeypatch.context() as patch:
        patch.setattr(Uploads, "remove", crash)
        with pytest.raises(InterruptedError):
            import_model(attempt)
    before = versions(lab)
    Uploads(lab.services.store).forget(OWNER)
    elsewhere = tmp_path / "work of another machine"
    elsewhere.mkdir()
    attempt = replace(attempt, work=elsewhere)
    assert import_model(attempt)["version"] in before
    assert versions(lab) == before
    again = attempt_of(lab, tmp_path / "again", network)
    with pytest.raises(Conflict, match="already"):
        import_model(again)


def test_who_has_lost_the_right_meanwhile_stores_no_version(
    lab: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.services.models.record_built_in()
    before = versions(lab)
    attempt = attempt_of(lab, tmp_path / "work", saved(tmp_path))
    monkeypatch.setattr(OwnerStatus, "may_research", lambda _, owner: owner != OWNER)
    with pytest.raises(Forbidden, match="any more"):
        import_model(attempt)
    assert versions(lab) == before


@pytest.mark.parametrize(
    ("make", "said", "error", "says"),
    [
        (saved, {"sha256": hashlib.sha256(b"other").hexdigest()}, BadRequest, "SHA-256"),
        (lambda folder: saved(folder)[:-200], {}, UnreadableNetwork, "no architecture"),
    ],
)
def test_a_bad_file_is_refused_with_a_sentence_and_leaves_no_version(
    lab: Backend, tmp_path: Path, make: Any, said: Any, error: type[SkinAPIError], says: str
) -> None:
    attempt = attempt_of(lab, tmp_path / "work", make(tmp_path), **said)
    lab.services.models.record_built_in()
    before = versions(lab), sorted(lab.services.store.blobs.keys())
    with pytest.raises(error, match=says):
        import_model(attempt)
    assert (versions(lab), sorted(lab.services.store.blobs.keys())) == before
    assert unused(lab) == 1, "it can be sent again with other labels"


def test_it_is_compared_with_the_model_in_service_on_the_reference(
    lab: Backend, tmp_path: Path
) -> None:
    person = lab.member(role="researcher")
    dataset = send(person, [upload(person, zipped(labelled(12)))], "reference")["id"]
    Datasets(lab.services.store).set_reference(dataset)
    attempt = attempt_of(lab, tmp_path / "work", saved(tmp_path))
    found = lab.services.models.versions.get(import_model(attempt)["version"])
    compared = found.reference_comparison
    assert compared is not None
    assert (compared.part, compared.pictures) == ("reference", 12)
    assert compared.reference == ReferenceData(dataset=dataset, pictures=12)
    assert compared.first_version == lab.services.models.serving_version()
    gates = {g.name: g for g in lab.services.models.inspect(version=found.version).gates}
    assert "reference" in gates[GateName.REFUSED_SHARE].says
    assert gates[GateName.MELANOMA_SENSITIVITY].outcome == "not_measured"
