from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle, product
from typing import Any

import pytest
from structlog.testing import capture_logs

from skinapi.app.integrity_check import list_record_types
from skinapi.platform.storage.documents import Unparsed
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Document
from skinapi.platform.stores.sqlite_documents import SqliteDocuments
from skinapi.platform.web.declaration import route_of
from skinapi.platform.web.headers import LEFT_OUT
from tests.care.clinic import URGENT, file_for, numbers, patient_in_care
from tests.integrations.test_keys import clinic_wide
from tests.privacy.test_moving_accounts import SEEN, TwoAccounts
from tests.support.backends import Backend, Person
from tests.support.size import drill

MODELS = list_record_types()
NO_LISTS = {"/model-card", "/lesions/<lesion>"}
# Lists find a record by these.
LINKS = {"owner", "account", "submission", "lesion", "doctor", "patient", "finding", "to", "status"}
# Places for a damaged record of the patient, or the last one made.
SHOWN = {
    "accounts": "/patients",
    "submissions": "/submissions",
    "reviews": "/submissions",
    "consents": "/me/consents",
    "keys": "/admin/keys",
    "sessions": "/me/sessions",
}
Damage = Callable[[Document, list[str]], Document]
# One record, or read by its id alone.
WITHOUT_LISTS = {"serving", "kept_answers", "stopped_sweeps"}


def lose_a_field(document: Document, required: list[str]) -> Document:
    lost = "created_at" if "created_at" in required else required[-1]
    return {name: value for name, value in document.items() if name != lost}


def mistake_a_type(document: Document, required: list[str]) -> Document:
    plain = [name for name in required if not name.endswith("_at")]
    own = [name for name in plain if name not in LINKS]
    return {**document, (own or plain)[0]: 0.5}


def mistake_the_times(document: Document, _: list[str]) -> Document:
    """Store numbers as times, which a lenient record would accept."""
    times = [name for name in document if name.endswith("_at") and name != "expires_at"]
    return {**document, **dict.fromkeys(times, Unparsed(20))}


def empty_the_parts(document: Document, _: list[str]) -> Document:
    kept = (str, int, float)
    return {name: value for name, value in document.items() if isinstance(value, kept)}


@contextmanager
def collections_read() -> Iterator[set[str]]:
    read = set()

    def reading(method: str) -> Callable[..., Any]:
        original = getattr(SqliteDocuments, method)

        def call(documents: SqliteDocuments, *args: Any, **options: Any) -> Any:
            read.add(documents._name)
            return original(documents, *args, **options)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for method in ("get", "find", "count", "count_by", "update"):
            patch.setattr(SqliteDocuments, method, reading(method))
        yield read


class Clinic:
    def __init__(self, backend: Backend) -> None:
        self.backend, two = backend, TwoAccounts(backend)
        self.doctor, self.patient, self.admin = two.grace, two.ada, two.root
        self.urgent = file_for(backend, self.patient, URGENT)
        file_for(backend, self.patient, URGENT)
        spots = self.patient.call("GET", "/lesions").get_json()
        self.places = {
            "patient": two.ada_id,
            "lesion": spots[0]["id"],
            "kind": "DiagnosticReport",
        }
        self.patient_id = two.ada_id
        program = clinic_wide(backend)
        backend.token_of(backend.account(self.patient.email))  # a second session
        people = (self.doctor, self.admin, program, self.patient)
        # Each list with the collections that it is read from.
        self.shown: list[tuple[Person, str, set[str]]] = []
        for person in people:
            for path in self.lists():
                with collections_read() as read:
                    status = person.call("GET", path).status_code
                if status == 200:
                    self.shown.append((person, path, read))
        # Who calls with the damaged record itself.
        self.callers = {"accounts": self.patient, "keys": program}

    def lists(self) -> list[str]:
        app = self.backend.app
        found = []
        for rule in app.url_map.iter_rules():
            route = route_of(app, rule.endpoint)
            if route and route.method == "GET" and rule.arguments <= self.places.keys():
                if rule.rule in NO_LISTS:
                    continue
                path = rule.rule
                for name, value in self.places.items():
                    path = path.replace(f"<{name}>", value)
                found.append(path)
        return sorted({*found})

    def read_all(self, damaged: str, collection: str) -> dict[str, str]:
        said, failed = {}, []
        for person, path, read in self.shown:
            if collection not in read or person is self.callers.get(collection) or damaged in path:
                continue
            answer = person.call("GET", path)
            if answer.status_code >= 500:
                failed.append(path)
            if LEFT_OUT in answer.headers:
                said[path] = answer.headers[LEFT_OUT]
        assert not failed
        return said


