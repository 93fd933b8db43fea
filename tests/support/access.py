"""Which status each role gets at every route, one row for each. A route without a row fails the
tests.

A row's letters stand for PEOPLE in their order: o(k), u(nauthenticated, 401), f(orbidden, 403),
n(ot found, 404). Every path names what belongs to Ada, the `user`.
"""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from skinapi.accounts.auth.second_factor import code_at, hash_recovery_code, step_of
from skinapi.findings.records.readers import LIFE, BreakGlass
from skinapi.findings.records.submission import NewFinding
from skinapi.findings.records.submissions import Submissions
from skinapi.integrations.dicom.archive import ARCHIVE
from skinapi.integrations.dicom.study import study_uid
from skinapi.integrations.patients import PATIENTS
from skinapi.integrations.webhooks.endpoints import Endpoint
from skinapi.lab.datasets.dataset_images import DatasetImages
from skinapi.lab.uploads import Announced
from skinapi.model.conditions import Band
from skinapi.model.context import Context
from skinapi.platform.storage.ids import new_id, now
from skinapi.privacy.erasure.people_to_reach import KEPT_FOR, FindingToTell, PersonToReach, Why
from skinapi.privacy.person_file.stored_files import PersonFile
from tests.integrations.clients.dialects import base64_of
from tests.integrations.fhir import orders
from tests.lab.sending import labelled, publish_one, zipped
from tests.support.backends import PASSWORD, Backend, Person
from tests.support.dicom import sends_dicom
from tests.support.findings import finding_of
from tests.support.models import write_model
from tests.support.photos import photo_of

PEOPLE = (
    "anonymous",
    "waiting",
    "user",
    "other user",
    "doctor",  # Ada is in this one's care
    "other doctor",
    "second opinion",  # Ada's doctor has asked this one about the finding
    "researcher",
    "admin",
    "suspended",
    "deleted",
)
# An admin who has broken the glass of the sample finding. Gets what an admin gets, and OPENED.
GRANTED = "admin with a grant"
OPENED = {
    "show_submission",
    "show_photo",
    "show_thumbnail",
    "show_heatmap",
    "list_reviews",
    "list_letters",
    "show_report",
    "show_report_json",
    "show_report_html",
    "show_report_pdf",
}
ANYONE = "ooooooooooo"
ANY_ACCOUNT = "uoooooooouu"
APPROVED = "ufooooooouu"
ADMINS = "ufffffffouu"
LAB = "uffffffoouu"
STAFF = "ufffooooouu"
RESEARCHER = "uffffffonuu"  # what is the researcher's own
IN_CARE = "ufonononnuu"
CONVERSATION = "ufononnnnuu"  # its two sides
OWNER = "ufonnnnnnuu"
DOCTORS = "ufffoooffuu"
TELLERS = "ufffooofouu"
DOCTOR_WHO_TELLS = "ufffonnfnuu"
DOCTOR_IN_CARE = "ufffonnffuu"
TO_REVIEW = "ufffonoffuu"
IN_CHARGE = "ufffonfffuu"  # not who sees the finding for a second opinion
NO_PROVIDER = "nnnnnnnnnnn"  # of the clinic's log-in: tests/integrations/oidc has one
NO_LOG_IN = "fffffffffff"
# A clinic's key sends for each; what a test key sends is nobody's.
ANY_PATIENT = {"clinic-wide": "o", "test": "o"}
PHOTO = photo_of("melanoma")
KEY = {"name": "mine", "scopes": ["findings:read"], "current_password": PASSWORD}
NOT_ITS_OWN = {"clinic-wide": "n"}  # it is in the lab, and did not begin the job
WEBHOOK_URL = "https://example.org/hooks"
WEBHOOK = {"url": WEBHOOK_URL, "events": ["job.ended"]}
# The kept photo of the sample finding.
SERIES = "/dicom/studies/{study}/series/{study}.1"
INSTANCE = f"{SERIES}/instances/{{study}}.1.1.1"
Options = dict[str, Any]


