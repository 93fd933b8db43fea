"""The status that each role gets at every route. A route without a row fails the tests. The letters
of a row are for PEOPLE in their order: o(k), u(nauthenticated, 401), f(orbidden, 403), n(ot found,
404). Every path names something that belongs to Ada, the `user`.
"""

import io
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import apsw

from skinapi.accounts.auth.account import Account, AccountFields
from skinapi.accounts.auth.second_factor import code_at, hash_recovery_code, step_of
from skinapi.app.areas import FOLDERS
from skinapi.app.integrity_check import list_record_types
from skinapi.base.area_parts import list_parts
from skinapi.findings.records.new_findings import NewFinding
from skinapi.findings.records.stored_finding import StoredFinding
from skinapi.integrations.patients import PATIENTS
from skinapi.model.context import Context
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import set_or_remove
from skinapi.privacy.person_file.stored_files import PersonFile
from tests.support.access_part import AccessPart
from tests.support.backends import PASSWORD, Backend, Person, erase_due, file_straight
from tests.support.findings import finding_of
from tests.support.models import write_model
from tests.support.photos import photo_of
from tests.support.reviews import review_of, sign_review, spot_version_of

# What areas have of these tables.
NAMES = (*(f"{name}_access" for name in FOLDERS), "access")  # first those of two areas
PARTS: list[AccessPart] = [each.PART for name in NAMES for each in list_parts(name, "tests")]
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
WHO = {
    "anyone": "ooooooooooo",
    "any_account": "uoooooooouu",
    "approved": "ufooooooouu",
    "admins": "ufffffffouu",
    "lab": "uffffffoouu",
    "staff": "ufffooooouu",
    "researcher": "uffffffonuu",  # what is the researcher's own
    "in_care": "ufonononnuu",
    "conversation": "ufononnnnuu",  # its two sides
    "owner": "ufonnnnnnuu",
    "owner_or_in_charge": "ufononfnnuu",
    "doctors": "ufffoooffuu",
    "tellers": "ufffooofouu",
    "doctor_in_care": "ufffonnffuu",
    "to_review": "ufffonoffuu",
    "asked": "uffffnoffuu",
    "in_charge": "ufffonfffuu",  # not who sees the finding for a second opinion
}
OF_ADA = ("number", "unreviewed", "lesion", "patient", "letter", "signed_letter")
PHOTO = photo_of("melanoma")
KEY = {"name": "mine", "scopes": ["findings:read"], "current_password": PASSWORD}
SIGNATURE = {"json": {"text": "Dear Ada,\nPlease see a doctor this week.", "version": 1}}
NOT_ITS_OWN = {"clinic-wide": "n"}  # it is in the lab, and did not begin the job
Options = dict[str, Any]
DATABASE = "skinapi.db"


