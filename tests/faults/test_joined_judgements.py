"""A store of version 10 with photos that were judged again: each becomes one finding."""

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from skinapi.app.integrity_check import check_integrity
from skinapi.platform.storage.ports import Store
from skinapi.platform.stores.store_factory import open_store
from tests.care.clinic import numbers
from tests.conftest import store_on
from tests.faults.code_versions import BEFORE_VERSIONS, NoHistoryError, code_of
from tests.faults.test_migrated_store import run
from tests.support.backends import Backend, Person, settings_in


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that the code of then has made; what is there stands in a file beside it."""
    folder = tmp_path_factory.mktemp("judgements")
    try:
        code = code_of(BEFORE_VERSIONS, folder / "code")
    except NoHistoryError as error:
        pytest.skip(str(error))
    script = Path(__file__).with_name("judgements_store.py")
    done = run(code, "-P", str(script), str(folder / "store"))
    assert done.returncode == 0, done.stderr[-2000:]
    return folder / "store"


@pytest.fixture(params=["sqlite", "mongod"])
def migrated(request: pytest.FixtureRequest, made: Path, tmp_path: Path) -> Iterator["Migrated"]:
    there = json.loads(made.with_suffix(".json").read_text())
    if request.param == "sqlite":
        backend = Backend(shutil.copytree(made, tmp_path / "store"))
        with closing(backend.services.store):
            yield Migrated(backend, there)
        return
    for store in store_on(request, tmp_path):
        copy_store(made, store)
        yield Migrated(Backend(tmp_path, store), there)


def copy_store(folder: Path, store: Store) -> None:
    with closing(open_store(settings_in(folder))) as made:
        for name in made.collections():
            store.collection(name).delete({})
            if documents := made.collection(name).find():
                store.collection(name).insert_many(documents)
        for key in [*made.blobs.keys()]:
            store.blobs.put_as(key, made.blobs.find(key) or b"")


class Migrated:
    def __init__(self, backend: Backend, there: dict[str, Any]) -> None:
        self.backend, self.there = backend, there
        self.doctor, self.ada = self._person("doctor"), self._person("ada")

    def _person(self, name: str) -> Person:
        account = self.backend.account(self.there[name])
        return Person(self.backend.client, self.backend.token_of(account), account.email)

    def read(self, path: str, by: Person | None = None) -> Any:
        answer = (by or self.ada).call("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.get_json()


def test_each_photo_is_one_finding_with_all_that_was_told(migrated: Migrated) -> None:
    there = migrated.there
    stay = [there[name][0] for name in ("in_spot", "told_twice", "without_middle")]
    stay.append(there["without_first"][1])
    assert sorted(numbers(migrated.ada, "/submissions")) == sorted(stay)
    number, paper = there["in_spot"][0], there["papers"]
    found = migrated.read(f"/submissions/{number}")
    assert (found["version"], found["corrected"], found["lesion"]) == (
        2, ["age_band"], there["spot"],
    )  # fmt: skip
    assert [record["context"]["age_band"] for record in found["versions"]] == ["30-44"]
    assert (found["context"]["age_band"], found["decision"]["label"]) == ("75+", "melanoma")
    assert [item["_id"] for item in migrated.read(f"/submissions/{number}/letters")] == [
        there["letter"]
    ]
    told = [migrated.read(f"/reports/verify/{item}") for item in paper]
    assert [(item["number"], item["valid"]) for item in told] == [(number, True)] * 2
    assert [bool(item["superseded"]["judged_again_at"]) for item in told] == [True, False]
    assert migrated.ada.call("GET", f"/submissions/{number}/photo").status_code == 200
    three = migrated.read(f"/submissions/{there['without_middle'][0]}")
    assert (three["version"], three["context"]["age_band"]) == (2, "60-74")
    assert "version" not in migrated.read(f"/submissions/{stay[-1]}")


def test_a_result_counts_once_and_no_list_has_two_of_one_photo(migrated: Migrated) -> None:
    admin = migrated.backend.member(role="admin")
    outcomes = migrated.read("/outcomes", by=admin)
    counted = [outcome["results"] for outcome in outcomes["models"].values()]
    assert counted == [1], "of two findings of one photo"
    reviews = migrated.read(f"/submissions/{migrated.there['told_twice'][0]}/reviews")
    assert len(reviews) == 2
    spot = migrated.there["spot"]
    assert numbers(migrated.ada, f"/lesions/{spot}/submissions") == migrated.there["in_spot"][:1]
    assert migrated.read(f"/lesions/{spot}")["findings"] == 1
    waiting = {migrated.there["without_middle"][0], migrated.there["without_first"][1]}
    assert {*numbers(migrated.doctor, "/queue?reviewed=false")} == waiting


def test_what_one_judgement_was_in_error_of_is_gone_from_the_wrong_patient(
    migrated: Migrated,
) -> None:
    for number in migrated.there["wrong"]:
        assert migrated.ada.call("GET", f"/submissions/{number}").status_code == 404
    store = migrated.backend.services.store
    left = store.collection("submissions").find({"number": migrated.there["wrong"][0]})
    assert (len(left), bool(left[0]["error"]), len(left[0]["earlier"])) == (1, True, 1)


def test_no_photo_and_no_fault_is_left(migrated: Migrated) -> None:
    services = migrated.backend.services
    assert [fault.message for fault in check_integrity(services)] == []
