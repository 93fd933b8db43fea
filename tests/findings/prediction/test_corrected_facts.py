from pathlib import Path
from typing import Any

import pytest

from skinapi.app.integrity_check import check_integrity
from skinapi.findings.records.stored_finding import MOST_BY_PATIENT, MOST_VERSIONS
from skinapi.model.classification import classify_photo
from skinapi.model.conditions import Band
from skinapi.model.context import PLACE_ON_SITE, Context
from skinapi.model.registry.prediction_pool import open_warm
from tests.care.clinic import judge_anew, patient_in_care
from tests.findings.prediction.photographer import predicted
from tests.findings.prediction.test_judging_again import Corrected, stored
from tests.support.backends import MAIL, Backend, Person
from tests.support.models import tiny_model
from tests.support.photos import photo_of
from tests.use_cases.use_case import acts_on, notices_to

SIGNS = ["change_in_size", "oozing"]
TOLD: dict[str, Any] = {"age_band": "75+", "sex": "male", "checklist": ",".join(SIGNS)}
ARM: dict[str, Any] = {
    "body_site": "upper_extremity",
    "body_laterality": "left",
    "body_side": "front",
}
MOLE = {"label": "melanocytic_nevus", "certainty": "sure", "urgency": "self_monitoring"}


def put(by: Person, case: Corrected, **body: Any) -> Any:
    return by.call("PUT", f"{case.path}/facts", json=body)


def changed(answer: Any) -> tuple[int, list[str], list[str]]:
    assert answer.status_code == 200, answer.text
    told = answer.get_json()
    return told["version"], told["corrected"], told["taken_back"]


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.get_json()["code"]


def test_what_a_correction_leaves_out_stays_and_with_it_the_urgency(backend: Backend) -> None:
    case = Corrected(backend, **TOLD, **ARM)
    before = case.read()
    assert before["band"] == "urgent_referral"
    assert changed(put(case.ada, case)) == (1, [], [])
    assert changed(put(case.ada, case, sex="female")) == (2, ["sex"], [])
    after = case.read()
    assert after["context"] == {**before["context"], "sex": "female"}
    assert after["band"] == "urgent_referral"


@pytest.mark.parametrize(
    ("body", "corrected", "taken_back"),
    [
        ({"sex": None}, ["sex"], ["sex"]),
        ({"checklist": None}, ["checklist"], ["checklist"]),
        ({"checklist": []}, ["checklist"], []),
        ({"checklist": ["none"], "skin_tone": "dark"}, ["skin_tone", "checklist"], []),
        ({"modality": None}, ["modality"], ["modality"]),
        ({"age": None}, ["age", "age_band"], ["age", "age_band"]),
        ({"age_band": "30-44"}, ["age", "age_band"], ["age"]),
        ({"age_band": "75+", "sex": "male"}, [], []),
        ({"age": 77}, ["age"], []),
        ({"body_site": "ear"}, ["body_site", *PLACE_ON_SITE], [*PLACE_ON_SITE]),
        (
            {"body_site": "ear", "body_laterality": "left"},
            ["body_site", "body_side"],
            ["body_side"],
        ),
    ],
)
def test_null_takes_back_and_the_answer_says_what_changed(
    backend: Backend, body: dict[str, Any], corrected: list[str], taken_back: list[str]
) -> None:
    told = {**TOLD, "age": "76", "modality": "clinical", **ARM}
    del told["age_band"]
    case = Corrected(backend, age_band="75+", **told)
    made = changed(put(case.ada, case, **body))
    assert made == (2 if corrected else 1, corrected, taken_back)
    assert case.read().get("corrected", []) == corrected


def test_what_an_answer_says_of_the_checklist_can_be_sent_back(backend: Backend) -> None:
    case = Corrected(backend)
    told = case.read()["context"]
    assert told["checklist"] == []
    assert changed(put(case.ada, case, checklist=told["checklist"])) == (1, [], [])