class SampleAccounts:
    """Everybody once, and what Ada has: a finding, a photo, a session."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.people: dict[str, Person | None] = {"anonymous": None}
        self.caller: Person | None = None  # who asks
        self.scope = "findings:read"  # of the key with which a program asks
        self.people["doctor"] = doctor = backend.member(role="doctor")
        self.people["other doctor"] = backend.member(role="doctor")
        self.people["second opinion"] = backend.member(role="doctor")
        self.people["user"] = ada = backend.member(doctor_id=backend.account(doctor.email).id)
        self.people["other user"] = backend.member()
        self.people["waiting"] = backend.member(status="waiting")
        self.people["researcher"] = researcher = backend.member(role="researcher")
        self.people["admin"] = backend.member(role="admin")
        self.people["suspended"] = suspended = backend.member()
        self.people["deleted"] = deleted = backend.member()
        backend.services.admin.suspend_account(email=suspended.email, by="system")
        gone = backend.account(deleted.email).id
        backend.services.admin.delete_user(email=deleted.email, by="system")
        backend.app.background.erasure.make_pass()
        self.named = {
            "email": backend.member(status="waiting").email,
            "doctor": backend.member(role="doctor").email,
            "number": str(self._submission(backend.account(ada.email).id)),
            "patient": backend.account(ada.email).id,
            "job": backend.services.jobs.submit(
                kind="train",
                owner=backend.account((self.people["researcher"] or doctor).email).id,
                request={},
            ).id,
            "lesion": self._lesion(ada),
            "key": self.key(ada, "findings:read"),
            "session": backend.services.data.sessions.open(backend.account(ada.email))[0].id,
            "new name": f"ham-{new_id()}",  # a data set's name belongs to its first account
            "receipt": self.receipt_of(gone),
            "person to reach": self._person_to_reach(gone, backend.account(doctor.email).id),
            "upload": self._upload(researcher, "a.jpg"),
            "network": self._upload(researcher, "mine.keras"),
            **self._dataset(),
        }
        found = backend.services.data.submissions.find_by_number(int(self.named["number"]))
        assert found
        self.named["study"] = study_uid(found.id)
        self.named["webhook"] = self.set_webhook()
        self.named["delivery"] = backend.services.integrations.webhooks.send_test(
            webhook=self.named["webhook"], by="system"
        )
        self.named["archive delivery"] = backend.services.store.transaction(
            lambda: backend.services.data.deliveries.add(ARCHIVE, to=ARCHIVE, about={})
        )
        self.named["letter"] = self.draft_letter()
        self.named["signed letter"] = self.sign_another_letter()
        self.ask_colleague()
        self.named["message"] = self._message(doctor, self.named["lesion"])
        self.people[GRANTED] = backend.member(role="admin")
        self.named["grant"] = self.break_glass(GRANTED)
        self.named["unchosen grant"] = self.break_glass("admin", chosen=False)

    def break_glass(self, who: str, *, chosen: bool = True) -> str:
        """A grant of this admin, for the sample finding."""
        found = self.backend.services.data.submissions.find_by_number(int(self.named["number"]))
        admin = self.people[who]
        assert found
        assert admin
        account, moment = self.backend.account(admin.email).id, now()
        grant = BreakGlass(
            id=new_id(),
            created_at=moment,
            ends_at=moment + LIFE,
            admin=account,
            reason="for the access matrix",
            owner=found.owner,
            finding=found.id if chosen else None,
            number=found.number if chosen else None,
            open_by=account,
        )
        return self.backend.services.data.break_glass.insert(grant).id

    def _person_to_reach(self, account: str, doctor: str) -> str:
        finding = FindingToTell(
            number=1, found_at=now(), why=Why.HELD, label="melanoma", urgency=Band.URGENT_REFERRAL
        )
        person = PersonToReach(
            id=new_id(),
            created_at=now(),
            account=account,
            name="Ada",
            email="ada@example.org",
            doctor=doctor,
            findings=(finding,),
            expires_at=now() + KEPT_FOR,
        )
        self.backend.services.data.people_to_reach.insert(person)
        return person.id

    def end_grant(self, grant: str) -> None:
        data = self.backend.services.data
        found = data.break_glass.find(grant)
        assert found
        data.work.run(lambda _: data.break_glass.end(found, "closed"))

    def receipt_of(self, erased: str) -> str:
        """The code of the receipt of this account's erasure."""
        (receipt,) = self.backend.services.store.collection("erasure_receipts").find(
            {"account": erased}, sort="-id", limit=1
        )
        return str(receipt["code"])

    def set_webhook(self) -> str:
        """The same for all: few can be set."""
        webhooks, identifier = self.backend.services.integrations.webhooks, "1" * 32
        if webhooks.endpoints.find(identifier) is None:
            endpoint = Endpoint(
                id=identifier,
                created_at=now(),
                url=WEBHOOK_URL,
                events=(),
                secret=webhooks.secrets.next(),
            )
            webhooks.endpoints.insert(endpoint)
        return identifier

    def _dataset(self) -> dict[str, str]:
        """A published data set of nobody here, with one image, and an upload of the researcher."""
        image = publish_one(
            # Not made anew: mongomock would refuse the unique index over what is there.
            self.backend.services.lab.datasets.data.datasets,
            DatasetImages(self.backend.services.store),
            PHOTO,
            owner=new_id(),
            name=f"moles {new_id()}",
        )
        return {"dataset": image.dataset, "image": image.id}

    def _upload(self, owner: Person, name: str) -> str:
        """An upload of this person, with all of its bytes."""
        # Not made anew, as above.
        uploads = self.backend.services.lab.datasets.data.uploads
        account = self.backend.account(owner.email).id
        upload = uploads.begin(Announced(owner=account, name=name, size=len(PHOTO)))
        return uploads.add_part(upload, offset=0, content=PHOTO).id

    @staticmethod
    def key(owner: Person, *scopes: str) -> str:
        """The id of a key of this person."""
        body = {"name": "sample", "scopes": scopes, "current_password": PASSWORD}
        key: str = owner.call("POST", "/keys", json=body).get_json()["_id"]
        return key

    def sort_sample(self) -> "Options":
        """The sample spot has the sample finding."""
        found = self.backend.services.data.submissions.find_by_number(int(self.named["number"]))
        assert found
        findings = self.backend.services.lesions.spots
        findings.put(found.id, self.named["lesion"])
        return {}

    def sort_two(self) -> "Options":
        """The sample spot has the sample finding, and a second one."""
        self.sort_sample()
        owner = self.backend.services.data.submissions.find_by_number(int(self.named["number"]))
        assert owner
        numbers = int(self.named["number"]), self._submission(owner.owner, self.named["lesion"])
        return {"query_string": dict(zip(("first", "second"), numbers, strict=True))}

    def another_lesion(self) -> str:
        return self._lesion(self.people["user"] or Person(self.backend.client, ""))

    def draft_letter(self) -> str:
        """Of the doctor, about the sample finding."""
        doctor = self.people["doctor"] or Person(self.backend.client, "")
        path = f"/submissions/{self.named['number']}/letters"
        letter: str = doctor.call("POST", path, json={"reader": "patient"}).get_json()["_id"]
        return letter

    def sign(self, letter: str) -> "Options":
        """With the decision as its doctor is shown it."""
        doctor = self.people["doctor"] or Person(self.backend.client, "")
        drafts = doctor.call("GET", f"/submissions/{self.named['number']}/letters").get_json()
        decision = next(draft["decision"] for draft in drafts if draft["_id"] == letter)
        text = "Dear Ada,\nPlease see a doctor this week."
        return {"json": {"text": text, "version": 1, "decision": decision}}

    def sign_another_letter(self) -> str:
        """Of the doctor, after a review."""
        doctor = self.people["doctor"] or Person(self.backend.client, "")
        body = {"label": "melanoma", "certainty": "sure"}
        doctor.call("POST", f"/submissions/{self.named['number']}/review", json=body)
        letter = self.draft_letter()
        answer = doctor.call("POST", f"/letters/{letter}/sign", **self.sign(letter))
        assert answer.status_code == 200, answer.text
        return letter

    def stays(self) -> "Options":
        """The account that stays where Ada's is joined to another one."""
        return {"json": {"into": self.backend.member().email}}

    def right_patient(self) -> "Options":
        """Another patient of the doctor in charge of the sample finding."""
        doctor = self.people["doctor"]
        assert doctor
        if "right" not in self.named:
            right = self.backend.member(doctor_id=self.backend.account(doctor.email).id)
            self.named["right"] = self.backend.account(right.email).id
        return {"json": {"reason": "of Bob", "patient": self.named["right"]}}

    def ask_colleague(self) -> "Options":
        """The sample finding is nobody's, and its doctor asks for a second opinion."""
        doctor, colleague = (self.people[who] for who in ("doctor", "second opinion"))
        assert doctor
        assert colleague
        path, body = f"/submissions/{self.named['number']}", {"colleague": colleague.email}
        for person in (doctor, colleague):
            person.call("DELETE", f"{path}/case")
        assert doctor.call("PUT", f"{path}/second-opinion", json=body).status_code == 200
        return {"json": body}

    def withdraw_model(self) -> Options:
        """A version that was rolled back."""
        move = {"action": "rollback", "previous": "withdrawn", "by": "-", "changed_at": now()}
        serving = self.backend.services.store.collection("serving")
        before = serving.get("model")  # other rows may have put a version into service
        if before is None:
            fields = {"id": "model", "schema": 1, "created_at": now(), "revision": 1}
            serving.insert({**fields, "moves": [move]})
        else:
            serving.update({"id": "model"}, {"$set": {"moves": [*before["moves"], move]}})
        return {}

    def replace_model(self) -> Options:
        """The sample finding is of another version than the one in service, and has its photo."""
        submissions = self.backend.services.store.collection("submissions")
        (found,) = submissions.find({"number": int(self.named["number"])})
        finding = {**found["finding"], "model_version": "before"}
        blob = self.backend.services.store.blobs.put(PHOTO)
        submissions.update({"id": found["id"]}, {"$set": {"finding": finding, "photo_blob": blob}})
        return {}

    def _message(self, author: Person, lesion: str) -> str:
        """Only Ada may report what her doctor wrote."""
        path = f"/lesions/{lesion}/messages"
        message: str = author.call("POST", path, json={"text": "hello"}).get_json()["_id"]
        return message

    def _lesion(self, owner: Person) -> str:
        answer = owner.call("POST", "/lesions", json={"place": {"site": "back"}})
        lesion: str = answer.get_json()["id"]
        return lesion

    def choose_reference(self) -> "Options":
        """The sample data set as the reference: only that can be ended."""
        self.backend.services.lab.datasets.data.datasets.set_reference(self.named["dataset"])
        return {}

    def end_job(self) -> "Options":
        """The sample job, ended as only such a job can be started again."""
        jobs = self.backend.services.jobs
        jobs.cancel(job_id=self.named["job"], owner=None, by="system")
        return {}

    def _submission(self, owner: str, lesion: str | None = None) -> int:
        blobs = self.backend.services.store.blobs
        submissions = Submissions(self.backend.services.store)
        new = NewFinding(
            owner=owner,
            finding=finding_of(),
            context=Context(),
            language="en",
            sections=dict.fromkeys(SECTIONS, "said"),
            narrative_source={"writer": "template"},
            lesion=lesion,
            key=new_id(),
            blobs=(blobs.put(PHOTO),),
        )
        return submissions.add(new, number=submissions.take_number(), doctor=None).number

    def refresh_token(self) -> str:
        account = self.backend.account(
            (self.people["user"] or Person(self.backend.client, "")).email
        )
        return self.backend.services.data.sessions.open(account, renews=True)[1] or ""


