"""A clinic as release 1.0.0 leaves it. That code runs this file itself, with its own tests beside
it. It has no spots, no letters, no holds and no clock to set back.

What its people read then is in a file beside the store.
"""

import itertools
import json
import sys
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.care.clinic import file_for, patient_of
from tests.support.backends import Backend, Person
from tests.support.findings import finding_of
from tests.support.models import write_model
from tests.support.photos import photo_of

KERATOSIS = "actinic_keratosis"
MOLE, MELANOMA, CARCINOMA = "melanocytic_nevus", "melanoma", "basal_cell_carcinoma"
SAID: tuple[dict[str, Any], ...] = (
    {"label": MOLE, "certainty": "sure"},
    {"label": MOLE, "certainty": "unsure"},
    {"label": MOLE, "certainty": "sure", "urgency": "referral"},
    {"label": KERATOSIS, "certainty": "sure"},
    {"label": MELANOMA, "certainty": "sure"},
    {"label": MELANOMA, "certainty": "sure", "histology": "awaited"},
    {"label": CARCINOMA, "certainty": "unsure", "urgency": "referral"},
    {"histology_result": MOLE, "histology": "confirmed"},
    {"histology_result": MELANOMA, "histology": "confirmed"},
    {"certainty": "unsure", "urgency": "urgent_referral"},
    {"new_picture_wanted": True},
)
CONSENTS = {"photos": True, "training": True}
MODEL = "own-1"


def of_release(module: str, name: str) -> Any:
    """What the release has by this name: its packages stand elsewhere than those of today."""
    return getattr(import_module(module), name)


def make_clinic(folder: Path, each: int) -> None:
    """In a folder that is not there yet: each kind of record that the release keeps. Behind every
    opinion stands each such one as a second.
    """
    predicted = of_release("tests.prediction.photographer", "predicted")
    backend = Backend(folder)
    with closing(backend.services.store):
        admin, grey = backend.admin(), backend.member(role="doctor", email="grey@example.org")
        review_all(backend, grey, (None, *SAID[::each]))
        for place, key in enumerate(("melanoma", "melanocytic_nevus", "dermatofibroma")):
            bo = backend.approved(f"bo{place}@example.org")
            given = admin.call("PUT", f"/users/{bo.email}/doctor", json={"doctor": grey.email})
            assert given.status_code == 200
            assert bo.call("PUT", "/me/consents", json=CONSENTS).status_code == 200
            sent = predicted(bo, photo_of(key), age="61", sex="male", save="true")
            report = bo.call("GET", f"/submissions/{sent['id']}/report.pdf")
            assert report.status_code == 200
        backend.register("waits@example.org")
        teach(backend, admin, folder)
        forget_opinions(backend.services.store)
        read = json.dumps(read_all(backend), indent=1)
    folder.with_suffix(".json").write_text(read)


def review_all(backend: Backend, grey: Person, seconds: tuple[dict[str, Any] | None, ...]) -> None:
    """Findings of the gravest and the mildest band with each one or two reviews of a doctor."""
    bands, reasons = (
        of_release("skinapi.vision.conditions", "Band"),
        of_release("skinapi.vision.bands", "RaisedBy"),
    )
    ada = patient_of(backend, grey)
    near = finding_of(band=bands.DOCTOR_REVIEW, raised_by=(reasons.NEAR_THRESHOLD,))
    file_for(backend, ada, near.band, finding=near)
    for band in (bands.URGENT_REFERRAL, bands.SELF_MONITORING):
        for signed in itertools.product(SAID, seconds):
            path = f"/submissions/{file_for(backend, ada, band).number}/review"
            for said in filter(None, signed):
                assert grey.call("POST", path, json=said).status_code == 201


def teach(backend: Backend, admin: Person, folder: Path) -> None:
    """A data set, a training that waits, and a model that served once."""
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


def forget_opinions(store: Any) -> None:
    """Some reviews as 0.1.0 stored them, which the release reads so and never changes."""
    plain = {"certainty", "label", "agrees_with_label"}
    for review in store.collection("reviews").find():
        said = {name for name, value in review["opinion"].items() if value}
        if said <= plain and review["opinion"]["certainty"] == "sure":
            store.collection("reviews").update({"id": review["id"]}, {"$unset": {"opinion": True}})


def read_all(backend: Backend) -> dict[str, Any]:
    """The answers that each of these people reads, by who asks and what for."""
    asked = {
        "user": ["/me", "/submissions"],
        "doctor": ["/me"],
        "researcher": ["/me", "/datasets", "/jobs", "/models"],
        "admin": ["/users", "/doctors", "/models", f"/models/{MODEL}"],
    }
    read = {}
    for account in backend.services.store.collection("accounts").find({"status": "approved"}):
        person = Person(backend.client, backend.token_of(backend.account(account["email"])))
        paths = [*asked[account["role"]]]
        if account["role"] == "user":
            for item in person.pages("/submissions"):
                path = f"/submissions/{item['id']}"
                paths += [path, f"{path}/report.json", f"{path}/reviews"]
        for path in paths:
            answer = person.call("GET", path)
            assert answer.status_code == 200, path
            read[f"{account['email']} {path}"] = answer.get_json()
    return read


if __name__ == "__main__":
    make_clinic(Path(sys.argv[1]), int(sys.argv[2]))
