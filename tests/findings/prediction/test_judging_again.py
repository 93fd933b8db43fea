from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from skinapi.app.integrity_check import check_integrity
from skinapi.findings.records.stored_finding import MOST_VERSIONS
from skinapi.model.conditions import Band
from skinapi.model.registry.inference import InferenceService
from tests.care.clinic import judge_anew, numbers, patient_in_care, patient_of, review
from tests.findings.prediction.photographer import predicted
from tests.model.registry.test_models import OVERRIDE, ModelBackend
from tests.support.backends import MAIL, Backend, Person, twin
from tests.support.photos import photo_of
from tests.support.reviews import signed_review
from tests.use_cases.use_case import acts_on, notices_to

WITHDRAWN = "tiny-1"


class Withdrawal:
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
        self.root.call_ok("POST", f"/models/{version}/promote", json=OVERRIDE)
        self.backend.reloader.run_once()

    def roll_back(self) -> None:
        assert self.root.call("POST", "/models/rollback", json={}).status_code == 200
        self.backend.reloader.run_once()

    def lesion_status(self, number: int, by: Person | None = None) -> Any:
        return (by or self.ada).call("GET", f"/submissions/{number}").get_json()["model"]

    def again(self, number: int, by: Person | None = None) -> Any:
        return (by or self.doctor).call("POST", f"/submissions/{number}/judge-again")


@pytest.fixture
def withdrawal(tmp_path: Path) -> Withdrawal:
    return Withdrawal(ModelBackend(tmp_path), tmp_path)


def test_a_finding_says_what_became_of_the_version_that_made_it(withdrawal: Withdrawal) -> None:
    assert withdrawal.lesion_status(withdrawal.kept) == {
        "state": "in_service",
        "withdrawn_at": None,
    }
    withdrawal.backend.add(withdrawal.folder, "better")
    withdrawal.promote("better")
    assert withdrawal.lesion_status(withdrawal.kept) == {"state": "older", "withdrawn_at": None}
    withdrawal.roll_back()  # of "better": "bad" is in service again
    assert withdrawal.lesion_status(withdrawal.kept)["state"] == "in_service"
    withdrawal.roll_back()
    assert withdrawal.lesion_status(withdrawal.kept)["state"] == "withdrawn"
    withdrawal.promote("bad")
    assert withdrawal.lesion_status(withdrawal.kept)["state"] == "in_service"


def test_a_photo_that_another_model_judges_stays_one_finding(withdrawal: Withdrawal) -> None:
    kept, doctor, ada = withdrawal.kept, withdrawal.doctor, withdrawal.ada
    said = {"label": "melanoma", "certainty": "sure"}
    signed_review(doctor, kept, said)
    withdrawal.roll_back()
    before = ada.call("GET", f"/submissions/{kept}").get_json()
    made, again = withdrawal.again(kept), withdrawal.again(kept)
    assert made.status_code == 200, made.text
    assert again.get_json() == made.get_json(), "pressed twice"
    after = ada.call("GET", f"/submissions/{kept}").get_json()
    assert "Since then: the new judgement" in after["decision"].pop("signed_before")
    for name in ("_id", "id", "lesion", "decision", "time"):
        assert after[name] == before[name], name
    assert after["instruction"] == before["instruction"]
    assert (after["version"], after["model_version"], after["model"]["state"]) == (
        2, WITHDRAWN, "in_service",
    )  # fmt: skip
    [earlier] = after["versions"]
    assert (earlier["version"], earlier["model_version"]) == (1, before["model_version"])
    assert (earlier["judged_by"], earlier["report"]["confidence_explanation"]) == (
        "patient", before["report"]["confidence_explanation"],
    )  # fmt: skip
    assert numbers(ada, f"/lesions/{withdrawal.spot}/submissions") == [kept]
    rows = [row for row in withdrawal.backend.audit() if row["target"] == after["_id"]]
    account = withdrawal.backend.account(doctor.email).id
    assert ("submission.judge_again", account) in [(row["action"], row["by"]) for row in rows]


def test_what_cannot_be_judged_again_says_why(withdrawal: Withdrawal) -> None:
    same = withdrawal.again(withdrawal.kept)
    assert (same.status_code, same.get_json()["code"]) == (409, "judged_by_this_model")
    withdrawal.roll_back()
    refused = withdrawal.again(withdrawal.unkept)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "no_photo_kept")
    assert "another photo is needed" in refused.get_json()["error"]
    stranger = withdrawal.backend.member(role="doctor")
    assert withdrawal.again(withdrawal.kept, by=stranger).status_code == 404
    assert withdrawal.again(withdrawal.kept, by=withdrawal.ada).status_code == 403


