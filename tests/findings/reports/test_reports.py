import io
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from skinapi.app.integrity_check import check_integrity
from skinapi.findings.reports.narrator import Narrator
from skinapi.findings.reports.verification import IssuedReport
from skinapi.findings.reports.words import say_moment
from skinapi.model.bands import band_of_condition
from skinapi.model.conditions import conditions_table
from skinapi.platform.storage.ids import new_id
from tests.findings.prediction.photographer import predicted
from tests.findings.reports.sample_reports import one_line, plain_text, text_of
from tests.support.backends import Backend, Person, erase
from tests.support.reviews import sign_review

TABLE = conditions_table()
PATHS = ("report.json", "report.html", "report.pdf")


def report_of(person: Person, number: int, **query: str) -> dict[str, Any]:
    answer = person.call("GET", f"/submissions/{number}/report.json", query_string=query)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.get_json()
    return body


def in_care(backend: Backend) -> tuple[Person, Person, int]:
    doctor = backend.member(role="doctor", name="Dr Grace Hopper")
    ada = backend.member(doctor_id=backend.account(doctor.email).id)
    return doctor, ada, predicted(ada, keep_photo="true")["id"]


def test_the_report_is_a_view_of_its_finding(ada: Person) -> None:
    made = predicted(ada, modality="dermoscopic", checklist="oozing", language="fr")
    body = report_of(ada, made["id"])
    for name in ("id", "class", "confidence", "band", "band_label", "action", "notice", "notices"):
        assert body[name] == made[name], name
    assert body["language"] == "fr"
    assert body["facts"]["context"]["checklist"] == ["oozing"]
    assert body["narrative"]["sections"] == made["report"]
    assert body["narrative"]["source"]["writer"] == "template"
    assert body["patient"] == {"name": made["user_name"], "email": made["user_email"]}
    assert body["review"] is None


def test_a_language_that_we_lack_is_answered_with_those_we_have(ada: Person) -> None:
    number = predicted(ada)["id"]
    assert report_of(ada, number)["language"] == "en"
    assert report_of(ada, number, lang="fr")["language"] == "fr"
    for path in PATHS:
        for lacking in ("de", "EN", "", "../fr"):
            answer = ada.call("GET", f"/submissions/{number}/{path}?lang={lacking}")
            assert answer.status_code == 406
            assert answer.get_json()["code"] == "no_such_language"
            assert answer.get_json()["error"].endswith(": en, fr")
    assert ada.call("GET", f"/submissions/{number}/report.json?language=fr").status_code == 400


@pytest.mark.parametrize("kept", [True, False])
def test_the_photo_stands_beside_its_overlay_where_it_was_kept(ada: Person, kept: bool) -> None:
    number = predicted(ada, keep_photo=str(kept).lower())["id"]
    printed = ada.call("GET", f"/submissions/{number}/report.pdf").data
    pages = PdfReader(io.BytesIO(printed)).pages
    assert sum(len(page.images) for page in pages) == 2 * kept
    assert ("No photo is kept" in text_of(printed)) is not kept
    page = ada.call("GET", f"/submissions/{number}/report.html").text
    assert page.count("data:image/jpeg") == 2 * kept
    assert ("No photo is kept" in page) is not kept


def test_what_was_printed_is_printed_again_to_the_byte(backend: Backend) -> None:
    ada = backend.member()
    number = predicted(ada, keep_photo="true")["id"]
    first, again = (ada.call("GET", f"/submissions/{number}/report.pdf") for _ in range(2))
    assert first.data == again.data
    [issued] = backend.stored()["reports"]
    assert backend.services.store.blobs.find(issued["pdf_blob"]) == first.data
    damage(backend, issued["pdf_blob"])
    assert ada.call("GET", f"/submissions/{number}/report.pdf").data == first.data
    [issued] = backend.stored()["reports"]
    backend.services.store.blobs.delete(issued["pdf_blob"])
    assert ada.call("GET", f"/submissions/{number}/report.pdf").data == first.data
    assert list(check_integrity(backend.services)) == []