class SampleAccounts:
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
        backend.services.admin.close_account(of_doctor=False, email=deleted.email, by="system")
        erase_due(backend)
        self.named = {
            "email": backend.member(status="waiting").email,
            "doctor": backend.member(role="doctor").email,
            "number": str(self._finding(backend.account(ada.email).id)),
            "patient": backend.account(ada.email).id,
            "job": backend.services.jobs.submit(
                kind="train", owner=backend.account(researcher.email).id, request={}
            ).id,
            "lesion": self._lesion(ada),
            "key": self.key(ada, "findings:read"),
            "session": backend.services.data.sessions.open(backend.account(ada.email))[0].id,
            "new_name": f"ham-{new_id()}",  # a data set's name belongs to its first account
            "receipt": self.receipt_of(gone),
        }
        self.named |= {"no_code": "0" * 32, "no_hash": "0" * 64}
        for part in PARTS:
            self.named |= part.name_samples(backend)
        self.named["signed_letter"] = self.sign_another_letter()
        self.named["letter"] = self.draft_letter()
        self.named["review"] = next(iter(backend.services.data.reviews.walk_all())).id
        self.named["unreviewed"] = str(self._finding(self.named["patient"]))
        self.ask_colleague()
        self.named["message"] = self._message(doctor, self.named["lesion"])

    def keep(self, folder: Path) -> None:
        self._kept = folder, dict(self.named)
        settings = self.backend.settings
        # The first read makes a table, and `restore` would take away one that is made later.
        for collection in list_record_types():
            self.backend.services.store.collection(collection).find(limit=1)
        with closing(apsw.Connection(str(folder / DATABASE))) as copy:
            _copy_database(settings.instance_dir / DATABASE, copy)
        shutil.copytree(settings.instance_dir / "blobs", folder / "blobs")

    def restore(self) -> None:
        folder, named = self._kept
        self.named = dict(named)
        instance = self.backend.settings.instance_dir
        with closing(apsw.Connection(str(instance / DATABASE))) as stored:
            _copy_database(folder / DATABASE, stored)
        shutil.copytree(folder / "blobs", instance / "blobs", dirs_exist_ok=True)

    def set_patient(self, fields: AccountFields) -> None:
        """Change the account without the side effects that a request would have: each rule must
        hold by itself.
        """
        stored = self.backend.services.store.collection("accounts")
        stored.update({"id": self.named["patient"]}, set_or_remove({**fields}))

    def person(self, who: str) -> Person:
        person = self.people[who]
        assert person
        return person

    def account_of_caller(self) -> Account | None:
        accounts = self.backend.services.data.accounts
        return accounts.find_by_email(self.caller.email) if self.caller else None

    def finding(self) -> StoredFinding:
        records = self.backend.services.data.findings
        found = records.find_by_number(int(self.named["number"]))
        assert found
        return found

    def receipt_of(self, erased: str) -> str:
        (receipt,) = self.backend.services.store.collection("erasure_receipts").find(
            {"account": erased}, sort="-id", limit=1
        )
        return str(receipt["code"])

    @staticmethod
    def key(owner: Person, *scopes: str) -> str:
        body = {"name": "sample", "scopes": scopes, "current_password": PASSWORD}
        key: str = owner.call("POST", "/keys", json=body).get_json()["_id"]
        return key

    def sort_sample(self) -> "Options":
        lesions = self.backend.services.lesions
        lesions.records.put_in_lesion(self.finding(), self.named["lesion"])
        return {}

    def see_sample(self) -> "Options":
        self.sort_sample()
        spot = self.backend.services.findings.records.spots.get(self.named["lesion"]).spot
        return {"json": {"spot_version": spot.version}}

    def sort_two(self) -> "Options":
        self.sort_sample()
        found = self.finding()
        numbers = found.number, self._finding(found.owner, self.named["lesion"])
        return {"query_string": dict(zip(("first", "second"), numbers, strict=True))}

    def review_sorted(self) -> "Options":
        self.sort_sample()
        version = spot_version_of(self.person("doctor"), self.named["number"])
        return {"json": review_of(label="melanoma", spot_version=version)}

    def draft_letter(self) -> str:
        doctor = self.person("doctor")
        path = f"/submissions/{self.named['number']}/letters"
        letter: str = doctor.call("POST", path, json={"reader": "patient"}).get_json()["_id"]
        return letter

    def sign_another_letter(self) -> str:
        doctor = self.person("doctor")
        body = {"label": "melanoma", "certainty": "sure"}
        assert sign_review(doctor, self.named["number"], body).status_code == 201
        letter = self.draft_letter()
        answer = doctor.call("POST", f"/letters/{letter}/sign", **SIGNATURE)
        assert answer.status_code == 200, answer.text
        return letter

    def receives(self) -> "Options":
        return {"json": {"into": self.backend.member().email, "current_password": PASSWORD}}

    def previewed(self) -> "Options":
        return {"query_string": {"into": self.backend.member().email}}

    def right_patient(self) -> "Options":
        doctor = self.person("doctor")
        if "right" not in self.named:
            right = self.backend.member(doctor_id=self.backend.account(doctor.email).id)
            self.named["right"] = self.backend.account(right.email).id
        return {"json": {"reason": "of Bob", "patient": self.named["right"]}}

    def ask_colleague(self) -> "Options":
        doctor, colleague = self.person("doctor"), self.person("second opinion")
        path, body = f"/submissions/{self.named['number']}", {"colleague": colleague.email}
        assert doctor.call("PUT", f"{path}/second-opinion", json=body).status_code == 200
        return {"json": body}

    def replace_model(self) -> Options:
        """The sample finding is from another version than the one in service, and has its photo."""
        findings = self.backend.services.store.collection("submissions")
        (found,) = findings.find({"number": int(self.named["number"])})
        finding = {**found["finding"], "model_version": "before"}
        blob = self.backend.services.store.blobs.put(PHOTO)
        findings.update({"id": found["id"]}, {"$set": {"finding": finding, "photo_blob": blob}})
        return {}

    def _message(self, author: Person, lesion: str) -> str:
        """Only Ada may report what her doctor wrote."""
        path = f"/conversations/{lesion}/messages"
        message: str = author.call("POST", path, json={"text": "hello"}).get_json()["_id"]
        return message

    def read_message(self) -> "Options":
        """A spot with an unread message from its doctor cannot be deleted."""
        self.person("user").call("PUT", f"/messages/{self.named['message']}/read")
        return {}

    def _lesion(self, owner: Person) -> str:
        answer = owner.call("POST", "/lesions", json={"place": {"site": "back"}})
        lesion: str = answer.get_json()["id"]
        return lesion

    def end_job(self) -> "Options":
        jobs = self.backend.services.jobs
        jobs.cancel(job_id=self.named["job"], owner=None, by="system")
        return {}

    def _finding(self, owner: str, lesion: str | None = None) -> int:
        blobs = self.backend.services.store.blobs
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
        return file_straight(self.backend, new)

    def refresh_token(self) -> str:
        account = self.backend.account(self.person("user").email)
        return self.backend.services.data.sessions.open(account, renews=True)[1] or ""