LISTED = sorted({*MODELS} - WITHOUT_LISTS)
OTHERS: list[Damage] = [mistake_a_type, mistake_the_times, empty_the_parts]


@pytest.fixture(scope="module")
def clinic(shared_backend: Backend) -> Clinic:
    return Clinic(shared_backend)


@pytest.mark.xdist_group("unreadable")  # the clinic takes seconds to make
@pytest.mark.parametrize(
    ("damage", "collection"),
    # Each run takes one of the other three for each.
    [
        *product([lose_a_field], LISTED),
        *(product(OTHERS, LISTED) if drill else zip(cycle(OTHERS), LISTED)),
    ],
)
def test_every_list_is_shown_without_the_damaged_record(
    clinic: Clinic, collection: str, damage: Damage
) -> None:
    fields = MODELS[collection].model_fields.items()
    required = [name for name, field in fields if field.is_required() and name != "id"]
    rows = clinic.backend.services.store.collection(collection)
    before = rows.find({"id": clinic.patient_id}) or rows.find(sort="-id", limit=1)
    document = before[0] if before else {"id": "0" * 32, "schema": 1}
    rows.delete({"id": document["id"]})
    rows.insert(damage(document, required))
    try:
        said = clinic.read_all(str(document["id"]), collection)
    finally:
        rows.delete({"id": document["id"]})
        for whole in before:
            rows.insert(whole)
    if collection in SHOWN and damage is lose_a_field:
        hidden = "lesions" if collection == "reviews" else collection
        assert f"{hidden}=1" in said[SHOWN[collection]]


def test_what_is_left_out_is_named_to_the_operator(any_backend: Backend) -> None:
    backend = any_backend
    doctor, patient = patient_in_care(backend)
    broken, urgent = (file_for(backend, patient, URGENT) for _ in range(2))
    rows = backend.services.store.collection("submissions")
    rows.update({"id": broken.id}, {"$unset": {"created_at": True}})
    with capture_logs() as logs:
        listed = doctor.call("GET", "/queue")
    assert [item.get("id") for item in listed.get_json()] == [None, urgent.number]
    assert listed.headers[LEFT_OUT] == "lesions=1, submissions=1"
    assert doctor.call("GET", "/queue/counts").get_json()["to_review"] == 2
    logged = [log for log in logs if log["event"] == "record_damaged"]
    assert {(log["collection"], log["item"]) for log in logged} == {("submissions", broken.id)}
    assert patient.email not in str(logged)
    [note] = [
        item for item in backend.client.get("/readyz").get_json()["notes"] if "Damaged" in item
    ]
    assert f"1 (submissions/{broken.id})" in note
    gauges = backend.services.data.failed_items.gauges()
    assert [(gauge.name, gauge.value) for gauge in gauges] == [("skinapi_damaged_records", 1.0)]


@pytest.mark.parametrize("path", ["/queue", "/queue?unassigned=true"])
def test_an_owner_who_cannot_be_read_is_counted(any_backend: Backend, path: str) -> None:
    """Otherwise a caller would take the list as complete."""
    doctor = any_backend.member(role="doctor")
    patient, other = any_backend.member(), any_backend.member()
    if path == "/queue":
        for item in (patient, other):
            any_backend.edit(item.email, doctor_id=any_backend.account(doctor.email).id)
    for owner in (patient, patient, other):
        file_for(any_backend, owner, URGENT)
    rows = any_backend.services.store.collection("accounts")
    rows.update({"email": patient.email}, {"$unset": {"created_at": True}})
    listed = doctor.call("GET", path)
    assert len(listed.get_json()) == 1
    assert listed.headers[LEFT_OUT] == "accounts=1"


def test_a_page_with_a_damaged_record_does_not_end_its_list(any_backend: Backend) -> None:
    doctor, patient = patient_in_care(any_backend)
    filed = [file_for(any_backend, patient, URGENT) for _ in range(5)]
    any_backend.services.store.collection("submissions").update(
        {"id": filed[1].id}, {"$unset": {"created_at": True}}
    )
    whole = sorted(item.number for item in filed if item.id != filed[1].id)
    assert sorted(numbers(patient, "/submissions?limit=2")) == whole
    queued = [item.get("id", 0) for item in doctor.pages("/queue?limit=2")]
    assert sorted(queued) == [0, *whole]