def damage(backend: Backend, key: str) -> None:
    """Flip one bit of the file, as a failing disk does."""
    [path] = backend.settings.instance_dir.glob(f"blobs/*/{key}")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_report_whose_photo_is_damaged_says_so_and_is_printed(backend: Backend) -> None:
    ada = backend.member()
    number = predicted(ada, keep_photo="true")["id"]
    [finding] = backend.stored()["submissions"]
    [photo] = backend.settings.instance_dir.glob(f"blobs/*/{finding['photo_blob']}")
    whole = photo.read_bytes()
    damage(backend, finding["photo_blob"])
    told = "The kept photo is damaged, so neither photo nor heat map is shown"
    assert told in text_of(ada.call("GET", f"/submissions/{number}/report.pdf").data)
    assert told in ada.call("GET", f"/submissions/{number}/report.html").text
    photo.write_bytes(whole)
    assert "is damaged" not in text_of(ada.call("GET", f"/submissions/{number}/report.pdf").data)
    assert list(check_integrity(backend.services)) == []


def test_of_two_who_print_at_once_one_keeps_the_pdf(backend: Backend) -> None:
    ada = backend.member()
    report_of(ada, predicted(ada)["id"])
    issued = IssuedReport.model_validate(backend.stored()["reports"][0])
    for content in (b"first", b"second"):
        backend.services.data.issued.keep_pdf(issued, content, 1)
    [kept] = backend.services.store.blobs.keys()
    assert backend.services.store.blobs.find(kept) == b"first"


def test_a_review_makes_another_report_and_stands_in_it(backend: Backend) -> None:
    doctor, ada, number = in_care(backend)
    before = report_of(ada, number)
    for label, note in (("melanoma", "First look."), ("dermatofibroma", "Second look.")):
        body = {"label": label, "certainty": "sure", "note": note}
        answered = sign_review(doctor, number, body)
        assert answered.status_code == 201, answered.text
    after = report_of(ada, number)
    assert after["review"]["note"] == "Second look."
    assert after["verification"]["hash"] != before["verification"]["hash"]
    text = text_of(ada.call("GET", f"/submissions/{number}/report.pdf").data)
    page = ada.call("GET", f"/submissions/{number}/report.html").text
    for said in ("Second look.", "Dr Grace Hopper", "Dermatofibroma"):
        assert said in text
        assert said in page
    assert "First look." not in text + page


@pytest.mark.parametrize(
    ("lang", "not_covered"),
    [
        ("en", "The review of Dr Grace Hopper is not about this photo."),
        ("fr", "L'avis de Dr Grace Hopper ne porte pas sur cette photo."),
    ],
)
def test_a_note_about_an_earlier_photo_says_so_in_the_report_of_a_later_one(
    backend: Backend, lang: str, not_covered: str
) -> None:
    doctor, ada, number = in_care(backend)
    body = {"label": "melanocytic_nevus", "certainty": "sure", "note": "Nothing to do."}
    assert sign_review(doctor, number, body).status_code == 201
    spot = ada.call("GET", f"/submissions/{number}").get_json()["lesion"]
    later = predicted(ada, lesion=spot)["id"]
    for of, covered in ((number, True), (later, False)):
        path = f"/submissions/{of}/report.%s?lang={lang}"
        page = plain_text(ada.call("GET", path % "html").text)
        for text in (page, text_of(ada.call("GET", path % "pdf").data)):
            before, _, _ = one_line(text).partition("Nothing to do.")
            assert ("".join(before.split()).endswith("".join(not_covered.split()))) is not covered


def verdict(backend: Backend, hash: str, **options: Any) -> Any:
    return backend.client.get(f"/reports/verify/{hash}", **options)


