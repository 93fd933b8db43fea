"""A previous version must read what a newer one stores, which may have more fields."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

import skinapi.app.composition.services  # noqa: F401 (with it every module that stores something)
from skinapi.base.errors import ModelDamaged
from skinapi.base.stored_record import StoredRecord
from skinapi.model.finding import Finding
from skinapi.model.network.model import read_calibration, write_checksums
from skinapi.model.registry.gates import GateName, PairedComparison
from skinapi.platform.web.schemas import Body
from tests.findings.prediction.photographer import predicted
from tests.model.registry.test_models import ModelBackend, compared_with
from tests.support.findings import TESTED
from tests.support.models import write_model

NEWER = {"from_a_newer_version": {"and": ["more"]}}


def records() -> Iterator[type[StoredRecord]]:
    waiting: list[type[StoredRecord]] = [StoredRecord]
    while waiting:
        found = waiting.pop().__subclasses__()
        waiting += found
        yield from found


def inner_models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Return every model that a field may hold, at any depth of containers."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in getattr(annotation, "__args__", ()):
        yield from inner_models(part)


def test_every_stored_record_ignores_fields_that_it_does_not_know_at_any_depth() -> None:
    # A request has fields that the record of its job lacks.
    found = {record for record in records() if not issubclass(record, Body)}
    assert {Finding, PairedComparison} <= found
    assert not [record for record in found if record.model_config.get("extra") != "ignore"]
    strict = {
        f"{record.__name__}.{name}"
        for record in found
        for name, field in record.model_fields.items()
        for inner in inner_models(field.annotation)
        if not issubclass(inner, StoredRecord)
    }
    assert strict == set()


def test_a_server_shows_a_finding_of_the_next_version(tmp_path: Path) -> None:
    backend = ModelBackend(tmp_path / "instance")
    with closing(backend.services.store):
        ada = backend.member()
        before = predicted(ada, body_site="face")
        documents = backend.services.store.collection("submissions")
        (stored,) = documents.find()
        assert stored["finding"]["tested"]
        documents.delete({"id": stored["id"]})
        inner = {name: with_more(stored[name]) for name in ("finding", "context")}
        documents.insert({**stored, **inner, **NEWER})
        for path in (f"/submissions/{before['id']}", f"/submissions/{before['id']}/report.json"):
            assert ada.call("GET", path).status_code == 200
        assert [item["id"] for item in ada.pages("/submissions")] == [before["id"]]


def test_a_server_shows_a_model_whose_comparison_is_of_the_next_version(tmp_path: Path) -> None:
    backend = ModelBackend(tmp_path / "instance")
    with closing(backend.services.store):
        compared = compared_with("tiny-1", backend.choose_reference())
        backend.add(tmp_path, "b", reference_comparison=compared)
        documents = backend.services.store.collection("models")
        (stored,) = documents.find({"version": "b"})
        documents.delete({"id": stored["id"]})
        inner = {name: with_more(stored[name]) for name in ("reference_comparison", "files")}
        documents.insert({**stored, **inner, **NEWER})
        admin = backend.member(role="admin")
        shown = admin.call("GET", "/models/b").get_json()
        assert shown["reference_comparison"]["differences"].keys() == set(GateName)
        assert admin.call("POST", "/models/b/promote", json={}).status_code == 200
        assert backend.answers() == "b"


def test_a_calibration_with_a_field_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    """This includes the records that are stored with a finding."""
    folder = write_model(tmp_path / "b", "b", tested=TESTED)
    file = folder / "calibration.json"
    calibration = json.loads(file.read_text())
    assert read_calibration(folder).dermoscopic.tested == TESTED
    calibration["dermoscopic"]["tested"] |= NEWER
    file.write_text(json.dumps(calibration))
    write_checksums(folder)
    with pytest.raises(ModelDamaged, match="from_a_newer_version"):
        read_calibration(folder)


def with_more(value: Any) -> Any:
    if isinstance(value, list):
        return [with_more(part) for part in value]
    if not isinstance(value, dict):
        return value
    return {name: with_more(part) for name, part in value.items()} | NEWER
