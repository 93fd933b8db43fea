import pytest

from skinapi.lab.datasets.dataset_versions import DatasetNames, Datasets, NewDataset
from skinapi.lab.datasets.quarantine import comparable
from tests.lab.sending import labelled, send, upload, zipped
from tests.support.backends import Backend, Person


@pytest.fixture
def ada(backend: Backend) -> Person:
    return backend.member("ada@x.example", role="researcher")


def test_a_name_belongs_to_the_account_that_used_it_first_while_it_has_a_version(
    backend: Backend, ada: Person
) -> None:
    ben = backend.member("ben@x.example", role="researcher")
    first = send(ada, [upload(ada, zipped(labelled(2)))], name="Clinic moles")
    sent = upload(ben, zipped(labelled(2, 10)))
    refused = ben.call("POST", "/datasets", json={"name": "clinic MOLES", "uploads": [sent]})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "name_taken")
    assert backend.services.store.collection("datasets").count() == 1
    again = send(ada, [upload(ada, zipped(labelled(2, 40)))], name="clinic moles")
    assert again["version"] == 2
    for dataset in ada.pages("/datasets"):
        assert ada.call("DELETE", f"/datasets/{dataset['id']}").status_code == 200
    taken_over = send(ben, [sent], name="clinic moles")
    assert (taken_over["version"], first["version"]) == (3, 1), "a number never comes back"
    assert "moles" not in str(backend.stored()["counters"]).lower()


def test_versions_that_were_published_before_they_were_counted_keep_their_numbers(
    backend: Backend,
) -> None:
    datasets = Datasets(backend.services.store)
    for number in (1, 2, 3):
        published = datasets.publish(datasets.begin(NewDataset(name="ham", owner="x"), size=0).id)
        assert published.version == number
    backend.services.store.collection("counters").delete({"id": {"$gt": "dataset-versions"}})
    assert DatasetNames(backend.services.store).next_version(comparable("Ham")) == 4


@pytest.mark.parametrize("name", ["0123456789abcdef" * 2, "0123456789ABCDEF" * 2])
def test_a_name_that_looks_like_an_id_is_refused(ada: Person, name: str) -> None:
    sent = upload(ada, zipped(labelled(2)))
    refused = ada.call("POST", "/datasets", json={"name": name, "uploads": [sent]})
    assert refused.status_code == 400
    assert "look like an id" in refused.get_json()["detail"]