def test_from_the_second_version_on_a_correction_says_which_was_seen(backend: Backend) -> None:
    case = Corrected(backend)
    assert changed(put(case.ada, case, sex="male"))[0] == 2
    refused = put(case.doctor, case, age_band="75+")
    assert code(refused) == (409, "version_missing")
    assert "version 2" in refused.get_json()["error"]
    assert code(put(case.doctor, case, age_band="75+", version=1)) == (409, "changed_meanwhile")
    assert code(put(case.doctor, case, body_laterality="left")) == (409, "version_missing")
    assert changed(put(case.doctor, case, sex="male")) == (2, [], []), "it is so already"
    assert changed(put(case.doctor, case, age_band="75+", version=2))[0] == 3


# A correction that changes nothing of the judgement


def test_no_judgement_depends_on_the_place_on_a_site() -> None:
    photo = photo_of("melanoma")
    known = Context(age_band="75+", body_site="upper_extremity", checklist=("oozing",))
    model = open_warm(tiny_model())
    plain = classify_photo(model, photo, known)
    values = {"body_laterality": ("left", "middle", "right"), "body_side": ("front", "rear")}
    assert values.keys() == {*PLACE_ON_SITE}
    for name, told in values.items():
        for value in told:
            found = classify_photo(model, photo, known.corrected({name: value}))
            assert found.model_copy(update={"timings": plain.timings}) == plain


def test_a_corrected_side_is_no_version_and_every_reader_learns_of_it(
    backend: Backend,
) -> None:
    case = Corrected(backend, **TOLD, **ARM)
    before, paper = case.read(), case.read(of="/report.json")["verification"]["hash"]
    asked = f"{case.path}/report.html"
    assert "Corrected" not in case.ada.call("GET", asked).text
    was = stored(backend, case.number)
    assert changed(put(case.ada, case, body_laterality="right")) == (1, ["body_laterality"], [])
    assert changed(put(case.ada, case, body_laterality="right")) == (1, [], []), "sent again"
    assert changed(put(case.doctor, case, body_side=None)) == (1, ["body_side"], ["body_side"])
    after, now_stored = case.read(), stored(backend, case.number)
    assert after["context"]["body_laterality"] == "right"
    assert "body_side" not in after["context"]
    first, second = after["amended"]
    assert (first["amended_by"], first["before"]) == ("patient", {"body_laterality": "left"})
    assert (second["amended_by"], second["before"]) == ("clinic", {"body_side": "front"})
    told = {"context", "amended", "heat"}
    assert {k: v for k, v in after.items() if k not in told} == {
        k: v for k, v in before.items() if k not in told
    }
    assert now_stored.changed > was.changed, "for who asks what has changed"
    assert (now_stored.finding, now_stored.earlier) == (was.finding, ())
    account = backend.account(case.doctor.email).id
    acts = backend.services.store.collection("audit").find({"target": was.id})
    assert [(row["action"], row["by"] == account) for row in acts][-2:] == [
        ("submission.amend", False), ("submission.amend", True),
    ]  # fmt: skip
    verdict = backend.client.get(f"/reports/verify/{paper}").get_json()
    assert verdict["changed_at"]
    assert case.read(of="/report.json")["verification"]["hash"] != paper
    page = case.ada.call("GET", asked).text
    for said in ("right", "Body site", "Corrected"):
        assert said in page
    assert [*check_integrity(backend.services)] == []


def test_a_side_is_corrected_without_a_photo_or_one_of_the_days(tmp_path: Path) -> None:
    backend = Backend(tmp_path, rate_predictions="1/day", **MAIL)
    doctor, ada = patient_in_care(backend)
    number = predicted(ada, **ARM)["id"]
    path = f"/submissions/{number}/facts"
    for side in ("right", "middle", "right"):
        ada.call_ok("PUT", path, json={"body_laterality": side})
    assert notices_to(backend, backend.account(ada.email).id) == []
    assert doctor.call("PUT", path, json={"body_laterality": "left"}).status_code == 200
    assert notices_to(backend, backend.account(ada.email).id) == ["news"]
    refused = ada.call("PUT", path, json={"body_laterality": "right", "sex": "male"})
    assert code(refused) == (409, "no_photo_kept")
    assert acts_on(backend, stored(backend, number).id)[-1] == ("submission.amend", "done")
    backend.services.store.close()