def test_the_report_and_the_seal_say_that_the_version_was_withdrawn(withdrawal: Withdrawal) -> None:
    path = f"/submissions/{withdrawal.kept}/report"
    before = withdrawal.ada.call("GET", f"{path}.json").get_json()
    withdrawal.roll_back()
    withdrawn_at = withdrawal.lesion_status(withdrawal.kept)["withdrawn_at"]
    verify = f"/reports/verify/{before['verification']['hash']}"
    told = withdrawal.backend.client.get(verify).get_json()
    assert (told["newest"], told["changed_at"]) == (False, withdrawn_at)
    after = withdrawal.ada.call("GET", f"{path}.json").get_json()
    assert "bad, a version that was withdrawn" in withdrawal.ada.call("GET", f"{path}.html").text
    verify = f"/reports/verify/{after['verification']['hash']}"
    assert withdrawal.backend.client.get(verify).get_json()["newest"]


TOLD = {"age_band": "30-44", "sex": "female", "body_site": "back", "checklist": "none"}
AS_TOLD = {**TOLD, "checklist": ["none"]}
CORRECTIONS = [
    ({"age_band": "75+"}, ["age_band"]),
    ({"age_band": None, "age": 80}, ["age", "age_band"]),
    ({"sex": None, "body_site": "ear"}, ["sex", "body_site"]),
    ({"checklist": ["change_in_size", "oozing"]}, ["checklist"]),
    ({"checklist": None}, ["checklist"]),
    ({"modality": "clinical", "skin_tone": "dark"}, ["modality", "skin_tone"]),
]


class Corrected:
    def __init__(self, backend: Backend, **told: Any) -> None:
        self.backend = backend
        self.doctor, self.ada = patient_in_care(backend)
        given = {"keep_photo": "true", **TOLD, **told}
        self.number: int = predicted(self.ada, photo_of("melanocytic_nevus"), **given)["id"]
        self.path = f"/submissions/{self.number}"

    def correct(self, by: Person | None = None, **told: Any) -> TestResponse:
        body = {**AS_TOLD, "version": self.ada.newest_of(self.number), **told}
        return (by or self.ada).call("PUT", f"{self.path}/facts", json=body)

    def read(self, by: Person | None = None, of: str = "") -> Any:
        return (by or self.ada).call("GET", f"{self.path}{of}").get_json()

    def review(self, **said: Any) -> Any:
        return signed_review(self.doctor, self.number, said)


@pytest.fixture
def case(real_backend: Backend) -> Corrected:
    return Corrected(real_backend)


@pytest.mark.parametrize(("told", "corrected"), CORRECTIONS)
def test_a_corrected_fact_makes_a_version_that_says_so(
    backend: Backend, told: dict[str, Any], corrected: list[str]
) -> None:
    case = Corrected(backend)
    nothing = {"id": case.number, "version": 1, "corrected": [], "taken_back": []}
    assert case.correct().get_json() == nothing, "nothing is corrected"
    before = case.read(of="/report.json")["verification"]["hash"]
    for by, changed in ((case.ada, corrected), (case.doctor, [])):  # the same again, by whoever
        made = case.correct(by, **told)
        assert made.status_code == 200, made.text
        assert (made.get_json()["version"], made.get_json()["corrected"]) == (2, changed)
    found = case.read()
    assert found["corrected"] == corrected
    facts = {**AS_TOLD, **told}
    stored = facts if facts["checklist"] != ["none"] else {**facts, "checklist": []}
    assert {name: found["context"].get(name) for name in stored} == {
        **stored, "age_band": "75+" if "age" in told else stored["age_band"],
    }  # fmt: skip
    after = case.read(of="/report.json")["verification"]["hash"]
    shown = [backend.client.get(f"/reports/verify/{item}").get_json() for item in (before, after)]
    assert [item["newest"] for item in shown] == [False, True]
    assert shown[0]["changed_at"] == found["judged_at"]
    bleeds = "oozing" in (facts["checklist"] or ())
    assert (found["band"] == "urgent_referral") == found.get("more_urgent", False) == bleeds
    [row] = case.doctor.pages("/queue")
    assert (row["id"], row.get("more_urgent", False)) == (case.number, bleeds)


