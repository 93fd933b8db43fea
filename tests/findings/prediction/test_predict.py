import html
import io
import json
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from PIL import Image

from skinapi.base.languages import LANGUAGES, Language
from skinapi.findings.reports.words import LABELS
from skinapi.model.conditions import Band, conditions_table
from skinapi.model.context import SkinTone
from skinapi.model.finding import say_untested_skin
from tests.care.clinic import patient_in_care
from tests.findings.prediction.photographer import predicted, send
from tests.support.backends import Backend, Person
from tests.support.photos import photo_in, photo_of

TABLE = conditions_table()
CONTRACT = ("_id", "id", "user_name", "user_email", "class", "confidence", "report", "time")
SECTIONS = [
    "overview",
    "importance_of_early_detection",
    "recommendation",
    "confidence_explanation",
]


def test_the_answer_has_the_contracts_keys_first_and_in_its_shape(ada: Person) -> None:
    body = predicted(ada)
    raw = send(ada).get_data(as_text=True)
    assert re.findall(r'"(\w+)":', raw)[: len(CONTRACT) - 1] == list(CONTRACT[:-1])
    assert list(body["report"]) == SECTIONS
    assert all(body["report"].values())
    assert re.fullmatch(r"[0-9a-f]{32}", body["_id"])
    assert isinstance(body["id"], int)
    assert (body["user_name"], body["user_email"]) == ("Ada Example", "ada@example.org")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", body["time"])
    assert body["class"] == "melanoma"
    assert 50 < body["confidence"] <= 100
    assert body["confidence"] == round(body["confidence"], 2)
    assert body["notice"] == TABLE.notices.information_only.en
    assert body["band"] == "urgent_referral"
    assert body["action"]
    assert body["model_version"] == "tiny-1"