def _copy_database(path: Path, into: apsw.Connection) -> None:
    into.set_busy_timeout(10_000)  # what a request has begun in another thread may still write
    with closing(apsw.Connection(str(path))) as source, into.backup("main", source, "main") as copy:
        copy.step()


def password_link(accounts: SampleAccounts) -> Options:
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
    backend, account = accounts.backend, accounts.account_of_caller()
    if account is None:
        return {"json": {"code": "000000"}}
    add_factor(accounts, account.email, confirmed=False)
    account = backend.account(account.email)
    assert account.second_factor
    secret, *_ = backend.services.second_factor._secrets(account, account.second_factor)
    return {"json": {"code": code_at(secret, step_of(now()))}}


def recovery_code(accounts: SampleAccounts) -> Options:
    if account := accounts.account_of_caller():
        add_factor(accounts, account.email, confirmed=True)
    return {"json": {"current_password": PASSWORD, "code": RECOVERY_CODE}}


def nobody_needs_the_caller(accounts: SampleAccounts) -> Options:
    """The caller has no patients left, and there is another admin."""
    accounts.backend.member(role="admin")
    if accounts.caller is accounts.people["doctor"]:
        email = accounts.person("user").email
        if accounts.backend.services.data.accounts.find_by_email(email):
            accounts.backend.services.decisions.assign_doctor(email=email, doctor=None, by="system")
    return {"json": {"current_password": PASSWORD}}


def own_file(accounts: SampleAccounts) -> Options:
    if account := accounts.account_of_caller():
        files = accounts.backend.services.data.person_files
        files.forget(account.id)
        until = now() + timedelta(days=1)
        files.insert(
            PersonFile(
                id=account.id, created_at=now(), file="0" * 32, state="ready", expires_at=until
            )
        )
    return {}


EXTERNAL = f"hospital@{PATIENTS}"


def external_patient(accounts: SampleAccounts) -> Options:
    services = accounts.backend.services
    if services.data.accounts.find_by_email(EXTERNAL) is None:
        number = services.patients.hash_identifier("patient", "urn:x", "4711")
        accounts.backend.member(EXTERNAL, password_hash="", external=number)
    return {"json": {"system": "urn:x", "value": "4711"}}


def factor_of_ada(accounts: SampleAccounts) -> Options:
    add_factor(accounts, accounts.named["email"], confirmed=True)
    return {}