def test_what_is_put_in_a_spot_while_its_photo_is_judged_stays_there(
    case: Corrected, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = case.ada.call("POST", "/lesions", json={"place": {"site": "back"}})
    spot = made.get_json()["id"]
    judge, other = InferenceService.classify_pictures, twin(case.backend, case.ada)

    def classify(inference: InferenceService, **given: Any) -> Any:
        put = other.call("PUT", f"{case.path}/lesion", json={"lesion": spot})
        assert put.status_code == 200
        return judge(inference, **given)

    monkeypatch.setattr(InferenceService, "classify_pictures", classify)
    assert case.correct(age_band="75+").status_code == 200
    assert (case.read()["lesion"], case.read()["version"]) == (spot, 2)
    assert numbers(case.ada, f"/lesions/{spot}/submissions") == [case.number]


def test_more_than_twenty_versions_are_refused_with_the_way_out(backend: Backend) -> None:
    case = Corrected(backend)
    doctor = backend.account(case.doctor.email).id
    for _ in range(MOST_VERSIONS - 1):
        judge_anew(backend, case.number, Band.ROUTINE, by=doctor)
    refused = case.correct(case.doctor, age_band="75+")
    assert (refused.status_code, refused.get_json()["code"]) == (422, "too_many_versions")
    assert "take another photo" in refused.get_json()["error"]
    assert len(case.read()["versions"]) == MOST_VERSIONS - 1


def test_a_correction_counts_for_the_photos_of_the_day(tmp_path: Path) -> None:
    case = Corrected(Backend(tmp_path, rate_predictions="2/day"))
    assert case.correct(sex="male").status_code == 200
    refused = case.correct(sex="female")
    assert (refused.status_code, refused.get_json()["code"]) == (429, "prediction_quota_reached")


def test_a_patient_is_told_of_what_the_doctor_has_corrected(tmp_path: Path) -> None:
    case = Corrected(Backend(tmp_path, **MAIL))
    owner = case.backend.account(case.ada.email).id
    assert case.correct(sex="male").status_code == 200
    assert notices_to(case.backend, owner) == []
    assert case.correct(case.doctor, sex="female").status_code == 200
    assert notices_to(case.backend, owner) == ["news"]


def test_a_fact_of_a_photo_that_was_not_kept_is_not_corrected(backend: Backend) -> None:
    _, ada = patient_in_care(backend)
    path = f"/submissions/{predicted(ada)['id']}/facts"
    refused = ada.call("PUT", path, json={"checklist": ["oozing"]})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "no_photo_kept")
    wrong = [
        {"age_band": "130"},
        {"body_site": "tail"},
        {"checklist": ["none", "oozing"]},
        {"checklist": ["warm"]},
        {"modality": "x-ray"},
    ]
    for body in wrong:
        assert ada.call("PUT", path, json=body).status_code == 400, body


REASON = "This photo was taken of the next patient."


class Mistake:
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
    found = backend.services.data.findings.find_by_number(number)
    assert found
    return found


def test_nothing_is_moved_to_another_patient_while_a_sample_is_awaited(mistake: Mistake) -> None:
    review(mistake.doctor, mistake.wrong, sample="waiting")
    refused = mistake.move()
    assert (refused.status_code, refused.get_json()["code"]) == (409, "sample_awaited")
    assert numbers(mistake.bob, "/submissions") == []
    review(mistake.doctor, mistake.wrong, certainty="laboratory")
    first, again = mistake.move().get_json(), mistake.move().get_json()
    assert first == again
    assert first["decision_void"] is True


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
    assert (new.context.sex, new.context.age_band, new.source) == (None,) * 3
    assert new.lesion == new.id
    assert new.photo_blob is None  # Bob was never asked whether photos are kept
    ada, doctor = (backend.account(item.email).id for item in (mistake.ada, mistake.doctor))
    assert notices_to(backend, ada) == ["news"]
    assert notices_to(backend, mistake.to) == ["news"]
    old = stored(backend, mistake.wrong)
    assert acts_on(backend, old.id)[-1] == ("submission.enter_in_error", "done")
    (filed,) = backend.services.store.collection("audit").find({"target": new.id})
    assert (filed["action"], filed["by"], filed["owner"]) == (
        "submission.create", doctor, mistake.to,
    )  # fmt: skip
    assert mistake.move().get_json() == moved
    assert len(numbers(bob, "/submissions")) == 1
    assert [*check_integrity(backend.services)] == []
    backend.services.store.close()


@pytest.mark.parametrize("source", ["review", "comparison"])
def test_the_right_patient_reads_nothing_of_the_other_patients_spot(
    mistake: Mistake, source: str
) -> None:
    mole = photo_of("melanocytic_nevus")
    told = {"modality": "dermoscopic", "keep_photo": "true"}
    mistake.wrong = predicted(mistake.ada, mole, **told)["id"]
    review(mistake.doctor, mistake.wrong, urgency="doctor_review")
    rows = mistake.backend.services.store.collection("submissions")
    [row] = rows.find({"number": mistake.wrong})
    assert rows.update({"id": row["id"]}, {"$set": {"level": {**row["level"], "source": source}}})
    number = mistake.move().get_json()["id"]
    for reader in (mistake.bob, mistake.doctor):
        finding = reader.call("GET", f"/submissions/{number}").get_json()
        assert finding["instruction"]["band"] == "doctor_review"
        said = str(finding["report"])
        assert "This is what counts" in said
        assert "same spot" not in said


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
    # An admin may see that patients of any doctor exist.
    assert mistake.move(mistake.backend.member(role="admin"), patient=stranger).status_code == 200
    assert mistake.move().get_json()["code"] == "entered_in_error"
    assert numbers(mistake.bob, "/submissions") == []