def password_link(accounts: SampleAccounts) -> Options:
    """A link of somebody else: it can be used once."""
    email = accounts.backend.member().email
    link, _ = accounts.backend.services.recovery.hand_link(email=email, by="system")
    return {"json": {"token": link.rpartition("/")[2], "new_password": "another horse"}}


RECOVERY_CODE = "abcd-efgh-jkmn-pqrs"


def add_factor(accounts: SampleAccounts, email: str, *, confirmed: bool) -> None:
    factor = {"salt": "", "confirmed": confirmed, "recovery": [hash_recovery_code(RECOVERY_CODE)]}
    accounts.backend.edit(email, second_factor=factor)
    account = accounts.backend.account(email)
    sessions = accounts.backend.services.store.collection("sessions")
    sessions.update_all({"account": account.id}, {"$set": {"factor_given": True}})


def first_code(accounts: SampleAccounts) -> Options:
    """Of the caller, who has asked for a secret."""
    backend, caller = accounts.backend, accounts.caller
    account = backend.services.data.accounts.find_by_email(caller.email) if caller else None
    if account is None:
        return {"json": {"code": "000000"}}
    add_factor(accounts, account.email, confirmed=False)
    account = backend.account(account.email)
    assert account.second_factor
    secret, *_ = backend.services.second_factor._secrets(account, account.second_factor)
    return {"json": {"code": code_at(secret, step_of(now()))}}


def recovery_code(accounts: SampleAccounts) -> Options:
    """Of the caller, who has a second factor."""
    caller = accounts.caller
    if caller and accounts.backend.services.data.accounts.find_by_email(caller.email):
        add_factor(accounts, caller.email, confirmed=True)
    return {"json": {"current_password": PASSWORD, "code": RECOVERY_CODE}}


def nobody_needs_the_caller(accounts: SampleAccounts) -> Options:
    """No patient of the caller is left, and there is another admin."""
    accounts.backend.member(role="admin")
    if accounts.caller is accounts.people["doctor"]:
        email = (accounts.people["user"] or Person(accounts.backend.client, "")).email
        if accounts.backend.services.data.accounts.find_by_email(email):
            accounts.backend.services.decisions.assign_doctor(email=email, doctor=None, by="system")
    return {"json": {"current_password": PASSWORD}}


