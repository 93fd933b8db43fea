"""A clinic as release 2.0.0 leaves it. The code of that release runs this file, with its own tests.
The answers that people read there are in a file next to the store.
"""

import itertools
import json
import sys
from contextlib import closing
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

from skinapi.model.conditions import Band
from skinapi.platform.storage.ids import now
from tests.care.clinic import file_for, patient_of
from tests.findings.prediction.photographer import predicted
from tests.support.backends import PASSWORD, Backend, Person
from tests.support.models import write_model
from tests.support.photos import photo_of

KERATOSIS, SQUAMOUS = "actinic_keratosis", "squamous_cell_carcinoma"
MOLE, MELANOMA, CARCINOMA = "melanocytic_nevus", "melanoma", "basal_cell_carcinoma"
RESULTS = {"histology_result": MOLE}, {"histology_result": SQUAMOUS}
SAID: tuple[dict[str, Any], ...] = (
    {"label": MOLE, "certainty": "sure"},
    {"label": MOLE, "certainty": "unsure"},
    {"label": MOLE, "certainty": "sure", "urgency": "referral"},
    {"label": KERATOSIS, "certainty": "sure"},
    {"label": MELANOMA, "certainty": "sure"},
    {"label": MELANOMA, "certainty": "sure", "histology": "awaited"},
    {"label": CARCINOMA, "certainty": "unsure", "urgency": "referral"},
    *RESULTS,
    {"certainty": "unsure", "urgency": "urgent_referral"},
    {"new_picture_wanted": True},
)
MODEL = "own-1"
KEPT, TOLD = "Kept Example", "Told Example"
REFUSED = "refused@example.org"
SIGNS = "change_in_size,irregular_shape,irregular_colour"
WORD = {"current_password": PASSWORD}
# Patients whose findings say the same after the migration have such an e-mail address.
PLAIN = "plain"


def make_clinic(folder: Path) -> None:
    mails: dict[str, Any] = {"smtp_url": "smtp://127.0.0.1:9", "mail_from": "clinic@example.org"}
    backend = Backend(folder, record_retention=10, **mails)
    with closing(backend.services.store):
        admin, grey = backend.admin(), backend.member(role="doctor", email="grey@example.org")
        review_all(backend, grey)
        photograph(backend, grey)
        withhold(backend, grey)
        ask_colleague(backend, grey)
        leave(backend, grey, admin)
        make_traces(backend, grey, admin)
        join_accounts(backend, grey, admin)
        teach(backend, admin, folder)
        read = json.dumps(read_all(backend), indent=1)
    folder.with_suffix(".json").write_text(read)


def sign(doctor: Person, number: int, said: dict[str, Any], **more: str) -> None:
    body = {"told_by": "server", **said, **more}
    if "hold_until" in body:
        body.pop("told_by")
    answer = doctor.call("POST", f"/submissions/{number}/review", json=body)
    assert answer.status_code == 201, (body, answer.text)


def review_all(backend: Backend, grey: Person) -> None:
    doctor = backend.account(grey.email).id
    ada = backend.member(f"{PLAIN}.ada@example.org", doctor_id=doctor)
    for band in (Band.URGENT_REFERRAL, Band.SELF_MONITORING):
        for signed in itertools.product(SAID, (None, *RESULTS)):
            number = file_for(backend, ada, band).number
            for said in filter(None, signed):
                sign(grey, number, said)


def photograph(backend: Backend, grey: Person) -> None:
    doctor = backend.account(grey.email).id
    for place, key in enumerate(("melanoma", "melanocytic_nevus", "dermatofibroma")):
        bo = backend.member(f"{PLAIN}.bo{place}@example.org", doctor_id=doctor)
        spot = bo.call("POST", "/lesions", json={"place": {"site": "back"}}).get_json()["id"]
        given = {"age": "61", "sex": "male", "keep_photo": "true", "lesion": spot}
        number = predicted(bo, photo_of(key), **given)["id"]
        path = f"/submissions/{number}"
        assert bo.call("GET", f"{path}/report.pdf").status_code == 200
        sign(grey, number, {"label": MELANOMA, "certainty": "sure"})
        draft = grey.call("POST", f"{path}/letters", json={"reader": "patient"}).get_json()
        body = {name: draft[name] for name in ("text", "version", "decision")}
        signed = grey.call("POST", f"/letters/{draft['_id']}/sign", json=body)
        assert signed.status_code == 200, signed.text
        predicted(bo, photo_of(key), **given)


def withhold(backend: Backend, grey: Person) -> None:
    eve = patient_of(backend, grey, "Eve Example")
    spot = eve.call("POST", "/lesions", json={"place": {"site": "back"}}).get_json()["id"]
    first, second = (predicted(eve, keep_photo="true", lesion=spot)["id"] for _ in range(2))
    until = (now() + timedelta(days=2)).isoformat()
    sign(grey, first, {"label": MELANOMA, "certainty": "sure"}, hold_until=until)
    sign(grey, second, {"label": MOLE, "certainty": "sure"})  # withheld with the other


