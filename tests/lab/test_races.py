from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event
from typing import Any

import pytest

from skinapi.base.pages import PageRequest
from skinapi.lab.checks.check_queue import Cleanup
from skinapi.lab.datasets.dataset_versions import Datasets
from skinapi.lab.service import DatasetsService
from tests.lab.sending import labelled, send, upload, zipped
from tests.support.backends import Backend, Person, both, twin
from tests.support.size import size

MOLES = size(9, 30)  # three lesions of each class, as a training needs


def moles_of(person: Person) -> str:
    return str(send(person, [upload(person, zipped(labelled(MOLES)))], name="moles")["id"])


def train(person: Person) -> Any:
    return person.call("POST", "/api/start-training", json={"dataset_name": "moles"})


def jobs_of(backend: Backend) -> list[str]:
    page = backend.services.jobs.queue.page_jobs(owner=None, paging=PageRequest(9))
    return [job.status for job in page.items]


@pytest.mark.parametrize(("method", "path"), [("DELETE", ""), ("POST", "/reference")])
def test_of_a_training_and_what_takes_its_data_set_one_succeeds(
    real_backend: Backend, method: str, path: str
) -> None:
    admin, ada = real_backend.admin(), real_backend.member(role="researcher")
    owner = real_backend.account(ada.email).id
    for _ in range(size(2, 20)):
        address = f"/datasets/{moles_of(ada)}{path}"
        taken, begun = both(partial(admin.call, method, address), partial(train, ada))
        assert sorted((taken.status_code, begun.status_code))[0] == 200
        assert (taken.status_code == 200) != (begun.status_code == 200)
        assert len(jobs_of(real_backend)) == (begun.status_code == 200)
        real_backend.services.jobs.queue.forget(owner)
        real_backend.services.get(Cleanup).forget(owner)


def test_a_data_set_that_is_deleted_while_it_is_published_leaves_nothing(
    real_backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = real_backend.member(role="researcher")
    other = twin(real_backend, ada)
    begin, deleted, begun = Datasets.hold_checked, list[Any](), Event()
    with ThreadPoolExecutor(1) as pool:

        def hold(datasets: Datasets, identifier: str) -> None:
            if not deleted:
                deleted.append(pool.submit(other.call, "DELETE", f"/datasets/{identifier}"))
                begun.set()
            begin(datasets, identifier)

        monkeypatch.setattr(Datasets, "hold_checked", hold)
        sent = upload(ada, zipped(labelled(size(20, 60))))
        body = {"name": "moles", "uploads": [sent]}
        made = ada.call("POST", "/datasets", json=body).get_json()["id"]
        assert begun.wait(30)
        assert deleted[0].result().status_code == 200
    with real_backend.services.get(DatasetsService).checks.now():
        pass
    assert ada.call("GET", f"/datasets/{made}").status_code == 404
    for name in ("datasets", "images"):
        assert real_backend.services.store.collection(name).find() == []


def test_a_name_goes_to_one_of_two_accounts_at_the_same_moment(real_backend: Backend) -> None:
    people = [real_backend.member(role="researcher") for _ in range(2)]
    for turn in range(size(2, 20)):
        sent = [upload(person, zipped(labelled(2))) for person in people]
        bodies = [{"name": f"moles {turn}", "uploads": [item]} for item in sent]
        with real_backend.services.get(DatasetsService).checks.now():
            answers = both(
                *(
                    partial(twin(real_backend, person).call, "POST", "/datasets", json=body)
                    for person, body in zip(people, bodies, strict=True)
                )
            )
            assert sorted(answer.status_code for answer in answers) == [202, 409]
        for person in people:
            real_backend.services.get(Cleanup).forget(real_backend.account(person.email).id)