def test_anyone_can_verify_and_learns_nothing_else(backend: Backend) -> None:
    ada = backend.member()
    seal = report_of(ada, predicted(ada)["id"])["verification"]
    assert seal["url"].endswith(f"/reports/verify/{seal['hash']}")
    number = ada.call("GET", "/submissions").get_json()[0]["id"]
    assert (
        verdict(backend, seal["hash"]).get_json()
        == {
            "valid": True,
            "issued_at": seal["issued_at"],
            "model_version": "tiny-1",
            "number": number,
            "language": "en",
            "pages": None,  # nobody has printed it
            "code": seal["hash"][:8],
            "newest": True,
            "changed_at": None,
        }
    )
    page = verdict_page(backend, seal["hash"])
    assert "This is the newest report" in page
    assert ada.email not in page


def verdict_page(backend: Backend, hash: str) -> str:
    text: str = verdict(backend, hash, headers={"Accept": "text/html"}).text
    return text


def test_the_seal_shows_what_a_paper_is_compared_with(backend: Backend) -> None:
    ada = backend.member()
    number = predicted(ada)["id"]
    printed = PdfReader(io.BytesIO(ada.call("GET", f"/submissions/{number}/report.pdf").data))
    seal = report_of(ada, number)["verification"]
    told = verdict(backend, seal["hash"]).get_json()
    assert told["pages"] == len(printed.pages) > 0
    page = verdict_page(backend, seal["hash"])
    issued = say_moment(datetime.fromisoformat(seal["issued_at"]), "en")
    for shown in (f"No. {number}", issued, "tiny-1", seal["hash"][:8]):
        assert shown in page
    assert seal["hash"] not in page


def test_the_seal_says_when_something_last_changed_and_nothing_of_what_it_says(
    backend: Backend,
) -> None:
    doctor, ada, number = in_care(backend)
    first, french = (
        report_of(ada, number, lang=language)["verification"]["hash"] for language in ("en", "fr")
    )
    assert verdict(backend, first).get_json()["newest"]
    said = {"label": "melanocytic_nevus", "certainty": "sure", "note": "Excised."}
    signed = sign_review(doctor, number, said).get_json()
    for code in (first, french):
        told = verdict(backend, code).get_json()
        assert (told["valid"], told["newest"]) == (True, False)
        assert told["changed_at"] == signed["created_at"]
    second = report_of(ada, number)["verification"]["hash"]
    assert verdict(backend, second).get_json()["newest"]
    path = f"/submissions/{number}/letters"
    draft = doctor.call("POST", path, json={"reader": "colleague"}).get_json()
    body = {"version": draft["version"], "text": f"{draft['text']}\n\nPlease read."}
    letter = doctor.call("POST", f"/letters/{draft['_id']}/sign", json=body).get_json()
    told = verdict(backend, second).get_json()
    assert (told["newest"], told["changed_at"]) == (False, letter["signed_at"])
    third = report_of(ada, number)["verification"]["hash"]
    assert verdict(backend, third).get_json()["newest"]
    path = f"/letters/{draft['_id']}/withdrawal"
    withdrawn = doctor.call("POST", path, json={"reason": "Wrong person."}).get_json()
    told = verdict(backend, third).get_json()
    assert told["changed_at"] == withdrawn["withdrawn"]["withdrawn_at"]
    page = verdict_page(backend, third)
    assert "The spot, or what is said of it, has changed since" in page
    assert "This is the newest report" not in page
    for secret in ("nevus", "Excised", "Please read", "Hopper", ada.email):
        assert secret not in page + str(told)


@pytest.mark.parametrize("hash", ["0" * 64, "٣" * 64, "A" * 64, "$ne"])
def test_what_was_never_issued_is_not_valid_and_says_no_more(
    shared_backend: Backend, hash: str
) -> None:
    answer = verdict(shared_backend, hash)
    told = answer.get_json()
    assert (told.pop("valid"), {*told.values()}) == (False, {None})
    page = verdict(
        shared_backend, hash, headers={"Accept": "text/html", "Accept-Language": "fr, en;q=0.5"}
    )
    assert "Aucun rapport" in page.text