def deletion_waits(accounts: SampleAccounts) -> Options:
    """The caller has asked for it."""
    caller, backend = accounts.caller, accounts.backend
    if caller and backend.services.data.accounts.find_by_email(caller.email):
        backend.edit(caller.email, deletion_due_at=now() + timedelta(days=1))
    return {}


def own_file(accounts: SampleAccounts) -> Options:
    """The caller has a file to fetch."""
    services, caller = accounts.backend.services, accounts.caller
    found = services.data.accounts.find_by_email(caller.email) if caller else None
    if found:
        _make_file(accounts, found.id)
    return {}


def _make_file(accounts: SampleAccounts, account: str) -> None:
    files = accounts.backend.services.store.collection("person_files")
    files.delete({"id": account})
    until = now() + timedelta(days=1)
    file = PersonFile(id=account, created_at=now(), file="0" * 32, state="ready", expires_at=until)
    files.insert(file.stored())


EXTERNAL = f"hospital@{PATIENTS}"
FILE_OF_PATIENT = f"/users/{EXTERNAL}/file"


def external_patient(accounts: SampleAccounts, *, file: bool = False) -> Options:
    """One whom another system has sent, under the number 4711."""
    services = accounts.backend.services
    found = services.data.accounts.find_by_email(EXTERNAL)
    if found is None:
        number, *_ = services.integrations.patients.hashes_of("patient", "urn:x", "4711")
        accounts.backend.member(EXTERNAL, password_hash="", external=number)
        found = accounts.backend.account(EXTERNAL)
    services.store.collection("person_files").delete({"id": found.id})
    if file:
        _make_file(accounts, found.id)
    return {"json": {"system": "urn:x", "value": "4711"}}


def file_of_patient(accounts: SampleAccounts) -> Options:
    external_patient(accounts, file=True)
    return {}


def no_file_of_patient(accounts: SampleAccounts) -> Options:
    external_patient(accounts)
    return {"json": {"current_password": PASSWORD}}


def factor_of_ada(accounts: SampleAccounts) -> Options:
    add_factor(accounts, accounts.named["email"], confirmed=True)
    return {}


