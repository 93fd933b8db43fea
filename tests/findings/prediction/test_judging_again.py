"""A finding is judged again by another model version, or moved to the right patient."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.care.clinic import numbers, patient_in_care, patient_of
from tests.findings.prediction.photographer import predicted
from tests.findings.records.test_holds import in_days
from tests.lab.test_races import both, twin
from tests.model.registry.test_models import OVERRIDE, ModelBackend
from tests.support.backends import MAIL, Backend, Person
from tests.support.photos import photo_of
from tests.use_cases.use_case import acts_on, notices_to

WITHDRAWN = "tiny-1"


class Withdrawal:
    """A doctor, a patient with a kept photo in a spot, and a version that judged it and went."""

    def __init__(self, backend: ModelBackend, folder: Path) -> None:
        self.backend, self.folder = backend, folder
        self.root = backend.member(role="admin")
        self.doctor, self.ada = patient_in_care(backend)
        backend.add(folder, "bad")
        self.promote("bad")
        self.spot = self.ada.call("POST", "/lesions", json={"place": {"site": "back"}}).get_json()[
            "id"
        ]
        self.kept = self.predicted(keep_photo="true", lesion=self.spot)
        self.unkept = self.predicted()

    def predicted(self, **fields: Any) -> int:
        number: int = predicted(self.ada, **fields)["id"]
        return number

    def promote(self, version: str) -> None:
        answer = self.root.call("POST", f"/models/{version}/promote", json=OVERRIDE)
        assert answer.status_code == 200, answer.text
        self.backend.reloader.make_pass()

    def roll_back(self) -> None:
        assert self.root.call("POST", "/models/rollback", json={}).status_code == 200
        self.backend.reloader.make_pass()

    def standing(self, number: int, by: Person | None = None) -> Any:
        return (by or self.ada).call("GET", f"/submissions/{number}").get_json()["model"]

    def again(self, number: int, by: Person | None = None) -> Any:
        return (by or self.doctor).call("POST", f"/submissions/{number}/judge-again")

    def listed(self) -> list[Any]:
        return self.doctor.pages("/withdrawn-models/bad/submissions?limit=1")


@pytest.fixture
def withdrawal(tmp_path: Path) -> Withdrawal:
    return Withdrawal(ModelBackend(tmp_path), tmp_path)


def test_a_finding_says_what_became_of_the_version_that_made_it(withdrawal: Withdrawal) -> None:
    assert withdrawal.standing(withdrawal.kept) == {"state": "in_service", "withdrawn_at": None}
    assert withdrawal.doctor.call("GET", "/withdrawn-models").get_json() == []
    withdrawal.backend.add(withdrawal.folder, "better")
    withdrawal.promote("better")
    assert withdrawal.standing(withdrawal.kept) == {"state": "older", "withdrawn_at": None}
    withdrawal.roll_back()  # of "better": "bad" is in service again
    assert withdrawal.standing(withdrawal.kept)["state"] == "in_service"
    withdrawal.roll_back()
    told = withdrawal.standing(withdrawal.kept)
    assert told["state"] == "withdrawn"
    listed = withdrawal.doctor.call("GET", "/withdrawn-models").get_json()
    assert listed == [{"version": "bad", "withdrawn_at": told["withdrawn_at"]}]
    withdrawal.promote("bad")
    assert withdrawal.standing(withdrawal.kept)["state"] == "in_service"
    assert withdrawal.doctor.call("GET", "/withdrawn-models").get_json() == []
    assert withdrawal.doctor.call("GET", "/withdrawn-models/bad/submissions").status_code == 404


def test_the_findings_of_a_withdrawn_version_are_listed_for_their_doctor_alone(
    withdrawal: Withdrawal,
) -> None:
    withdrawal.roll_back()
    after = withdrawal.predicted()
    assert [one["id"] for one in withdrawal.listed()] == [withdrawal.kept, withdrawal.unkept]
    assert after not in [one["id"] for one in withdrawal.listed()]
    stranger = withdrawal.backend.member(role="doctor")
    assert stranger.call("GET", "/withdrawn-models").get_json() == []
    assert stranger.pages("/withdrawn-models/bad/submissions") == []


def test_a_photo_is_judged_again_in_a_new_finding_and_the_old_one_stays(
    withdrawal: Withdrawal,
) -> None:
    kept, doctor = withdrawal.kept, withdrawal.doctor
    said = {"label": "melanoma", "agreement": "agree"}
    assert doctor.call("POST", f"/submissions/{kept}/review", json=said).status_code == 201
    withdrawal.roll_back()
    before = withdrawal.ada.call("GET", f"/submissions/{kept}").get_json()
    made, again = withdrawal.again(kept), withdrawal.again(kept)
    assert made.status_code == again.status_code == 200, made.text
    new = made.get_json()
    assert again.get_json()["id"] == new["id"], "pressed twice"
    after = withdrawal.ada.call("GET", f"/submissions/{kept}").get_json()
    assert after.pop("judged_again") == new["id"]
    for one in (before, after):
        del one["instruction"]  # it is the spot's, which has one finding more
    assert after == before
    mine = withdrawal.ada.call("GET", f"/submissions/{new['id']}").get_json()
    assert (mine["again_of"], mine["model_version"]) == (kept, WITHDRAWN)
    assert (mine["lesion"], mine["decision"], mine["model"]["state"]) == (
        withdrawal.spot,
        None,
        "in_service",
    )
    photos = [
        withdrawal.ada.call("GET", f"/submissions/{one}/photo").data for one in (kept, new["id"])
    ]
    assert photos[0] == photos[1]
    assert [one["judged_again"] for one in withdrawal.listed()] == [new["id"], None]
    rows = [row for row in withdrawal.backend.audit() if row["target"] == new["_id"]]
    account = withdrawal.backend.account(doctor.email).id
    assert [(row["action"], row["by"]) for row in rows] == [("submission.judge_again", account)]
    compared = f"/lesions/{withdrawal.spot}/comparison?first={kept}&second={new['id']}"
    refused = withdrawal.ada.call("GET", compared)
    assert (refused.status_code, refused.get_json()["code"]) == (422, "compared_with_itself")
    held = {"label": "melanoma", "certainty": "sure", "hold_until": in_days(1)}
    assert doctor.call("POST", f"/submissions/{new['id']}/review", json=held).status_code == 201
    assert withdrawal.again(kept).get_json()["decision"]["label"] == "melanoma", "to the doctor"


def test_of_two_findings_on_one_photo_each_is_deleted_by_itself(withdrawal: Withdrawal) -> None:
    withdrawal.roll_back()
    kept, ada = withdrawal.kept, withdrawal.ada
    new = withdrawal.again(kept).get_json()["id"]
    assert ada.call("DELETE", f"/submissions/{new}").status_code == 200
    assert ada.call("GET", f"/submissions/{kept}/photo").status_code == 200
    assert "judged_again" not in ada.call("GET", f"/submissions/{kept}").get_json()
    newest = withdrawal.again(kept).get_json()["id"]
    assert newest != new
    assert ada.call("DELETE", f"/submissions/{kept}").status_code == 200
    assert ada.call("GET", f"/submissions/{newest}/photo").status_code == 200
    assert "again_of" not in ada.call("GET", f"/submissions/{newest}").get_json()


def test_a_finding_goes_though_the_one_it_names_cannot_be_read(
    withdrawal: Withdrawal,
) -> None:
    alone = withdrawal.predicted(keep_photo="true")
    withdrawal.roll_back()
    new = withdrawal.again(alone).get_json()["id"]
    stored = withdrawal.backend.services.store.collection("submissions")
    stored.update({"number": alone}, {"$set": {"context": 7}})
    assert withdrawal.ada.call("DELETE", f"/submissions/{new}").status_code == 200
    assert "judged_again" not in stored.find({"number": alone})[0]


def test_what_cannot_be_judged_again_says_why(withdrawal: Withdrawal) -> None:
    same = withdrawal.again(withdrawal.kept)
    assert (same.status_code, same.get_json()["code"]) == (409, "judged_by_this_model")
    withdrawal.roll_back()
    refused = withdrawal.again(withdrawal.unkept)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "no_photo_to_judge")
    assert "another photo is needed" in refused.get_json()["error"]
    stranger = withdrawal.backend.member(role="doctor")
    assert withdrawal.again(withdrawal.kept, by=stranger).status_code == 404
    assert withdrawal.again(withdrawal.kept, by=withdrawal.ada).status_code == 403


def test_the_report_and_the_seal_say_that_the_version_was_withdrawn(withdrawal: Withdrawal) -> None:
    path = f"/submissions/{withdrawal.kept}/report"
    before = withdrawal.ada.call("GET", f"{path}.json").get_json()
    assert before["model_withdrawn_at"] is None
    withdrawal.roll_back()
    withdrawn_at = withdrawal.standing(withdrawal.kept)["withdrawn_at"]
    verify = f"/reports/verify/{before['verification']['hash']}"
    told = withdrawal.backend.client.get(verify).get_json()
    assert (told["newest"], told["superseded"]["model_withdrawn_at"]) == (False, withdrawn_at)
    after = withdrawal.ada.call("GET", f"{path}.json").get_json()
    assert after["model_withdrawn_at"] == withdrawn_at
    assert "bad, a version that was withdrawn" in withdrawal.ada.call("GET", f"{path}.html").text
    verify = f"/reports/verify/{after['verification']['hash']}"
    assert withdrawal.backend.client.get(verify).get_json()["newest"]


TOLD = {"age_band": "30-44", "sex": "female", "body_site": "back", "checklist": "none"}
AS_TOLD = {**TOLD, "checklist": ["none"]}
CORRECTIONS = [
    ({"age_band": "75+"}, ["age_band"]),
    ({"sex": None, "body_site": "ear"}, ["sex", "body_site"]),
    ({"checklist": ["change_in_size", "oozing"]}, ["checklist"]),
    ({"checklist": None}, ["checklist"]),
]


@pytest.mark.parametrize(("told", "corrected"), CORRECTIONS)
def test_a_corrected_fact_judges_the_kept_photo_anew_and_says_so(
    backend: Backend, told: dict[str, Any], corrected: list[str]
) -> None:
    doctor, ada = patient_in_care(backend)
    first = predicted(ada, photo_of("melanocytic_nevus"), keep_photo="true", **TOLD)["id"]
    path, body = f"/submissions/{first}/facts", {**AS_TOLD, **told}
    assert ada.call("PUT", path, json=AS_TOLD).get_json()["id"] == first, "nothing is corrected"
    before = ada.call("GET", f"/submissions/{first}/report.json").get_json()
    for by in (ada, doctor):
        made = by.call("PUT", path, json=body)
        assert made.status_code == 200, made.text
    new = made.get_json()["id"]
    assert made.get_json()["again_of"] == first
    found = ada.call("GET", f"/submissions/{new}").get_json()
    assert found["corrected"] == corrected
    stored = body if body["checklist"] != ["none"] else {**body, "checklist": []}
    assert {name: found["context"][name] for name in stored} == stored
    page = ada.call("GET", f"/submissions/{new}/report.html").text
    assert "corrected before: " in page
    after = ada.call("GET", f"/submissions/{first}/report.json").get_json()
    page = ada.call("GET", f"/submissions/{first}/report.html").text
    assert f"since then as finding {new}" in page
    hashes = [one["verification"]["hash"] for one in (before, after)]
    shown = [backend.client.get(f"/reports/verify/{one}").get_json() for one in hashes]
    assert [one["newest"] for one in shown] == [False, True], "the second one says it itself"
    assert shown[0]["superseded"]["judged_again_at"]
    assert (found["band"] == "urgent_referral") == ("oozing" in (body["checklist"] or ()))
    assert new in numbers(doctor, "/queue"), "it waits for a review as any new finding"
    before = ada.call("GET", f"/submissions/{first}").get_json()
    assert (before["judged_again"], before["context"]["age_band"]) == (new, "30-44")
    other = ada.call("PUT", path, json={**AS_TOLD, "sex": "male"})
    assert (other.status_code, other.get_json()["code"]) == (409, "not_the_newest")


def test_of_two_corrections_at_once_one_is_made(real_backend: Backend) -> None:
    ada = real_backend.member()
    other = twin(real_backend, ada)
    path = f"/submissions/{predicted(ada, keep_photo='true')['id']}/facts"
    answers = both(
        partial(ada.call, "PUT", path, json={"sex": "male"}),
        partial(other.call, "PUT", path, json={"sex": "female"}),
    )
    assert sorted(one.status_code for one in answers) == [200, 409]
    assert len(ada.pages("/submissions")) == 2


def test_a_correction_counts_for_the_photos_of_the_day(tmp_path: Path) -> None:
    ada = Backend(tmp_path, rate_predictions="2/day").member()
    first = predicted(ada, keep_photo="true")["id"]
    new = ada.call("PUT", f"/submissions/{first}/facts", json={"sex": "male"}).get_json()["id"]
    refused = ada.call("PUT", f"/submissions/{new}/facts", json={"sex": "female"})
    assert (refused.status_code, refused.get_json()["code"]) == (429, "prediction_quota_reached")


def test_a_patient_is_told_of_what_the_doctor_has_corrected(tmp_path: Path) -> None:
    backend = Backend(tmp_path, **MAIL)
    doctor, ada = patient_in_care(backend)
    owner = backend.account(ada.email).id
    first = predicted(ada, keep_photo="true")["id"]
    new = ada.call("PUT", f"/submissions/{first}/facts", json={"sex": "male"}).get_json()["id"]
    assert notices_to(backend, owner) == []
    doctor.call("PUT", f"/submissions/{new}/facts", json={"sex": "female"})
    assert notices_to(backend, owner) == ["judged_again"]


def test_a_fact_of_a_photo_that_was_not_kept_is_not_corrected(backend: Backend) -> None:
    _, ada = patient_in_care(backend)
    path = f"/submissions/{predicted(ada)['id']}/facts"
    refused = ada.call("PUT", path, json={"checklist": ["oozing"]})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "no_photo_to_judge")
    wrong = [
        {"age_band": "130"},
        {"body_site": "tail"},
        {"checklist": ["none", "oozing"]},
        {"checklist": ["warm"]},
        {"modality": "clinical"},
    ]
    for body in wrong:
        assert ada.call("PUT", path, json=body).status_code == 400, body


REASON = "This photo was taken of the next patient."


class Mistake:
    """A photo of Bob that was filed for Ada, who has told of herself. One doctor has both."""

    def __init__(self, backend: Backend, **told: Any) -> None:
        self.backend = backend
        self.doctor, self.ada = patient_in_care(backend)
        self.bob = patient_of(backend, self.doctor)
        self.to = backend.account(self.bob.email).id
        given = {"keep_photo": "true", "sex": "female", "age_band": "30-44", **told}
        self.wrong = predicted(self.ada, modality="dermoscopic", **given)["id"]

    def move(self, by: Person | None = None, **body: Any) -> TestResponse:
        sent = {"reason": REASON, "patient": self.to, **body}
        return (by or self.doctor).call("POST", f"/submissions/{self.wrong}/move", json=sent)


@pytest.fixture
def mistake(backend: Backend) -> Mistake:
    return Mistake(backend)


def stored(backend: Backend, number: int) -> Any:
    found = backend.services.data.submissions.find_by_number(number)
    assert found
    return found


def test_it_is_in_error_for_the_one_and_judged_again_for_the_other(tmp_path: Path) -> None:
    mistake = Mistake(Backend(tmp_path / "mails", **MAIL))
    backend, bob = mistake.backend, mistake.bob
    answer = mistake.move()
    assert answer.status_code == 200, answer.text
    moved = answer.get_json()
    assert moved == {"id": moved["id"], "moved_from": mistake.wrong}
    assert numbers(mistake.ada, "/submissions") == []
    assert numbers(bob, "/submissions") == numbers(mistake.doctor, "/queue") == [moved["id"]]
    gone = mistake.ada.call("GET", f"/submissions/{mistake.wrong}")
    assert (gone.status_code, gone.get_json()["code"]) == (404, "entered_in_error")
    new = stored(backend, moved["id"])
    assert new.context.modality == "dermoscopic"
    assert (new.context.sex, new.context.age_band, new.lesion, new.source) == (None,) * 4
    assert new.photo_blob is None  # Bob was never asked whether photos are kept
    ada, doctor = (backend.account(one.email).id for one in (mistake.ada, mistake.doctor))
    assert notices_to(backend, ada) == ["entered_in_error"]
    assert notices_to(backend, mistake.to) == ["filed"]
    old = stored(backend, mistake.wrong)
    assert acts_on(backend, old.id)[-1] == ("submission.enter_in_error", "done")
    (filed,) = backend.services.store.collection("audit").find({"target": new.id})
    assert (filed["action"], filed["by"], filed["owner"]) == (
        "submission.create", doctor, mistake.to,
    )  # fmt: skip
    assert mistake.move().get_json() == moved
    assert len(numbers(bob, "/submissions")) == 1
    assert [*backend.services.faults()] == []
    backend.services.store.close()


def test_the_right_patients_consent_and_a_named_spot_count(mistake: Mistake) -> None:
    bob = mistake.bob
    bob.call("PUT", "/me/consents", json={"photos": True})
    place = {"place": {"site": "back"}}
    spot = bob.call("POST", "/lesions", json=place).get_json()["id"]
    number = mistake.move(lesion=spot).get_json()["id"]
    new = stored(mistake.backend, number)
    assert (new.lesion, bool(new.photo_blob)) == (spot, True)
    assert numbers(bob, f"/lesions/{spot}/submissions") == [number]


def test_what_cannot_be_filed_for_the_right_one_stays_with_the_wrong_one(mistake: Mistake) -> None:
    other = mistake.backend.member()
    assert mistake.move(lesion="0" * 32).status_code == 404
    own = mistake.backend.account(mistake.ada.email).id
    assert mistake.move(patient=own).get_json()["code"] == "moved_to_same_patient"
    stranger = mistake.backend.account(other.email).id
    assert mistake.move(patient=stranger).status_code == 404
    assert numbers(mistake.ada, "/submissions") == [mistake.wrong]
    assert numbers(mistake.bob, "/submissions") == []
    # An admin knows of patients of any doctor, or none.
    assert mistake.move(mistake.backend.member(role="admin"), patient=stranger).status_code == 200
    assert mistake.move().get_json()["code"] == "entered_in_error"
    assert numbers(mistake.bob, "/submissions") == []