def test_verifying_is_limited_by_address(tmp_path: Path) -> None:
    backend = Backend(tmp_path, rate_anonymous="3/minute")
    statuses = [verdict(backend, "0" * 64).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    backend.services.store.close()


def test_reports_go_with_their_finding_and_with_its_owner(any_backend: Backend) -> None:
    ada = any_backend.member()
    numbers = [predicted(ada, keep_photo="true")["id"] for _ in range(2)]
    hashes = [report_of(ada, number)["verification"]["hash"] for number in numbers]
    for query in ("", "?lang=fr"):
        ada.call("GET", f"/submissions/{numbers[0]}/report.pdf{query}")
    assert len(any_backend.stored()["reports"]) == 3
    assert ada.call("DELETE", f"/submissions/{numbers[0]}").status_code == 200
    assert not verdict(any_backend, hashes[0]).get_json()["valid"]
    assert verdict(any_backend, hashes[1]).get_json()["valid"]
    erase(any_backend.services, any_backend.account(ada.email))
    assert any_backend.stored().get("reports", []) == []
    assert list(any_backend.services.store.blobs.keys()) == []


def test_a_finding_deleted_while_it_is_printed_leaves_nothing(backend: Backend) -> None:
    ada = backend.member()
    number = predicted(ada, keep_photo="true")["id"]
    issued = backend.services.data.issued
    find, keep = issued.find_by_hash, issued.keep_pdf

    def delete_first(hash: str) -> IssuedReport | None:
        ada.call("DELETE", f"/submissions/{number}")
        return find(hash)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(issued, "find_by_hash", delete_first)
        assert ada.call("GET", f"/submissions/{number}/report.pdf").status_code == 404
    number = predicted(ada, keep_photo="true")["id"]

    def delete_before(*arguments: Any) -> None:
        ada.call("DELETE", f"/submissions/{number}")
        keep(*arguments)

    issued.keep_pdf = delete_before  # type: ignore[method-assign, assignment]
    ada.call("GET", f"/submissions/{number}/report.pdf")
    assert backend.stored().get("reports", []) == []
    assert list(backend.services.store.blobs.keys()) == []


def test_check_finds_reports_whose_finding_is_gone(backend: Backend) -> None:
    ada = backend.member()
    ada.call("GET", f"/submissions/{predicted(ada)['id']}/report.pdf")
    gone = new_id()
    [row] = backend.stored()["reports"]
    reports = backend.services.store.collection("reports")
    reports.update({"id": row["id"]}, {"$set": {"submission": gone}})
    [fault] = check_integrity(backend.services)
    assert fault.message.startswith(f"reports of submission {gone}, which is gone and was not")
    assert fault.repair is None
    backend.services.data.erased_ids.add("finding", gone)
    [fault] = check_integrity(backend.services)
    assert fault.message == f"reports of submission {gone}, which is gone"
    assert fault.repair
    fault.repair()
    assert list(check_integrity(backend.services)) == []
    assert list(backend.services.store.blobs.keys()) == []


def test_issuing_leaves_its_rows_in_the_trail_once(backend: Backend) -> None:
    ada = backend.member()
    number = predicted(ada)["id"]
    for path in PATHS:
        ada.call("GET", f"/submissions/{number}/{path}")
    rows = [(row["action"], row["outcome"]) for row in backend.audit()][1:]
    assert rows == [("report.issue", "done")]


def test_a_report_that_is_only_read_is_not_issued(backend: Backend) -> None:
    ada = backend.member()
    number = predicted(ada)["id"]
    before = backend.audit()
    to_read = f"/submissions/{number}/report.json?issue=false"
    read = ada.call("GET", to_read).get_json()
    assert read["verification"] is None
    assert backend.audit() == before
    assert backend.stored()["reports"] == []
    issued = ada.call("GET", f"/submissions/{number}/report.json").get_json()
    assert issued["verification"]
    assert {**issued, "verification": None} == read
    assert ada.call("GET", to_read).get_json() == issued
    for page in ("report.html", "report.pdf"):  # these are handed on
        answer = ada.call("GET", f"/submissions/{number}/{page}?issue=false")
        assert answer.status_code == 400


def test_a_finding_deleted_while_it_is_read_is_not_found(backend: Backend) -> None:
    ada = backend.member()
    number = predicted(ada)["id"]
    narrate = Narrator.narrate

    def delete_meanwhile(*arguments: Any, **words: Any) -> Any:
        ada.call("DELETE", f"/submissions/{number}")
        return narrate(*arguments, **words)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Narrator, "narrate", delete_meanwhile)
        answer = ada.call("GET", f"/submissions/{number}/report.json?issue=false")
    assert answer.status_code == 404