SECTIONS = (
    "overview", "importance_of_early_detection", "recommendation", "confidence_explanation"
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """`keyed` is for routes whose answer is another to a key than to its owner: by the callers of
    tests/integrations/test_key_access.py.
    """

    path: str
    who: str
    options: Callable[[SampleAccounts], Options] = lambda _: {}
    keyed: Mapping[str, str] = field(default_factory=dict)


def sends(body: dict[str, Any]) -> Callable[[SampleAccounts], Options]:
    return lambda _: {"json": dict(body)}


def chosen(**body: Any) -> Callable[[SampleAccounts], Options]:
    """One account that waits, beside the rest of a body."""

    def options(accounts: SampleAccounts) -> Options:
        waiting = accounts.backend.member(status="waiting")
        return {"json": {"accounts": [accounts.backend.account(waiting.email).id], **body}}

    return options


def new_account(_: SampleAccounts) -> Options:
    return {"json": {"name": "A", "email": f"{new_id()}@example.org", "password": PASSWORD}}


def a_form(_: SampleAccounts) -> Options:
    return {"data": {"logout_token": "a token"}}


def no_body(_: Options) -> Options:
    return {}


def fhir_order(whole: bool) -> Callable[[SampleAccounts], Options]:
    """An order of Ada's photo, alone or in a transaction."""

    def options(accounts: SampleAccounts) -> Options:
        subject = {"reference": f"Patient/{accounts.named['patient']}"}
        order = orders.request(new_id(), subject=subject)
        if whole:
            media = [orders.media(id="m")]
            info = [{"reference": "#m"}]
            return {"json": {**order, "contained": media, "supportingInfo": info}}
        sent = orders.entry(orders.media(), orders.MEDIA_URL), orders.entry(order)
        return {"json": orders.bundle(*sent)}

    return options


def fhir_patient(accounts: SampleAccounts) -> Options:
    own = [{"system": "urn:skinapi:accounts", "value": accounts.named["patient"]}]
    return {"json": orders.patient(identifier=own)}


def photo(field: str) -> Callable[[SampleAccounts], Options]:
    return lambda _: {"data": {field: (io.BytesIO(PHOTO), "lesion.jpg")}}


def candidate(version: str, body: dict[str, Any] | None) -> Callable[[SampleAccounts], Options]:
    """Sends the body, none without one, and has a stored model of this version."""

    def options(accounts: SampleAccounts) -> Options:
        add_model(accounts.backend, version)
        return {} if body is None else {"json": dict(body)}

    return options


def some_shadow(accounts: SampleAccounts) -> Options:
    """A model that judges in the background."""
    add_model(accounts.backend, "ended")
    models = accounts.backend.services.models
    if models.pointer.read().shadow != "ended":
        models.start_shadow(version="ended", by="system")
    return {}


def something_served(accounts: SampleAccounts) -> Options:
    """There is a model to go back from."""
    backend = accounts.backend
    add_model(backend, "left")
    models = backend.services.models
    if models.serving_version() != "left":
        models.promote(version="left", by="system", override=True, reason="for the access matrix")
    return {"json": {}}


def add_model(backend: Backend, version: str) -> None:
    versions = backend.services.models.versions
    if versions.find(version) is None:
        with TemporaryDirectory() as folder:
            versions.register(write_model(Path(folder) / version, version), created_by="system")


def glass_of_ada(accounts: SampleAccounts) -> Options:
    """Of the sample finding, by a caller who has broken no other glass."""
    accounts.end_grant(accounts.named["unchosen grant"])
    number = int(accounts.named["number"])
    reason = "Ada cannot be reached, and her doctor neither"
    return {"json": {"number": number, "reason": reason, "current_password": PASSWORD}}


def some_webhook(accounts: SampleAccounts) -> Options:
    accounts.set_webhook()
    return {}


ROWS: dict[str, Row] = {
    # the server
    "front_door": Row("/", ANYONE),
    "say_alive": Row("/healthz", ANYONE),
    "say_ready": Row("/readyz", ANYONE),
    "show_openapi": Row("/openapi.json", ANYONE),
    "show_docs": Row("/docs", ANYONE),
    "show_metrics": Row("/metrics", ADMINS),
    "show_password_page": Row("/password", ANYONE),
    "show_asset": Row("/console/style.css", ANYONE),
    "show_embed_page": Row("/embed", ANYONE),
    "show_embed_colours": Row("/embed/colours.css", ANYONE),
    "say_health": Row("/api/health", ANYONE),
    "show_model_card": Row("/model-card", ANYONE),
    "show_conditions": Row("/conditions", ANYONE),
    "show_sample": Row("/sample", ANYONE),
    # FHIR
    "show_capabilities": Row("/fhir/metadata", ANYONE),
    "search_resources": Row("/fhir/DiagnosticReport", APPROVED),
    "search_by_form": Row("/fhir/Patient/_search", APPROVED, lambda _: {"data": {"_count": "1"}}),
    "read_resource": Row("/fhir/DiagnosticReport/{number}", IN_CARE),
    "read_everything": Row("/fhir/Patient/{patient}/$everything", CONVERSATION),
    "take_bundle": Row("/fhir", OWNER, fhir_order(whole=False), ANY_PATIENT),
    "take_request": Row("/fhir/ServiceRequest", OWNER, fhir_order(whole=True), ANY_PATIENT),
    "take_patient": Row("/fhir/Patient", OWNER, fhir_patient, {"clinic-wide": "o"}),
    # model versions
    "list_models": Row("/models", LAB),
    "show_model": Row("/models/tiny-1", LAB),
    "show_version_card": Row("/models/tiny-1/card", LAB),
    "compare_models": Row("/models/compare?first=tiny-1&second=tiny-1", LAB),
    "import_model": Row(
        "/models",
        RESEARCHER,
        lambda accounts: {
            "json": {
                "upload": accounts.named["network"],
                "labels": ["mel", "nv"],
                "scaling": "tf",
            }
        },
    ),
    "promote_model": Row(
        "/models/promoted/promote",
        ADMINS,
        candidate("promoted", {"override": True, "reason": "for the access matrix"}),
    ),
    "roll_back_model": Row("/models/rollback", ADMINS, something_served),
    "retire_model": Row("/models/retired/retire", ADMINS, candidate("retired", {})),
    "delete_model": Row("/models/deleted", ADMINS, candidate("deleted", None)),
    "start_shadow": Row("/models/shadow/shadow", ADMINS, candidate("shadow", None)),
    "end_shadow": Row("/models/ended/shadow", ADMINS, some_shadow),
    "show_shadow": Row("/models/tiny-1/shadow", LAB),
    "list_disagreements": Row("/models/tiny-1/disagreements", LAB),
    "show_drift": Row("/drift", LAB),
    "show_operating_point": Row("/models/operating-point", STAFF),
    "choose_operating_point": Row(
        "/models/operating-point",
        ADMINS,
        lambda _: {"json": {"operating_point": "standard"}},
    ),
    "list_models_for_lab": Row("/api/models", LAB),
    # accounts
    "register": Row("/register", ANYONE, new_account),
    "log_in": Row(
        "/login",
        ANYONE,
        lambda accounts: {"json": {"email": accounts.named["doctor"], "password": PASSWORD}},
    ),
    "replace_password": Row(
        "/password",
        ANYONE,
        lambda accounts: {
            "json": {
                "email": accounts.backend.member().email,
                "current_password": PASSWORD,
                "new_password": "another horse",
            }
        },
    ),
    "ask_for_link": Row(
        "/password/forgotten",
        ANYONE,
        lambda accounts: {"json": {"email": accounts.backend.member().email}},
    ),
    "set_password": Row("/password/reset", ANYONE, password_link),
    "hand_link": Row("/users/{email}/password-link", ADMINS),
    "refresh": Row(
        "/auth/refresh",
        ANYONE,
        lambda accounts: {"json": {"refresh_token": accounts.refresh_token()}},
    ),
    "log_out": Row("/auth/logout", ANY_ACCOUNT),
    "show_me": Row("/me", ANY_ACCOUNT),
    "change_password": Row(
        "/me/password",
        APPROVED,
        sends({"current_password": PASSWORD, "new_password": "another horse"}),
    ),
    "show_consents": Row("/me/consents", APPROVED),
    "set_consents": Row("/me/consents", APPROVED, sends({"photos": True})),
    "change_locale": Row("/me/locale", APPROVED, sends({"locale": "fr"})),
    "set_notices": Row("/me/notices", APPROVED, sends({"mail": False})),
    "delete_me": Row("/me", APPROVED, nobody_needs_the_caller),
    "show_deletion": Row("/me/deletion", APPROVED),
    "take_deletion_back": Row("/me/deletion", APPROVED, deletion_waits),
    "verify_receipt": Row(f"/receipts/verify/{'0' * 32}", ANYONE),
    "list_erasures": Row("/erasures", ADMINS),
    "list_people_to_reach": Row("/people-to-reach", TELLERS),
    "mark_person_reached": Row("/people-to-reach/{person to reach}/done", DOCTOR_WHO_TELLS),
    "list_waiting_erasures": Row("/erasures/waiting", ADMINS),
    "summarise_data": Row("/me/data/summary", APPROVED),
    "ask_for_file": Row("/me/file", APPROVED, sends({"current_password": PASSWORD})),
    "show_file": Row("/me/file", APPROVED),
    "delete_file": Row("/me/file", APPROVED, own_file),
    "fetch_file": Row("/me/file/download", APPROVED, own_file),
    "find_external_patient": Row("/patients/external/find", ADMINS, external_patient),
    "ask_for_file_of_patient": Row(FILE_OF_PATIENT, ADMINS, no_file_of_patient),
    "show_file_of_patient": Row(FILE_OF_PATIENT, ADMINS, file_of_patient),
    "delete_file_of_patient": Row(FILE_OF_PATIENT, ADMINS, file_of_patient),
    "fetch_file_of_patient": Row(f"{FILE_OF_PATIENT}/download", ADMINS, file_of_patient),
    "show_signing_key": Row("/signing-key", ANYONE),
    "begin_second_factor": Row(
        "/me/second-factor", APPROVED, sends({"current_password": PASSWORD})
    ),
    "confirm_second_factor": Row("/me/second-factor/confirm", APPROVED, first_code),
    "remove_second_factor": Row("/me/second-factor/remove", APPROVED, recovery_code),
    "begin_clinic_log_in": Row("/auth/oidc/hospital/start", NO_PROVIDER, sends({})),
    "take_answer_of_provider": Row("/auth/oidc/hospital/callback", NO_PROVIDER),
    "finish_clinic_log_in": Row("/auth/oidc/finish", NO_LOG_IN, sends({})),
    "list_readers": Row("/me/readers", APPROVED),
    "list_own_break_glass": Row("/me/break-glass", APPROVED),
    "count_untold_break_glass": Row("/me/break-glass/untold", APPROVED),
    "mark_break_glass_told": Row("/me/break-glass/told", APPROVED),
    "log_out_by_provider": Row("/auth/oidc/hospital/logout", NO_PROVIDER, a_form),
    "list_sessions": Row("/me/sessions", APPROVED),
    "end_session": Row("/me/sessions/{session}", OWNER),
    # keys of programs
    "list_keys": Row("/keys", APPROVED),
    "make_key": Row("/keys", APPROVED, sends(KEY)),
    "revoke_key": Row("/keys/{key}", OWNER),
    "show_current_key": Row(
        "/keys/current",
        APPROVED.replace("o", "n"),  # a token is none
        keyed={"session": "n", "other session": "n", "*": "o"},
    ),
    "show_session_key": Row(
        "/keys/sessions/current",
        APPROVED.replace("o", "n"),  # a token is none
        keyed={"session": "o", "other session": "o", "*": "n"},
    ),
    "make_session_key": Row(
        "/keys/sessions",
        APPROVED.replace("o", "f"),  # with a key that makes such keys alone
        lambda accounts: {"json": {"scope": accounts.scope, "patient": accounts.named["patient"]}},
        keyed={"clinic-wide": "o", "user": "o", "session": "f", "other session": "f", "*": "n"},
    ),
    "list_all_keys": Row("/admin/keys", ADMINS),
    "make_clinic_key": Row("/admin/keys", ADMINS, sends(KEY)),
    "revoke_any_key": Row("/admin/keys/{key}", ADMINS),
    "find_or_add_patient": Row(
        "/patients/external",
        APPROVED.replace("o", "f"),  # with a clinic-wide key alone
        sends({"system": "urn:oid:2.999", "value": "4711"}),
        keyed={"clinic-wide": "o", "*": "f"},
    ),
    # the admins' desk
    "list_accounts": Row("/accounts", ADMINS),
    "list_users": Row("/users", ADMINS),
    "delete_user": Row("/users/{email}", ADMINS, sends({})),
    "count_waiting": Row("/accounts/waiting", ADMINS),
    "approve_accounts": Row("/accounts/approvals", ADMINS, chosen()),
    "refuse_accounts": Row("/accounts/refusals", ADMINS, chosen(reason="wrong_role")),
    "reopen_accounts": Row("/accounts/waiting", ADMINS, chosen()),
    "approve_user": Row("/users/{email}/approve", ADMINS, sends({})),
    "unapprove_user": Row("/users/{email}/unapprove", ADMINS),
    "change_role": Row("/users/{email}/role", ADMINS, sends({"role": "admin"})),
    "suspend_user": Row("/users/{email}/suspend", ADMINS),
    "join_accounts": Row("/users/{email}/join", ADMINS, lambda accounts: accounts.stays()),
    "reset_password": Row("/users/{email}/reset-password", ADMINS),
    "reset_second_factor": Row("/users/{email}/second-factor", ADMINS, factor_of_ada),
    "allow_provider": Row("/users/{email}/provider", ADMINS, sends({"provider": None})),
    "list_providers": Row("/integrations/oidc", ADMINS),
    "assign_doctor": Row("/users/{email}/doctor", ADMINS, sends({"doctor": None})),
    "list_doctors": Row("/doctors", ADMINS),
    "add_doctor": Row("/doctors", ADMINS, new_account),
    "delete_doctor": Row("/doctors/{doctor}", ADMINS),
    # break-glass
    "break_glass": Row("/break-glass", ADMINS, glass_of_ada),
    "list_break_glass": Row("/break-glass", ADMINS),
    "choose_finding": Row(
        "/break-glass/{unchosen grant}/finding",
        ADMINS,
        lambda accounts: {"json": {"number": int(accounts.named["number"])}},
    ),
    "close_break_glass": Row("/break-glass/{grant}", ADMINS),
    # retention
    "show_retention": Row("/retention", ADMINS),
    "preview_retention": Row("/retention/preview?kind=photos&days=365", ADMINS),
    "pause_retention": Row("/retention/pause", ADMINS, sends({"reason": "a law suit"})),
    "resume_retention": Row("/retention/pause", ADMINS),
    "hold_patient": Row("/retention/holds/{patient}", ADMINS, sends({"reason": "a law suit"})),
    "release_patient": Row("/retention/holds/{patient}", ADMINS),
    # webhooks
    "list_webhooks": Row("/webhooks", ADMINS),
    "add_webhook": Row("/webhooks", ADMINS, sends(WEBHOOK)),
    "change_webhook": Row("/webhooks/{webhook}", ADMINS, sends(WEBHOOK)),
    "rotate_webhook_secret": Row("/webhooks/{webhook}/secret", ADMINS),
    "send_webhook_test": Row("/webhooks/{webhook}/test", ADMINS),
    "list_webhook_deliveries": Row("/webhooks/{webhook}/deliveries", ADMINS, some_webhook),
    "send_webhook_again": Row("/webhooks/{webhook}/deliveries/{delivery}/again", ADMINS),
    "delete_webhook": Row("/webhooks/{webhook}", ADMINS),
    "read_audit": Row("/audit", ADMINS),
    "follow_audit": Row(
        "/audit", ADMINS, lambda _: {"headers": {"Accept": "application/x-ndjson"}}
    ),
    "export_audit": Row("/audit/export", ADMINS),
    "show_overview": Row("/admin/overview", ADMINS),
    "show_usage": Row("/admin/usage", ADMINS),
    "show_outcomes": Row("/outcomes", TELLERS),
    # findings
    "predict": Row("/predict", APPROVED, photo("image")),
    "list_submissions": Row("/submissions", APPROVED),
    "show_submission": Row("/submissions/{number}", IN_CARE),
    "show_photo": Row("/submissions/{number}/photo", IN_CARE),
    "show_thumbnail": Row("/submissions/{number}/thumbnail", IN_CARE),
    "show_heatmap": Row("/submissions/{number}/heatmap", IN_CARE),
    "delete_submission": Row("/submissions/{number}", OWNER),
    "add_review": Row(
        "/submissions/{number}/review",
        "uffnononnuu",
        sends({"label": "melanoma", "agreement": "agree"}),
    ),
    "end_hold": Row("/submissions/{number}/hold", "uffnonfnnuu"),
    "enter_in_error": Row(
        "/submissions/{number}/entered-in-error", "ufffonffouu", sends({"reason": "of Bob"})
    ),
    "move_submission": Row(
        "/submissions/{number}/move", "ufffonffouu", lambda accounts: accounts.right_patient()
    ),
    "list_errors": Row("/submissions/entered-in-error", APPROVED),
    "show_case": Row("/submissions/{number}/case", TO_REVIEW),
    "take_unassigned_patient": Row("/patients/{patient}/doctor", DOCTOR_IN_CARE),
    "take_case": Row(
        "/submissions/{number}/case", TO_REVIEW, lambda accounts: no_body(accounts.ask_colleague())
    ),
    "give_back_case": Row("/submissions/{number}/case", TO_REVIEW),
    "ask_colleague": Row(
        "/submissions/{number}/second-opinion", IN_CHARGE, lambda accounts: accounts.ask_colleague()
    ),
    "withdraw_request": Row(
        "/submissions/{number}/second-opinion",
        TO_REVIEW,
        lambda accounts: no_body(accounts.ask_colleague()),
    ),
    "close_opinion": Row("/submissions/{number}/second-opinion/answer", IN_CHARGE),
    "list_colleagues": Row("/colleagues", DOCTORS),
    "count_queue": Row("/queue/counts", DOCTORS),
    "count_second_opinions": Row("/second-opinions", DOCTORS),
    "list_withdrawn_models": Row("/withdrawn-models", DOCTORS),
    "list_withdrawn_findings": Row(
        "/withdrawn-models/withdrawn/submissions",
        DOCTORS,
        lambda accounts: accounts.withdraw_model(),
    ),
    "judge_again": Row(
        "/submissions/{number}/judge-again", IN_CHARGE, lambda accounts: accounts.replace_model()
    ),
    "draft_letter": Row("/submissions/{number}/letters", IN_CHARGE, sends({"reader": "colleague"})),
    "list_letters": Row("/submissions/{number}/letters", IN_CARE),
    "list_spot_letters": Row(
        "/lesions/{lesion}/letters", IN_CARE, lambda accounts: accounts.sort_sample()
    ),
    "change_letter": Row(
        "/letters/{letter}", DOCTOR_IN_CARE, sends({"text": "Dear Ada,", "version": 1})
    ),
    "sign_letter": Row(
        "/letters/{letter}/sign",
        DOCTOR_IN_CARE,
        lambda accounts: accounts.sign(accounts.named["letter"]),
    ),
    "withdraw_letter": Row(
        "/letters/{signed letter}/withdrawal", IN_CHARGE, sends({"reason": "It was wrong."})
    ),
    "delete_letter": Row("/letters/{letter}", DOCTOR_IN_CARE),
    "create_lesion": Row("/lesions", APPROVED, sends({"place": {"site": "back"}})),
    "list_lesions": Row("/lesions", APPROVED),
    "list_patient_lesions": Row("/patients/{patient}/lesions", DOCTOR_IN_CARE),
    "show_lesion": Row("/lesions/{lesion}", IN_CARE, lambda accounts: accounts.sort_sample()),
    "list_course": Row(
        "/lesions/{lesion}/submissions", IN_CARE, lambda accounts: accounts.sort_sample()
    ),
    "change_lesion": Row("/lesions/{lesion}", OWNER, sends({"name": "the one below the collar"})),
    "delete_lesion": Row("/lesions/{lesion}", OWNER),
    "join_lesion": Row(
        "/lesions/{lesion}/join",
        OWNER,
        lambda accounts: {"json": {"lesion": accounts.another_lesion()}},
    ),
    "compare_findings": Row(
        "/lesions/{lesion}/comparison", IN_CARE, lambda accounts: accounts.sort_two()
    ),
    "list_messages": Row("/lesions/{lesion}/messages", CONVERSATION),
    "send_message": Row("/lesions/{lesion}/messages", CONVERSATION, sends({"text": "It itches."})),
    "mark_messages_read": Row(
        "/lesions/{lesion}/messages/read", CONVERSATION, sends({"message": "f" * 32})
    ),
    "mark_messages_done": Row(
        "/lesions/{lesion}/messages/done", CONVERSATION, sends({"message": "f" * 32})
    ),
    "report_message": Row(
        "/lesions/{lesion}/messages/{message}/abuse", OWNER, sends({"reason": "insult"})
    ),
    "list_waiting_messages": Row("/messages", APPROVED),
    "show_inbox": Row("/inbox", APPROVED),
    "propose_lesions": Row("/submissions/{number}/lesion-proposals", OWNER),
    "show_reminder": Row(
        "/lesions/{lesion}/reminder.ics", OWNER, lambda accounts: accounts.sort_sample()
    ),
    "sort_finding": Row(
        "/submissions/{number}/lesion",
        OWNER,
        lambda accounts: {"json": {"lesion": accounts.named["lesion"]}},
    ),
    "list_patients": Row("/patients", DOCTORS),
    "list_patient_submissions": Row("/patients/{patient}/submissions", DOCTOR_IN_CARE),
    "list_queue": Row("/queue", DOCTORS),
    "list_reviews": Row("/submissions/{number}/reviews", IN_CARE),
    "show_report": Row("/submissions/{number}/report", IN_CARE),
    "show_report_json": Row("/submissions/{number}/report.json", IN_CARE),
    "show_report_html": Row("/submissions/{number}/report.html", IN_CARE),
    "show_report_pdf": Row("/submissions/{number}/report.pdf", IN_CARE),
    "generate_report": Row(
        "/generate_report", APPROVED, sends({"class": "melanoma", "confidence": 90})
    ),
    "verify_report": Row(f"/reports/verify/{'0' * 64}", ANYONE),
    # the findings as an archive's studies
    "search_studies": Row("/dicom/studies", APPROVED),
    "search_series": Row("/dicom/studies/{study}/series", IN_CARE),
    "search_instances": Row("/dicom/studies/{study}/instances", IN_CARE),
    "search_instances_of_series": Row(f"{SERIES}/instances", IN_CARE),
    "retrieve_study": Row("/dicom/studies/{study}", IN_CARE),
    "retrieve_series": Row(SERIES, IN_CARE),
    "retrieve_instance": Row(INSTANCE, IN_CARE),
    "show_study_metadata": Row("/dicom/studies/{study}/metadata", IN_CARE),
    "show_series_metadata": Row(f"{SERIES}/metadata", IN_CARE),
    "show_instance_metadata": Row(f"{INSTANCE}/metadata", IN_CARE),
    "show_rendered": Row(f"{INSTANCE}/rendered", IN_CARE),
    "retrieve_frame": Row(f"{INSTANCE}/frames/1", IN_CARE),
    "show_archive": Row("/archive", ADMINS),
    "list_archive_deliveries": Row("/archive/deliveries", ADMINS),
    "send_to_archive_again": Row("/archive/deliveries/{archive delivery}/again", ADMINS),
    # data sets
    "admit_study": Row("/dicom/admission", APPROVED),
    "admit_dataset": Row("/api/upload-dataset/admission", LAB),
    "store_studies": Row("/dicom/studies", APPROVED, lambda _: sends_dicom()),
    "store_study": Row(
        "/dicom/studies/1.2.3", APPROVED, lambda _: sends_dicom(StudyInstanceUID="1.2.3")
    ),
    "begin_upload": Row("/uploads", LAB, sends({"name": "a.zip", "size": 5})),
    "add_upload_part": Row("/uploads/{upload}/0", RESEARCHER, lambda _: {"data": PHOTO}),
    "show_upload": Row("/uploads/{upload}", RESEARCHER),
    "delete_upload": Row("/uploads/{upload}", RESEARCHER),
    "send_dataset": Row(
        "/datasets",
        RESEARCHER,
        lambda accounts: {
            "json": {"name": accounts.named["new name"], "uploads": [accounts.named["upload"]]}
        },
    ),
    # Of one name each, because mongomock counts versions that are not there yet as equal.
    "send_reviewed": Row(
        "/datasets/from-reviews", LAB, lambda _: {"json": {"name": f"reviewed {new_id()}"}}
    ),
    "list_datasets": Row("/datasets", LAB),
    "show_dataset": Row("/datasets/{dataset}", LAB),
    "list_images": Row("/datasets/{dataset}/images", LAB),
    "show_image_thumbnail": Row("/datasets/{dataset}/images/{image}/thumbnail", LAB),
    "delete_dataset": Row("/datasets/{dataset}", ADMINS),  # it is nobody's here
    "choose_reference": Row("/datasets/{dataset}/reference", ADMINS),
    "end_reference": Row(
        "/datasets/{dataset}/reference", ADMINS, lambda accounts: accounts.choose_reference()
    ),
    "upload_dataset_for_lab": Row(
        "/api/upload-dataset?datasetName={new name}",
        LAB,
        lambda _: {"data": {"files": (io.BytesIO(zipped(labelled(2))), "a.zip")}},
    ),
    "list_datasets_for_lab": Row("/api/datasets", LAB),
    "start_training": Row(
        "/api/start-training",
        LAB.replace("o", "n"),  # there is no such data set
        sends({"dataset_name": "none"}),
    ),
    "show_training": Row("/api/job/{job}/status", LAB),
    # jobs of the lab: the researcher's own
    "list_jobs": Row("/jobs", LAB),
    "show_job_workers": Row("/jobs/workers", LAB),
    "show_job": Row("/jobs/{job}", LAB, keyed=NOT_ITS_OWN),
    "show_job_log": Row("/jobs/{job}/log", LAB, keyed=NOT_ITS_OWN),
    "cancel_job": Row("/jobs/{job}/cancel", LAB, keyed=NOT_ITS_OWN),
    "retry_job": Row(
        "/jobs/{job}/retry", LAB, lambda accounts: accounts.end_job(), keyed=NOT_ITS_OWN
    ),
    # the published clients without tokens, where the operator did not open them
    "predict_for_skinartify": Row("/predict", APPROVED, photo("file")),
    "predict_for_either": Row("/api/predict", APPROVED, photo("image")),
    "predict_for_lab": Row("/api/predict", LAB, sends({"image": base64_of(PHOTO)})),
    "infer_for_explainable": Row("/inference", APPROVED, sends({"image_data": base64_of(PHOTO)})),
    "report_for_explainable": Row("/report", APPROVED, sends({"image_data": base64_of(PHOTO)})),
}