def ask_colleague(backend: Backend, grey: Person) -> None:
    other = backend.member(role="doctor", name="Dr Ann Other")
    ida = patient_of(backend, grey, "Ida Example")
    for said in (
        {"label": MELANOMA, "certainty": "unsure", "histology": "awaited"},
        {"histology_result": MELANOMA},
    ):
        number = predicted(ida, keep_photo="true")["id"]
        sign(grey, number, {"label": MOLE, "certainty": "sure"})
        path = f"/submissions/{number}/second-opinion"
        asked = grey.call("PUT", path, json={"colleague": other.email})
        assert asked.status_code == 200, asked.text
        sign(other, number, said)


def leave(backend: Backend, grey: Person, admin: Person) -> None:
    for name in (KEPT, TOLD):
        patient = patient_of(backend, grey, name)
        number = predicted(patient, keep_photo="true", checklist=SIGNS)["id"]
        sign(grey, number, {"label": MELANOMA, "certainty": "sure"})
        if name == KEPT:
            assert patient.call("DELETE", "/me", json=WORD).status_code == 200
        else:
            assert admin.call("PATCH", f"/users/{patient.email}/suspend").status_code == 200
    listed = grey.call("GET", "/people-to-reach").get_json()
    assert {row["name"] for row in listed} == {KEPT, TOLD}
    for row in listed:
        path = f"/people-to-reach/{row['_id']}/done"
        assert grey.call("POST", path, json={"outcome": "told"}).status_code == 200


def make_traces(backend: Backend, grey: Person, admin: Person) -> None:
    una = patient_of(backend, grey, "Una Example")
    path = f"/submissions/{predicted(una, keep_photo='true')['id']}"
    assert grey.call("PUT", f"{path}/case").status_code == 200
    bo = Person(backend.client, backend.token_of(backend.account(f"{PLAIN}.bo0@example.org")))
    number = bo.pages("/submissions")[0]["id"]
    why = {"reason": "Nobody can be reached", "current_password": PASSWORD}
    assert admin.call("POST", "/break-glass", json={"number": number, **why}).status_code == 201
    for part in ("", "/report", "/photo"):
        assert admin.call("GET", f"/submissions/{number}{part}").status_code == 200
    backend.register("waits@example.org")
    backend.register(REFUSED)
    refused = {"accounts": [backend.account(REFUSED).id], "reason": "unknown_person"}
    assert admin.call("POST", "/accounts/refusals", json=refused).status_code == 200
    changed = backend.approved("changed@example.org")
    role = admin.call("PUT", f"/users/{changed.email}/role", json={"role": "researcher"})
    assert role.status_code == 200, role.text


def join_accounts(backend: Backend, grey: Person, admin: Person) -> None:
    hospital = import_module("tests.integrations.test_keys").made(admin, "/admin/keys")[0]
    number = {"system": "urn:oid:2.999.1", "value": "PAT-0815"}
    sent = hospital.call("POST", "/patients/external", json=number).get_json()["_id"]
    predicted(hospital, patient=sent)
    kim = patient_of(backend, grey, "Kim Example")
    joined = backend.services.data.accounts.get(sent).email
    why = {"reason": "showed a passport", "current_password": PASSWORD}
    body = {"into": kim.email, **why}
    assert admin.call("POST", f"/users/{joined}/join", json=body).status_code == 200


def teach(backend: Backend, admin: Person, folder: Path) -> None:
    sending = import_module("tests.lab.sending")
    lab = backend.member(role="researcher", email="lab@example.org")
    archive = sending.zipped(sending.labelled(30))
    dataset = sending.send(lab, [sending.upload(lab, archive)])
    assert dataset["status"] == "published"
    wanted = {"dataset_name": "ham", "epochs": 1}
    started = lab.call("POST", "/api/start-training", json=wanted)
    assert started.status_code == 200, started.text
    models = backend.services.models
    models.versions.register(write_model(folder.with_name(MODEL), MODEL), created_by="operator")
    why = {"reason": "to see it serve"}
    promoted = admin.call("POST", f"/models/{MODEL}/promote", json={**why, "override": True})
    assert promoted.status_code == 200, promoted.text
    assert admin.call("POST", "/models/rollback", json=why).status_code == 200


def read_all(backend: Backend) -> dict[str, Any]:
    asked = {
        "user": ["/me", "/me/readers", "/submissions", "/lesions"],
        "doctor": ["/me"],
        "researcher": ["/me", "/datasets", "/jobs", "/models"],
        "admin": ["/users", "/doctors", "/models", f"/models/{MODEL}"],
    }
    read = {}
    for account in backend.services.store.collection("accounts").find({"status": "approved"}):
        if account["role"] == "user" and not account["email"].startswith(PLAIN):
            continue
        person = Person(backend.client, backend.token_of(backend.account(account["email"])))
        paths = [*asked[account["role"]]]
        if account["role"] == "user":
            for item in person.pages("/submissions"):
                path = f"/submissions/{item['id']}"
                paths += [path, f"{path}/report.json", f"{path}/reviews", f"{path}/letters"]
        for path in paths:
            answer = person.call("GET", path)
            assert answer.status_code == 200, path
            read[f"{account['email']} {path}"] = answer.get_json()
    return read


if __name__ == "__main__":
    make_clinic(Path(sys.argv[1]))