def state(person: Person, **body: Any) -> Any:
    return person.call("POST", "/generate_report", json={"class": "melanoma", **body})


def test_every_spelling_of_a_class_is_known(ada: Person) -> None:
    for spelling, key in sorted(TABLE.label_spellings().items())[::5]:
        body = state(ada, **{"class": f" {spelling.upper()} ", "confidence": 94.87}).get_json()
        assert (body["class"], body["confidence"]) == (TABLE.by_key(key).api_name, 94.87)


def test_a_stated_finding_becomes_the_contracts_four_keys_and_more(ada: Person) -> None:
    body = state(ada, confidence=0, ignored=True).get_json()
    sections = ("overview", "importance_of_early_detection", "recommendation")
    assert all(body[name] for name in (*sections, "confidence_explanation"))
    assert body["band"] == "urgent_referral"
    assert body["action"] in body["recommendation"]
    assert body["notice"] == TABLE.notices.information_only.en
    assert body["basis"] == "As entered; no picture was examined."
    assert body["narrative"]["source"]["writer"] == "template"
    french = state(ada, confidence=100, language="fr").get_json()
    assert "aucune image n'a été examinée" in french["basis"]
    assert state(ada, confidence=1, language="de").status_code == 406


def test_a_stated_finding_is_printed_on_request_and_never_kept(backend: Backend) -> None:
    ada = backend.member()
    by_field = state(ada, confidence=50, format="pdf")
    by_header = ada.call(
        "POST",
        "/generate_report",
        json={"class": "melanoma", "confidence": 50},
        headers={"Accept": "application/pdf"},
    )
    assert by_field.mimetype == by_header.mimetype == "application/pdf"
    assert by_field.data == by_header.data
    text = text_of(by_field.data)
    assert "As entered; no picture was examined." in text
    assert "it cannot be verified" in text
    assert backend.stored().get("reports", []) == []
    assert list(backend.services.store.blobs.keys()) == []


def test_a_stated_class_is_described_once_and_as_urgent_as_the_model_in_service_finds_it(
    backend: Backend,
) -> None:
    """A mole was "a cluster of cells" twice, and an actinic keratosis more urgent when stated."""
    ada, outputs = backend.member(), backend.services.models.list_outputs()
    text = text_of(state(ada, **{"class": "nevus", "confidence": 90, "format": "pdf"}).data)
    assert text.count("cluster") == 1
    for key in ("actinic_keratosis", "basal_cell_carcinoma"):
        band = state(ada, **{"class": key, "confidence": 90}).get_json()["band"]
        assert band == band_of_condition(key, outputs)


@pytest.mark.parametrize(
    "wrong",
    [
        {"confidence": 100.01},
        {"confidence": "50"},
        {"confidence": float("nan")},
        {"class": "wart"},
        {"class": "m" * 5000},
        {"format": "docx"},
        {},
    ],
)
def test_a_wrong_statement_is_refused(ada: Person, wrong: dict[str, Any]) -> None:
    answer = state(ada, **({"confidence": 50, **wrong} if wrong else {}))
    assert answer.status_code == 400, answer.text
    if wrong.get("class") == "wart":
        assert "basal cell carcinoma" in answer.get_json()["error"]