def test_a_finding_holds_the_lock_of_all_processes_for_few_statements(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each statement releases the GIL, and waits for it while no other process can write."""
    totals = backend.services.data.totals  # else written with each finding, as where none serves
    monkeypatch.setattr(totals, "add", lambda *_: None)
    ada, sent = backend.member(), list[str]()
    predicted(ada)

    def note(_: object, sql: str, __: object) -> bool:
        sent.append(sql.split(maxsplit=1)[0])
        return True

    for _, _, connection in backend.services.store._opened:  # type: ignore[attr-defined]
        connection.exec_trace = note
    predicted(ada)
    written = sent[sent.index("BEGIN") : sent.index("COMMIT")]
    assert Counter(written) == {"BEGIN": 1, "SELECT": 1, "INSERT": 5, "UPDATE": 2}


def test_the_context_counts_and_comes_back(ada: Person) -> None:
    nevus = photo_of("melanocytic_nevus")
    unknown = predicted(ada, nevus)
    assert TABLE.notices.modality_unsure.en in unknown["notices"]
    assert unknown["modality"]["unsure"] is True
    body = predicted(
        ada,
        nevus,
        modality="dermoscopic",
        age_band="60-74",
        sex="female",
        body_site="back",
        fitzpatrick="3",
        skin_tone="medium",
        checklist="change_in_size,oozing",
    )
    assert body["context"] == {
        "modality": "dermoscopic",
        "age_band": "60-74",
        "sex": "female",
        "body_site": "back",
        "fitzpatrick": 3,
        "skin_tone": "medium",
        "checklist": ["change_in_size", "oozing"],
    }
    assert (body["checklist_score"], body["band"]) == (3, "urgent_referral")
    assert predicted(ada, nevus, checklist="none")["checklist_score"] == 0
    assert predicted(ada, nevus, checklist=" ,,")["checklist_score"] is None


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("sign", [item.key for item in TABLE.checklist.items][::3])
def test_a_told_sign_is_a_reason_to_see_a_doctor(
    ada: Person, sign: str, language: Language
) -> None:
    nevus, more = photo_of("melanocytic_nevus"), {"modality": "dermoscopic", "language": language}
    body = predicted(ada, nevus, checklist=sign, **more)
    assert (body["band"], body["raised_by"]) == ("doctor_review", ["told_signs"])
    why = TABLE.checklist.say_told([sign]).in_language(language)
    assert why in body["headline"]["patient"][language]
    assert why in body["report"]["overview"]
    path = f"/submissions/{body['id']}"
    report = ada.call("GET", f"{path}/report.json").get_json()
    assert report["reading"]["summary"]["likely"].endswith(why)
    [listed] = ada.call("GET", "/submissions?order=newest&limit=1").get_json()
    said = json.dumps([body, report, listed, ada.call("GET", path).get_json()], ensure_ascii=False)
    milder = TABLE.band_words(Band.SELF_MONITORING, language)
    assert not any(
        words in said for words in (milder.label, milder.action, "if it changes", "si cela change")
    )


def test_a_told_dermoscope_picture_is_banded_by_its_figures(ada: Person) -> None:
    body = predicted(ada, photo_of("melanocytic_nevus"), modality="dermoscopic")
    assert (body["band"], body["raised_by"]) == ("self_monitoring", ["most_probable"])
    assert body["modality"] == {
        "told": "dermoscopic",
        "recognised": "unknown",
        "dermoscopic_probability": None,
        "used": ["dermoscopic"],
        "unsure": False,
        "contradicted": False,
    }
    assert body["tested"] == [
        {
            "modality": "dermoscopic",
            "lesions": 1000,
            "malignant": 200,
            "sensitivity": 0.95,
            "tones": {"light": 0, "medium": 0, "dark": 0},
        }
    ]
    assert body["notices"][1:] == [
        (
            "Tested on 1,000 lesions (dermoscope pictures): of the 200 that count as malignant, "
            "95.0% were sent to a doctor."
        )
    ]
    assert body["most_probable"] == body["probabilities"][0]
    assert (body["cannot_be_ruled_out"], body["probabilities_from_picture"]) == ([], None)
    clinical = predicted(ada, photo_of("melanocytic_nevus"), modality="clinical")
    assert (clinical["band"], clinical["raised_by"]) == ("doctor_review", ["little_tested"])
    assert clinical["modality"]["used"] == ["clinical"]
    assert clinical["notices"][1].startswith("No test figures are known for ordinary photographs")


def test_a_told_skin_that_was_not_tested_is_said_and_is_for_a_doctor(ada: Person) -> None:
    nevus, told = photo_of("melanocytic_nevus"), {"modality": "dermoscopic", "skin_tone": "dark"}
    for language in LANGUAGES:
        body = predicted(ada, nevus, language=language, **told)
        assert (body["band"], body["raised_by"]) == ("doctor_review", ["untested_skin"])
        assert body["untested_skin"] == ["dark"]
        notice = say_untested_skin(SkinTone.DARK).in_language(language)
        assert notice in body["notices"]
        report = ada.call("GET", f"/submissions/{body['id']}/report.json").get_json()
        skin = TABLE.notices.skins["dark"]
        certainty = TABLE.notices.certainty.untested_skin.fill(skin=skin)
        assert report["reading"]["summary"]["certainty"] == certainty.in_language(language)
        assert notice in report["notices"]
        assert notice in report["reading"]["limits"]
        page = html.unescape(ada.call("GET", f"/submissions/{body['id']}/report.html").text)
        assert notice in page
        assert LABELS[language].say_fact("skin_tone", SkinTone.DARK) in page
    [*_, listed] = ada.call("GET", "/submissions").get_json()
    assert listed["band"] == "doctor_review"
    urgent = predicted(ada, photo_of("melanoma"), **told)
    assert urgent["band"] == "urgent_referral"
    assert urgent["untested_skin"] == ["dark"]


@pytest.mark.parametrize(
    ("options", "status", "says"),
    [
        ({"data": {}}, 400, "No image uploaded"),
        ({"data": {"image": "text"}, "content_type": "multipart/form-data"}, 400, "No image up"),
        ({"json": {"image": "x"}}, 400, "No image uploaded"),
        ({"data": {"photo": (io.BytesIO(b"x"), "a.jpg")}}, 400, "No image uploaded"),
        ({"data": {"image": (io.BytesIO(b"x"), "a.jpg"), "modality": "x"}}, 400, "modality: "),
        ({"data": {"image": (io.BytesIO(b"x"), "a.jpg"), "checklist": "x"}}, 400, "checklist: "),
        ({"data": {"image": (io.BytesIO(b"x"), "a.jpg"), "checklist": "none,oozing"}}, 400, "che"),
        ({"data": {"image": (io.BytesIO(b"x"), "a.jpg"), "age_band": "130"}}, 400, "age_band: "),
        ({"data": {"image": (io.BytesIO(b"x"), "a.jpg"), "age": "121"}}, 400, "age: "),
        (
            {"data": {"image": (io.BytesIO(b"x"), "a.jpg"), "age": "50", "age_band": "75+"}},
            400,
            "age is not within age_band",
        ),
        ({"data": {"image": (io.BytesIO(b"x"), "a.jpg"), "body_site": "tail"}}, 400, "body_site"),
        ({"data": {"image": (io.BytesIO(b"x"), "a.jpg"), "fitzpatrick": "9"}}, 400, "fitz"),
        ({"data": {"image": (io.BytesIO(b"x"), "a.jpg")}}, 422, "The file could not be read"),
    ],
)
def test_errors_have_the_sentences_of_the_angular_app(
    shared_backend: Backend, options: dict[str, Any], status: int, says: str
) -> None:
    answer = shared_backend.member().call("POST", "/predict", **options)
    assert answer.status_code == status
    body = answer.get_json()
    assert body["error"].startswith(says)
    assert body["error"] == body["message"]


def test_an_empty_filename_has_the_old_servers_sentence(ada: Person) -> None:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="image"; filename=""\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n\r\n--x--\r\n"
    )
    kind = "multipart/form-data; boundary=x"
    answer = ada.call("POST", "/predict", data=body, content_type=kind)
    assert (answer.status_code, answer.get_json()["error"]) == (400, "No photo was chosen")


def test_a_photo_that_cannot_be_judged_is_refused_and_nothing_kept(shared_backend: Backend) -> None:
    bob = shared_backend.member()
    black = io.BytesIO()
    Image.new("RGB", (300, 300)).save(black, "PNG")
    answer = send(bob, black.getvalue())
    assert (answer.status_code, answer.get_json()["code"]) == (422, "not_judgeable")
    assert answer.get_json()["error"] == TABLE.notices.refused["too_dark"].en
    french = send(bob, black.getvalue(), language="fr")
    assert french.get_json()["error"] == TABLE.notices.refused["too_dark"].fr
    assert bob.call("GET", "/submissions").get_json() == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_refused_photo_does_not_drop_the_referral_that_the_checklist_demands(
    shared_backend: Backend, language: Language
) -> None:
    bob, black = shared_backend.member(), photo_in((0, 0, 0))
    referral, told = TABLE.checklist.result.at_or_above, TABLE.checklist.say_told(["oozing"])
    for checklist, first in (("change_in_size,oozing", referral), ("oozing", told)):
        answer = send(bob, black, checklist=checklist, language=language)
        assert answer.status_code == 422
        retake = TABLE.notices.refused["too_dark"].in_language(language)
        assert answer.get_json()["error"] == f"{first.in_language(language)} {retake}"
    none = send(bob, black, checklist="none", language=language)
    assert none.get_json()["error"] == TABLE.notices.refused["too_dark"].in_language(language)


@pytest.mark.parametrize("reason", ["blurred", "too_dark", "too_bright", "too_small", "not_skin"])
def test_whoever_is_told_to_take_another_photo_is_told_of_the_doctor_too(reason: str) -> None:
    said = TABLE.notices.refused[reason]
    assert said.en.endswith("see a doctor.")
    assert said.fr.endswith("consultez un médecin.")


def test_a_retry_under_the_same_key_gets_the_same_answer(shared_backend: Backend) -> None:
    bob = shared_backend.member()
    first, again = predicted(bob, key="k-1"), predicted(bob, key="k-1")
    assert first == again
    assert len(bob.call("GET", "/submissions").get_json()) == 1
    other = send(bob, photo_of("dermatofibroma"), key="k-1")
    assert (other.status_code, other.get_json()["code"]) == (422, "idempotency_key_reused")
    for name, value in (("keep_photo", "true"), ("keep_photo", "false"), ("language", "fr")):
        changed = send(bob, None, key="k-1", **{name: value})
        assert (changed.status_code, changed.get_json()["code"]) == (422, "idempotency_key_reused")
    assert predicted(shared_backend.member(), key="k-1")["id"] != first["id"]
    assert predicted(bob, key="k-2")["id"] != first["id"]


def test_retries_at_once_make_one_finding(shared_backend: Backend) -> None:
    bob = shared_backend.member()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: predicted(bob, key="once"), range(8)))
    assert all(answer == answers[0] for answer in answers)
    assert len(bob.call("GET", "/submissions").get_json()) == 1


def test_a_doctor_files_a_photo_for_a_patient_in_care_with_that_patients_facts_and_consents(
    backend: Backend,
) -> None:
    doctor, ada = patient_in_care(backend)
    colleague, admin = backend.member(role="doctor"), backend.member(role="admin")
    patient = backend.account(ada.email).id
    backend.edit(doctor.email, birth_year=1930, sex="male")
    backend.edit(ada.email, birth_year=2001, sex="female", consents={"photos": False})
    for other in (colleague, admin, ada):
        assert send(other, patient=patient).status_code == (200 if other is ada else 404)
    filed = predicted(doctor, patient=patient, keep_photo="true")
    path = f"/submissions/{filed['id']}"
    shown = doctor.call("GET", path).get_json()
    assert (shown["patient_id"], shown["photo_kept"]) == (patient, False), "the patient refuses"
    assert (shown["context"]["sex"], shown["context"]["age_band"]) == ("female", "0-29")
    assert filed["id"] in [item["id"] for item in doctor.call("GET", "/queue").get_json()]
    row = next(row for row in backend.audit() if row["target"] == filed["_id"])
    assert (row["action"], row["by"], row["owner"]) == (
        "submission.create",
        backend.account(doctor.email).id,
        patient,
    )
    own = ada.call("GET", path).get_json()
    assert own["filed"]["sentence"].startswith("A doctor filed this photo of you here on ")
    assert "filed" not in ada.call("GET", f"/submissions/{predicted(ada)['id']}").get_json()