def test_a_spot_of_which_a_photo_or_review_cannot_be_read_is_left_out_whole(
    any_backend: Backend,
) -> None:
    """Without the damaged record, the others would say something milder."""
    backend, two = any_backend, TwoAccounts(any_backend)
    spot = two.ada.call("GET", "/lesions").get_json()[0]["id"]
    rows = backend.services.store.collection("submissions")
    [first] = rows.find({"lesion": spot})
    more = file_for(backend, two.ada, URGENT, lesion=spot)
    review = backend.services.store.collection("reviews").find({"submission": first["id"]})[0]
    for collection, identifier in (("submissions", first["id"]), ("reviews", review["id"])):
        damaged = backend.services.store.collection(collection)
        kept = damaged.update({"id": identifier}, {"$set": {"schema": 1}})
        assert kept
        field = "level" if collection == "submissions" else "opinion"
        damaged.update({"id": identifier}, {"$unset": {field: True}})
        listed = two.ada.call("GET", "/submissions")
        assert more.number not in [item["id"] for item in listed.get_json()]
        assert "lesions=1" in listed.headers[LEFT_OUT]
        spots = two.ada.call("GET", "/lesions")
        assert spot not in [item["id"] for item in spots.get_json()]
        assert "lesions=1" in spots.headers[LEFT_OUT]
        assert two.ada.call("GET", f"/lesions/{spot}").get_json()["code"] == "record_damaged"
        damaged.delete({"id": identifier})
        damaged.insert(kept)


def test_a_stranger_does_not_learn_of_a_finding_that_cannot_be_read(any_backend: Backend) -> None:
    two, rows = TwoAccounts(any_backend), any_backend.services.store.collection("submissions")
    spot = two.ada.call("GET", "/lesions").get_json()[0]["id"]
    [stored] = rows.find({"lesion": spot})
    rows.update({"id": stored["id"]}, {"$unset": {"level": True}})
    strangers = any_backend.member(), any_backend.member(role="doctor")
    acts = [
        ("GET", ""), ("GET", "/photo"), ("GET", "/report.pdf"), ("GET", "/reviews"), ("DELETE", ""),
        ("POST", "/review"), ("POST", "/entered-in-error"),
    ]  # fmt: skip
    bodies = {
        "/review": {**SEEN, "spot_version": 1},
        "/entered-in-error": {"reason": "Of somebody else."},
    }
    for method, act in acts:
        for person in strangers:
            codes = []
            for number in (stored["number"], 10**9):
                path = f"/submissions/{number}{act}"
                answer = person.call(method, path, json=bodies.get(act))
                assert LEFT_OUT not in answer.headers
                codes.append((answer.status_code, answer.get_json()["error"]))
            assert codes[0] == codes[1], (method, act)
    for person in (two.ada, two.grace):
        answer = person.call("GET", f"/submissions/{stored['number']}")
        assert (answer.status_code, answer.get_json()["code"]) == (500, "record_damaged")


def test_an_account_with_a_record_that_cannot_be_read_is_suspended(any_backend: Backend) -> None:
    doctor, ada = patient_in_care(any_backend)
    damaged, other = (file_for(any_backend, ada, URGENT) for _ in range(2))
    told = {"$set": {"telling": {"began_at": now(), "grave": True}}}
    store = any_backend.services.store
    store.collection("lesions").update({"id": other.lesion}, told)
    store.collection("submissions").update({"id": damaged.id}, {"$set": {"level": "nonsense"}})
    admin = any_backend.member(role="admin")
    admin.call_ok("PATCH", f"/users/{ada.email}/suspend")
    rows = store.collection("waiting").find({"kind": "review"})
    assert {row["lesion"] for row in rows} == {damaged.lesion, other.lesion}
    [row] = doctor.pages("/waiting?kind=telling&overdue=true")
    assert row["lesion"] == other.lesion


@pytest.mark.parametrize("collection", ["submissions", "reviews", "accounts"])
def test_each_part_of_a_damaged_case_says_that_the_record_is_damaged(
    backend: Backend, collection: str
) -> None:
    two = TwoAccounts(backend)
    store = backend.services.store
    spot = two.ada.call("GET", "/lesions").get_json()[0]["id"]
    [stored] = store.collection("submissions").find({"lesion": spot})
    review = store.collection("reviews").find({"submission": stored["id"]})[0]
    record, field = {
        "submissions": (stored["id"], "level"),
        "reviews": (review["id"], "opinion"),
        "accounts": (stored["owner"], "created_at"),
    }[collection]
    store.collection(collection).update({"id": record}, {"$unset": {field: True}})
    path = f"/submissions/{stored['number']}"
    answers = [
        two.grace.call("GET", path + part)
        for part in ("", "/report.json", "/case", "/reviews", "/photo", "/letters")
    ]
    codes = {item.get_json().get("code") for item in answers if item.status_code >= 500}
    assert codes == {"record_damaged"}