def test_what_is_judged_while_a_side_is_corrected_does_not_lose_it(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = Corrected(backend, **ARM)
    findings = backend.services.findings
    before = stored(backend, case.number)
    assert changed(put(case.ada, case, body_laterality="right"))[0] == 1
    monkeypatch.setattr(type(findings.access), "get", lambda *_, **__: (
        findings.records.see_one(before), backend.account(case.ada.email),
    ))  # fmt: skip
    assert code(put(case.ada, case, sex="male")) == (409, "changed_meanwhile")
    assert stored(backend, case.number).context.body_laterality == "right"


# By whom


def test_what_a_doctor_has_told_makes_no_finding_of_a_patient_milder(real_backend: Backend) -> None:
    case = Corrected(real_backend, **ARM, sex="male")
    before = case.read()["band"]
    signs = {"checklist": [*SIGNS, "irregular_shape"]}
    assert changed(put(case.doctor, case, **signs)) == (2, ["checklist"], [])
    assert case.read()["band"] == "urgent_referral" != before
    for milder in (["none"], None):
        refused = put(case.ada, case, checklist=milder, version=2)
        assert code(refused) == (409, "told_by_another")
    assert case.read()["version"] == 2
    # A correction that makes nothing milder is accepted, and cannot be used to get around the rule.
    assert changed(put(case.ada, case, sex="female", version=2))[1] == ["sex"]
    more = [*signs["checklist"], "diameter_7mm_or_more"]
    assert changed(put(case.ada, case, checklist=more, version=3))[1] == ["checklist"]
    refused = put(case.ada, case, checklist=["none"], version=4)
    assert code(refused) == (409, "told_by_another")
    assert changed(put(case.doctor, case, checklist=["none"], version=4))[1] == ["checklist"]
    assert case.read()["band"] == before


# How often


def test_a_patients_corrections_leave_the_doctor_some(backend: Backend) -> None:
    case = Corrected(backend, **ARM)
    for _ in range(MOST_BY_PATIENT - 1):
        judge_anew(backend, case.number, Band.ROUTINE)
    seen = {"version": MOST_BY_PATIENT}
    refused = put(case.ada, case, age_band="75+", **seen)
    assert code(refused) == (422, "too_many_corrections")
    assert "doctor in charge" in refused.get_json()["error"]
    assert changed(put(case.doctor, case, age_band="75+", **seen))[0] == MOST_BY_PATIENT + 1
    for time in range(MOST_BY_PATIENT):
        side = ("right", "left")[time % 2]
        seen = {"version": MOST_BY_PATIENT + 1}
        assert changed(put(case.ada, case, body_laterality=side, **seen))[1]
    last = put(case.ada, case, body_laterality="middle", **seen)
    assert code(last) == (422, "too_many_corrections")
    assert changed(put(case.doctor, case, body_laterality="middle", **seen))[1]
    assert MOST_BY_PATIENT < MOST_VERSIONS


def urgent_mails(case: Corrected) -> int:
    doctor = case.backend.account(case.doctor.email).id
    return notices_to(case.backend, doctor).count("urgent")


def toggle(case: Corrected) -> None:
    for told in (["none"], SIGNS):
        answer = put(case.ada, case, checklist=told, version=case.ada.newest_of(case.number))
        assert answer.status_code == 200, answer.text


def test_the_doctor_is_mailed_when_a_corrected_finding_becomes_urgent(tmp_path: Path) -> None:
    case = Corrected(Backend(tmp_path, **MAIL))
    toggle(case)
    assert urgent_mails(case) == 1
    case.review(**MOLE)
    for _ in range(2):  # the second time it is urgent already
        toggle(case)
        assert urgent_mails(case) == 2
    case.backend.services.store.close()