SECTIONS = (
    "overview", "importance_of_early_detection", "recommendation", "confidence_explanation"
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    name: str
    path: str
    who: str

    def options(self, accounts: SampleAccounts) -> Options:
        request = ALL_REQUESTS.get(self.name, {})
        return deepcopy(request) if isinstance(request, dict) else request(accounts)

    @property
    def names_patient(self) -> bool:
        return any(f"{{{name}}}" in self.path for name in OF_ADA)

    @property
    def keyed(self) -> Mapping[str, str]:
        return ALL_KEYED.get(self.name, {})


def chosen(**body: Any) -> Callable[[SampleAccounts], Options]:
    def options(accounts: SampleAccounts) -> Options:
        waiting = accounts.backend.member(status="waiting")
        return {"json": {"accounts": [accounts.backend.account(waiting.email).id], **body}}

    return options


def new_account(_: SampleAccounts) -> Options:
    return {"json": {"name": "A", "email": f"{new_id()}@example.org", "password": PASSWORD}}


def no_body(_: Options) -> Options:
    return {}


def photo(field: str) -> Callable[[SampleAccounts], Options]:
    return lambda _: {"data": {field: (io.BytesIO(PHOTO), "lesion.jpg")}}


def candidate(version: str, body: dict[str, Any] | None) -> Callable[[SampleAccounts], Options]:
    """Sends the body, or none, and has a stored model of this version."""

    def options(accounts: SampleAccounts) -> Options:
        add_model(accounts.backend, version)
        return {} if body is None else {"json": dict(body)}

    return options


def something_served(accounts: SampleAccounts) -> Options:
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


# A route a line: the function, who gets what (a name of WHO, or letters), the path.
TABLE = """
# the server
front_door                   anyone            /
say_alive                    anyone            /healthz
say_ready                    anyone            /readyz
show_openapi                 anyone            /openapi.json
show_docs                    anyone            /docs
show_metrics                 admins            /metrics
show_password_page           anyone            /password
show_asset                   anyone            /console/style.css
show_embed_page              anyone            /embed
show_model_card              anyone            /model-card
show_conditions              anyone            /conditions
show_sample                  anyone            /sample
# model versions
list_models                  lab               /models
show_model                   lab               /models/tiny-1
promote_model                admins            /models/promoted/promote
roll_back_model              admins            /models/rollback
delete_model                 admins            /models/deleted
show_operating_point         staff             /models/operating-point
choose_operating_point       admins            /models/operating-point
# accounts
register                     anyone            /register
log_in                       anyone            /login
replace_password             anyone            /password
ask_for_link                 anyone            /password/forgotten
set_password                 anyone            /password/reset
hand_link                    admins            /users/{email}/password-link
refresh                      anyone            /auth/refresh
log_out                      any_account       /auth/logout
show_me                      any_account       /me
change_password              approved          /me/password
show_consents                approved          /me/consents
set_consents                 approved          /me/consents
change_own_account           approved          /me
delete_me                    approved          /me
preview_closing              approved          /me/deletion
verify_receipt               anyone            /receipts/verify/{no_code}
list_erasures                admins            /erasures
summarise_data               approved          /me/data/summary
ask_for_file                 approved          /me/file
show_file                    approved          /me/file
delete_file                  approved          /me/file
fetch_file                   approved          /me/file/download
find_external_patient        admins            /patients/external/find
begin_second_factor          approved          /me/second-factor
confirm_second_factor        approved          /me/second-factor/confirm
remove_second_factor         approved          /me/second-factor/remove
list_readers                 approved          /me/readers
list_sessions                approved          /me/sessions
end_session                  owner             /me/sessions/{session}
# keys of programs
list_keys                    approved          /keys
make_key                     approved          /keys
revoke_key                   owner             /keys/{key}
show_current_key             ufnnnnnnnuu       /keys/current
show_session_key             ufnnnnnnnuu       /keys/sessions/current
make_session_key             uffffffffuu       /keys/sessions
list_all_keys                admins            /admin/keys
make_clinic_key              admins            /admin/keys
revoke_any_key               admins            /admin/keys/{key}
find_or_add_patient          uffffffffuu       /patients/external
# the admins' desk
list_accounts                admins            /accounts
list_users                   admins            /users
delete_user                  admins            /users/{email}
approve_accounts             admins            /accounts/approvals
refuse_accounts              admins            /accounts/refusals
approve_user                 admins            /users/{email}/approve
change_role                  admins            /users/{email}/role
suspend_user                 admins            /users/{email}/suspend
move_spots                   admins            /users/{email}/move
preview_move                 admins            /users/{email}/move
reset_second_factor          admins            /users/{email}/second-factor
assign_doctor                admins            /users/{email}/doctor
keep_account                 admins            /users/{email}/keep
list_doctors                 admins            /doctors
add_doctor                   admins            /doctors
delete_doctor                admins            /doctors/{doctor}
# retention
show_retention               admins            /retention
read_audit                   admins            /audit
follow_audit                 admins            /audit
export_audit                 admins            /audit/export
show_overview                admins            /admin/overview
show_usage                   admins            /admin/usage
show_outcomes                tellers           /outcomes
# findings
predict                      approved          /predict
list_submissions             approved          /submissions
show_submission              in_care           /submissions/{number}
show_photo                   in_care           /submissions/{number}/photo
show_thumbnail               in_care           /submissions/{number}/thumbnail
delete_submission            owner             /submissions/{number}
add_review                   uffnonfnnuu       /submissions/{number}/review
review_lesion                uffnonfnnuu       /lesions/{lesion}/reviews
void_review                  in_charge         /submissions/{number}/reviews/{review}/void
enter_in_error               ufffonffouu       /submissions/{number}/entered-in-error
move_submission              ufffonffouu       /submissions/{number}/move
list_errors                  approved          /submissions/entered-in-error
show_case                    to_review         /submissions/{number}/case
take_unassigned_patient      doctor_in_care    /patients/{patient}/doctor
ask_colleague                in_charge         /submissions/{number}/second-opinion
withdraw_request             in_charge         /submissions/{number}/second-opinion
give_opinion                 asked             /submissions/{number}/opinion
list_colleagues              doctors           /colleagues
count_queue                  doctors           /queue/counts
judge_again                  in_charge         /submissions/{number}/judge-again
correct_facts                owner_or_in_charge /submissions/{number}/facts
draft_letter                 in_charge         /submissions/{number}/letters
list_letters                 in_care           /submissions/{number}/letters
list_spot_letters            in_care           /lesions/{lesion}/letters
change_letter                doctor_in_care    /letters/{letter}
sign_letter                  doctor_in_care    /letters/{letter}/sign
withdraw_letter              in_charge         /letters/{signed_letter}/withdrawal
delete_letter                doctor_in_care    /letters/{letter}
create_lesion                approved          /lesions
list_lesions                 approved          /lesions
list_patient_lesions         doctor_in_care    /patients/{patient}/lesions
show_lesion                  in_care           /lesions/{lesion}
list_course                  in_care           /lesions/{lesion}/submissions
change_lesion                owner             /lesions/{lesion}
mark_told                    in_charge         /lesions/{lesion}/told
delete_lesion                owner             /lesions/{lesion}
compare_findings             in_care           /lesions/{lesion}/comparison
list_messages                conversation      /conversations/{lesion}/messages
send_message                 conversation      /conversations/{lesion}/messages
mark_messages_read           conversation      /messages/{message}/read
mark_messages_done           conversation      /messages/{message}/done
list_waiting_messages        approved          /messages
show_inbox                   approved          /inbox
propose_lesions              owner             /submissions/{number}/lesion-proposals
sort_finding                 conversation      /submissions/{unreviewed}/lesion
list_patients                doctors           /patients
list_patient_submissions     doctor_in_care    /patients/{patient}/submissions
list_queue                   doctors           /queue
list_waiting                 doctors           /waiting?kind=review
list_reviews                 in_care           /submissions/{number}/reviews
show_report_json             in_care           /submissions/{number}/report.json
show_report_html             in_care           /submissions/{number}/report.html
show_report_pdf              in_care           /submissions/{number}/report.pdf
generate_report              approved          /generate_report
verify_report                anyone            /reports/verify/{no_hash}
# jobs: the researcher's own
list_jobs                    lab               /jobs
show_job                     lab               /jobs/{job}
show_job_log                 lab               /jobs/{job}/log
cancel_job                   lab               /jobs/{job}/cancel
retry_job                    lab               /jobs/{job}/retry
"""
# What a request has besides its path; a function may prepare what it needs.
REQUESTS: dict[str, Options | Callable[[SampleAccounts], Options]] = {
    "promote_model": candidate("promoted", {"override": True, "reason": "for the access matrix"}),
    "roll_back_model": something_served,
    "delete_model": candidate("deleted", None),
    "choose_operating_point": {"json": {"operating_point": "standard"}},
    "register": new_account,
    "log_in": lambda accounts: {"json": {"email": accounts.named["doctor"], "password": PASSWORD}},
    "replace_password": lambda accounts: {
        "json": {
            "email": accounts.backend.member().email,
            "current_password": PASSWORD,
            "new_password": "another horse",
        }
    },
    "ask_for_link": lambda accounts: {"json": {"email": accounts.backend.member().email}},
    "set_password": password_link,
    "refresh": lambda accounts: {"json": {"refresh_token": accounts.refresh_token()}},
    "change_password": {"json": {"current_password": PASSWORD, "new_password": "another horse"}},
    "set_consents": {"json": {"photos": True}},
    "change_own_account": {"json": {"locale": "fr"}},
    "delete_me": nobody_needs_the_caller,
    "ask_for_file": {"json": {"current_password": PASSWORD}},
    "delete_file": own_file,
    "fetch_file": own_file,
    "find_external_patient": external_patient,
    "begin_second_factor": {"json": {"current_password": PASSWORD}},
    "confirm_second_factor": first_code,
    "remove_second_factor": recovery_code,
    "make_key": {"json": KEY},
    "make_session_key": lambda accounts: {
        "json": {"scope": accounts.scope, "patient": accounts.named["patient"]}
    },
    "make_clinic_key": {"json": KEY},
    "find_or_add_patient": {"json": {"system": "urn:oid:2.999", "value": "4711"}},
    "delete_user": {"json": {}},
    "delete_doctor": {"json": {}},
    "approve_accounts": chosen(),
    "refuse_accounts": chosen(reason="wrong_role"),
    "approve_user": {"json": {}},
    "change_role": {"json": {"role": "admin"}},
    "move_spots": SampleAccounts.receives,
    "preview_move": SampleAccounts.previewed,
    "reset_second_factor": factor_of_ada,
    "assign_doctor": {"json": {"doctor": None}},
    "add_doctor": new_account,
    "keep_account": {"json": {"reason": "a law suit"}},
    "follow_audit": {"headers": {"Accept": "application/x-ndjson"}},
    "predict": photo("image"),
    "add_review": {"json": review_of(label="melanoma", spot_version=1)},
    "review_lesion": SampleAccounts.review_sorted,
    "void_review": {"json": {"reason": "Signed for the wrong spot."}},
    "enter_in_error": {"json": {"reason": "of Bob"}},
    "move_submission": SampleAccounts.right_patient,
    "ask_colleague": SampleAccounts.ask_colleague,
    "withdraw_request": lambda accounts: no_body(accounts.ask_colleague()),
    "give_opinion": {"json": {"comment": "Excise it."}},
    "judge_again": SampleAccounts.replace_model,
    "correct_facts": {"json": {"age_band": "45-59"}},
    "draft_letter": {"json": {"reader": "colleague"}},
    "list_spot_letters": SampleAccounts.sort_sample,
    "change_letter": {"json": {"text": "Dear Ada,", "version": 1}},
    "sign_letter": SIGNATURE,
    "withdraw_letter": {"json": {"reason": "It was wrong."}},
    "create_lesion": {"json": {"place": {"site": "back"}}},
    "show_lesion": SampleAccounts.sort_sample,
    "mark_told": SampleAccounts.see_sample,
    "list_course": SampleAccounts.sort_sample,
    "change_lesion": {"json": {"name": "the one below the collar"}},
    "compare_findings": SampleAccounts.sort_two,
    "send_message": {"json": {"text": "It itches."}},
    "sort_finding": lambda accounts: {"json": {"lesion": accounts.named["lesion"]}},
    "generate_report": {"json": {"class": "melanoma", "confidence": 90}},
    "retry_job": SampleAccounts.end_job,
    "delete_lesion": SampleAccounts.read_message,
}
# What keys get, by the callers of test_key_access.py, where it is not what their owner gets.
KEYED: dict[str, dict[str, str]] = {
    "show_current_key": {"session": "n", "other session": "n", "*": "o"},
    "show_session_key": {"session": "o", "other session": "o", "*": "n"},
    "make_session_key": {
        "clinic-wide": "o",
        "user": "o",
        "session": "f",
        "other session": "f",
        "*": "n",
    },
    "find_or_add_patient": {"clinic-wide": "o", "*": "f"},
    "show_job": NOT_ITS_OWN,
    "show_job_log": NOT_ITS_OWN,
    "cancel_job": NOT_ITS_OWN,
    "retry_job": NOT_ITS_OWN,
}


def read_table() -> Iterator[tuple[str, Row]]:
    for line in "".join((TABLE, *(part.table for part in PARTS))).strip().splitlines():
        if line and not line.startswith("#"):
            name, who, path = line.split()
            yield name, Row(name, path, WHO.get(who, who))


ROWS = dict(read_table())
ALL_REQUESTS = {key: said for part in PARTS for key, said in part.requests.items()} | REQUESTS
ALL_KEYED = {key: said for part in PARTS for key, said in part.keyed.items()} | KEYED
