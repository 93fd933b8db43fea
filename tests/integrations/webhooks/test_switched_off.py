from pathlib import Path

import pytest

from skinapi.app.integrity_check import check_integrity
from skinapi.integrations.webhooks.endpoints import Endpoint, Endpoints, EventType, MadeSecret
from skinapi.platform.storage.ids import new_id, now
from tests.findings.prediction.photographer import predicted
from tests.support.backends import Backend

ENDPOINT = Endpoint(
    id=new_id(),
    created_at=now(),
    url="https://a.example",
    events=(EventType.FINDING_STORED, EventType.JOB_ENDED),
    secret=MadeSecret(number=1, key="k"),
)


def test_what_was_stored_is_checked(tmp_path: Path) -> None:
    backend = Backend(tmp_path, areas="none")
    backend.services.get(Endpoints).insert(ENDPOINT)
    assert list(check_integrity(backend.services)) == []
    rows = backend.services.store.collection(Endpoints.collection)
    rows.update({"id": ENDPOINT.id}, {"$unset": {"url": True}})
    [fault] = check_integrity(backend.services)
    assert fault.message.startswith(f"webhooks {ENDPOINT.id}: damaged: url")


@pytest.mark.parametrize("on", [True, False])
def test_of_what_happens_meanwhile_nobody_is_told(on: bool, tmp_path: Path) -> None:
    backend = Backend(tmp_path, areas="webhooks" if on else "none")
    backend.services.get(Endpoints).insert(ENDPOINT)
    patient = backend.member()
    predicted(patient)
    jobs = backend.services.jobs
    job = jobs.submit(kind="count", owner=backend.account(patient.email).id, request={})
    jobs.queue.cancel(job)
    assert len(backend.services.store.collection("deliveries").find()) == (2 if on else 0)
