"""What goes after its time, in a pass that is stopped before each of its commands."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from skinapi.privacy.retention.kinds import Kind, Spare, Term
from skinapi.storage.ids import now
from tests.prediction.photographer import predicted
from tests.support.backends import Backend, Person
from tests.use_cases.use_case import UseCase

DAY = timedelta(days=1)


def with_an_old_photo(backend: Backend) -> Person:
    """Of a patient without a doctor."""
    ada = backend.member()
    predicted(ada, keep_photo="true")
    submissions = backend.services.store.collection("submissions")
    (found,) = submissions.find({"owner": owner_of(backend, ada)})
    key = f"10{int((now() - 400 * DAY).timestamp() * 1000):013d}{found['number']:016d}"
    submissions.update({"id": found["id"]}, {"$set": {"rest_key": key}})
    return ada


def owner_of(backend: Backend, person: Person) -> str:
    return backend.account(person.email).id


def pass_of(kind: Kind) -> Callable[[Backend, Person], object]:
    def act(backend: Backend, _: Person) -> object:
        service = backend.app.privacy.retention
        run = service.plan.open_run(kind)
        term = Term(365, now())
        return [*service.kinds[kind].remove(term, spare=Spare(), note=run.note)]

    return act


def seen(backend: Backend, ada: Person) -> Any:
    """Whose photos are kept, how many findings she has, and what the trail says."""
    owner = owner_of(backend, ada)
    findings = ada.call("GET", "/submissions").get_json()
    rows = backend.services.store.collection("audit").find({"owner": owner}, sort="id")
    acts = [row["action"] for row in rows if row["by"] == "system"]
    photos = [one["photo_kept"] for one in findings]
    return photos, backend.account(ada.email).findings, acts


USE_CASES = (
    UseCase("let a photo go after its time", with_an_old_photo, pass_of(Kind.PHOTOS), seen),
    UseCase("let a finding go after its time", with_an_old_photo, pass_of(Kind.FINDINGS), seen),
)
