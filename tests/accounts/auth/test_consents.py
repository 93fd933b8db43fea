import hashlib
import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from skinapi.accounts.auth import consents
from skinapi.accounts.auth.consents import (
    PURPOSES,
    ConsentText,
    Purpose,
    list_consent_texts,
    newest_text,
)
from skinapi.app.integrity_check import check_integrity
from skinapi.base.languages import LANGUAGES, LocalizedText
from skinapi.model.registry.inference import InferenceService
from skinapi.platform.storage.ids import now
from tests.care.clinic import URGENT, file_for
from tests.findings.prediction.photographer import predicted
from tests.support.backends import Backend, Person, both, erase, twin
from tests.support.reviews import signed_review
from tests.support.size import size

RECORDED = Path(__file__).parent / "consent_texts.json"


def show(person: Person, **query: str) -> dict[str, Any]:
    shown: dict[str, Any] = person.call_ok("GET", "/me/consents", query_string=query)
    return shown


def state_of(person: Person, purpose: str) -> dict[str, Any]:
    (state,) = [item for item in show(person)["consents"] if item["purpose"] == purpose]
    return dict(state)


def put(person: Person, **body: Any) -> Any:
    return person.call("PUT", "/me/consents", json=body)


def agree(person: Person, purpose: str, *, version: int = 1, given: bool = True) -> None:
    body = {purpose: given, "texts": {purpose: version}, "language": "en"}
    assert put(person, **body).status_code == 200


def hash_of(text: ConsentText) -> str:
    said = text.model_dump(include={"title", "text"})
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


@pytest.fixture
def second_text(monkeypatch: pytest.MonkeyPatch) -> None:
    words = LocalizedText(en="Another text", fr="Un autre texte")
    texts: dict[Purpose, tuple[ConsentText, ...]] = dict(list_consent_texts())
    texts["training"] += (ConsentText(version=2, title=words, text=words),)
    monkeypatch.setattr(consents, "list_consent_texts", lambda: texts)


def test_no_text_that_somebody_may_have_agreed_to_has_changed() -> None:
    """A new text is a new version: add a line to consent_texts.json, and change none."""
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    texts = {
        purpose: [hash_of(item) for item in each] for purpose, each in list_consent_texts().items()
    }
    assert texts == recorded


def test_every_purpose_has_its_text_in_the_language_that_is_asked_for(backend: Backend) -> None:
    ada = backend.member()
    english, french = (show(ada, lang=language)["consents"] for language in LANGUAGES)
    assert [item["purpose"] for item in english] == list(PURPOSES)
    assert all(item["given"] is None and not item["ask_again"] for item in english)
    titles = {item["newest"]["title"] for item in (*english, *french)}
    assert len(titles) == 2 * len(PURPOSES)
    assert ada.call("GET", "/me/consents?lang=de").status_code == 400


def test_each_change_is_noted_with_its_text_and_nothing_is_overwritten(backend: Backend) -> None:
    ada = backend.member()
    agree(ada, "training")
    assert put(ada, training=False).status_code == 200
    assert put(ada, llm=True).status_code == 200
    history = show(ada)["history"]
    said = [(item["purpose"], item["given"], item["version"], item["way"]) for item in history]
    assert said == [
        ("llm", True, None, "client"),
        ("training", False, None, "client"),
        ("training", True, 1, "console"),
    ]
    assert history[2]["language"] == "en"
    assert all(item["by_oneself"] for item in history)
    assert ada.call("GET", "/me").get_json()["consents"] == {"training": False, "llm": True}


def test_a_consent_whose_time_is_lost_is_damaged(backend: Backend) -> None:
    ada = backend.member()
    agree(ada, "training")
    stored = backend.services.store.collection("consents")
    (given,) = stored.find({"account": backend.account(ada.email).id})
    stored.update({"id": given["id"]}, {"$unset": {"created_at": True}})
    assert [fault for fault in check_integrity(backend.services) if given["id"] in fault.message]


def test_a_consent_under_an_earlier_text_stands_and_is_asked_again(
    backend: Backend, second_text: None
) -> None:
    ada = backend.member(consents={"training": True})
    account = backend.account(ada.email)
    given = {"account": account.id, "purpose": "training", "given": True, "by": account.id}
    backend.services.store.transaction(
        lambda: backend.services.data.consents.note(**given, way="console", version=1)
    )
    state = state_of(ada, "training")
    assert (state["given"], state["version"], state["ask_again"]) == (True, 1, True)
    assert state["newest"]["text"] == "Another text"
    assert state["agreed"]["version"] == 1
    assert backend.account(ada.email).may_teach
    agree(ada, "training", version=2)
    state = state_of(ada, "training")
    assert (state["version"], state["ask_again"], state["agreed"]) == (2, False, None)
    assert [item["version"] for item in show(ada)["history"]] == [2, 1]


def test_who_agreed_before_the_company_was_named_is_asked_again(backend: Backend) -> None:
    ada = backend.member()
    agree(ada, "llm", version=newest_text("llm").version)
    consents = backend.services.store.collection("consents")
    consents.update({"purpose": "llm"}, {"$set": {"version": 3}, "$unset": {"company": True}})
    state = state_of(ada, "llm")
    assert (state["given"], state["ask_again"], state["version"]) == (True, True, 3)
    assert "OpenRouter (United States)" in state["newest"]["text"]
    assert "outside the clinic" in state["newest"]["title"]
    assert "OpenRouter" not in state["agreed"]["text"]
    [french] = [item for item in show(ada, lang="fr")["consents"] if item["purpose"] == "llm"]
    assert "OpenRouter (États-Unis)" in french["newest"]["text"]
    assert "hors de la clinique" in french["newest"]["title"]
    agree(ada, "llm", version=newest_text("llm").version)
    assert state_of(ada, "llm")["ask_again"] is False


def test_another_company_than_the_one_agreed_to_is_asked_about(tmp_path: Path) -> None:
    ada = (backend := Backend(tmp_path)).member()
    agree(ada, "llm", version=newest_text("llm").version)
    agree(ada, "training")
    moved = Backend(tmp_path, backend.services.store, llm_company="Mistral AI (France)")
    ada = Person(moved.client, ada.token, ada.email)
    state = state_of(ada, "llm")
    assert (state["given"], state["ask_again"]) == (True, True)
    assert "internet to Mistral AI (France)." in state["newest"]["text"]
    assert "OpenRouter" in state["agreed"]["text"]
    assert state_of(ada, "training")["ask_again"] is False
    agree(ada, "llm", version=newest_text("llm").version)
    state = state_of(ada, "llm")
    assert (state["ask_again"], state["agreed"]) == (False, None)
    backend.services.store.close()


def test_nobody_agrees_to_a_text_that_was_replaced_while_it_was_read(
    backend: Backend, second_text: None
) -> None:
    ada = backend.member()
    before = backend.stored()
    answer = put(ada, training=True, texts={"training": 1})
    assert (answer.status_code, answer.get_json()["code"]) == (409, "consent_text_changed")
    assert backend.stored()["accounts"] == before["accounts"]
    assert show(ada)["history"] == []
    assert put(ada, training=False, texts={"training": 1}).status_code == 200


def test_what_was_agreed_to_before_texts_had_versions_stands_and_is_asked_again(
    backend: Backend,
) -> None:
    ada = backend.member(consents={"photos": True, "llm": False})
    photos, llm = state_of(ada, "photos"), state_of(ada, "llm")
    assert (photos["given"], photos["version"], photos["since"]) == (True, None, None)
    assert (photos["ask_again"], llm["ask_again"]) == (True, False)


def test_an_unknown_consent_is_refused_with_a_sentence(backend: Backend) -> None:
    ada = backend.member()
    before = backend.stored()
    for body in (
        {"selling": True},
        {"photos": "yes"},
        {"photos": True, "texts": {"photos": "1"}},
        {"photos": True, "texts": {"selling": 1}},
        {"photos": True, "language": "de"},
        {"photos": False, "erase_kept": "true"},
    ):
        answer = put(ada, **body)
        assert answer.status_code == 400, body
        assert answer.get_json()["error"]
    assert backend.stored() == before


def test_kept_photos_are_erased_with_the_consent_where_that_is_asked(backend: Backend) -> None:
    ada = backend.member(consents={"photos": True})
    number = predicted(ada)["id"]
    assert ada.call("GET", f"/submissions/{number}/report.pdf").status_code == 200
    assert ada.call("GET", f"/submissions/{number}/thumbnail").status_code == 200
    store = backend.services.store
    assert put(ada, photos=False, erase_kept=True).status_code == 200
    assert list(store.blobs.keys()) == []
    finding = ada.call("GET", f"/submissions/{number}").get_json()
    assert finding["id"] == number
    assert ada.call("GET", f"/submissions/{number}/photo").status_code == 404
    assert ada.call("GET", f"/submissions/{number}/report.pdf").status_code == 200
    assert list(check_integrity(backend.services)) == []
    actions = [row["action"] for row in backend.stored()["audit"]]
    assert "account.photos_erased" in actions


def test_kept_photos_stay_where_nobody_asks_for_their_erasure(backend: Backend) -> None:
    ada = backend.member(consents={"photos": True})
    number = predicted(ada)["id"]
    assert put(ada, photos=False).status_code == 200
    assert ada.call("GET", f"/submissions/{number}/photo").status_code == 200
    assert put(ada, erase_kept=True).status_code == 200
    assert ada.call("GET", f"/submissions/{number}/photo").status_code == 404


def test_photos_that_a_doctor_must_keep_by_law_are_not_erased(tmp_path: Path) -> None:
    backend = Backend(tmp_path, record_retention=10)
    doctor = backend.member(role="doctor")
    ada = backend.member(consents={"photos": True}, doctor_id=backend.account(doctor.email).id)
    number = predicted(ada)["id"]
    said = {"label": "melanoma", "certainty": "sure"}
    signed_review(doctor, number, said)
    refused = put(ada, photos=False, erase_kept=True)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "photos_kept_by_law")
    assert f"until {now().year + 10}-" in refused.get_json()["error"]
    assert backend.account(ada.email).consents == {"photos": True}
    assert put(ada, photos=False).status_code == 200
    assert ada.call("GET", f"/submissions/{number}/photo").status_code == 200
    backend.services.store.close()


def test_a_choice_for_one_photo_is_noted_where_it_differs(backend: Backend) -> None:
    ada = backend.member()
    predicted(ada, keep_photo="true")
    predicted(ada, keep_photo="false")  # nothing else was agreed to
    assert put(ada, photos=True).status_code == 200
    predicted(ada, keep_photo="true")
    predicted(ada, keep_photo="false")
    noted = [(item["given"], item["way"]) for item in show(ada)["history"]]
    assert noted == [(False, "photo"), (True, "client"), (True, "photo")]
    assert state_of(ada, "photos")["given"] is True


def test_no_colleague_is_asked_about_whom_refuses_it(backend: Backend) -> None:
    doctor, colleague = backend.member(role="doctor"), backend.member(role="doctor")
    ada = backend.member(doctor_id=backend.account(doctor.email).id)
    first, second = (file_for(backend, ada, URGENT).number for _ in range(2))
    asked = {"json": {"colleague": colleague.email}}
    assert doctor.call("PUT", f"/submissions/{first}/second-opinion", **asked).status_code == 200
    assert colleague.call("GET", f"/submissions/{first}").status_code == 200
    assert put(ada, sharing=False).status_code == 200
    assert colleague.call("GET", f"/submissions/{first}").status_code == 404
    refused = doctor.call("PUT", f"/submissions/{second}/second-opinion", **asked)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "sharing_refused")
    assert put(ada, sharing=True).status_code == 200
    assert doctor.call("PUT", f"/submissions/{second}/second-opinion", **asked).status_code == 200


def test_the_history_goes_with_its_account(backend: Backend) -> None:
    ada, bob = backend.member(), backend.member()
    for person in (ada, bob):
        agree(person, "training")
    erase(backend.services, backend.account(ada.email))
    left = {item["account"] for item in backend.stored()["consents"]}
    assert left == {backend.account(bob.email).id}


def test_of_two_changes_at_the_same_moment_none_is_lost(real_backend: Backend) -> None:
    ada = real_backend.member()
    other = twin(real_backend, ada)
    for given in (True, False):
        both(
            partial(put, ada, photos=given, llm=given),
            partial(put, other, training=given),
        )
        asked = ("photos", "llm", "training")
        assert real_backend.account(ada.email).consents == dict.fromkeys(asked, given)
    noted = sorted((item["purpose"], item["given"]) for item in show(ada)["history"])
    assert noted == sorted((purpose, given) for purpose in asked for given in (True, False))


def test_a_colleague_is_not_asked_beside_a_refusal_at_the_same_moment(
    real_backend: Backend,
) -> None:
    """The request is refused, or it came first and is withdrawn."""
    doctor, colleague = real_backend.member(role="doctor"), real_backend.member(role="doctor")
    ada = real_backend.member(doctor_id=real_backend.account(doctor.email).id)
    second = twin(real_backend, ada)
    number = file_for(real_backend, ada, URGENT).number
    path, body = f"/submissions/{number}/second-opinion", {"colleague": colleague.email}
    for _ in range(size(5, 40)):
        assert put(ada, sharing=True).status_code == 200
        both(
            lambda: doctor.call("PUT", path, json=body),
            lambda: put(second, sharing=False),
        )
        assert colleague.call("GET", f"/submissions/{number}").status_code == 404


def test_a_photo_whose_consent_ends_while_it_is_judged_is_not_kept(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = backend.member(consents={"photos": True})
    other = twin(backend, ada)
    classify = InferenceService.classify_pictures

    def withdraw_meanwhile(service: InferenceService, **asked: Any) -> Any:
        classified = classify(service, **asked)
        assert put(other, photos=False, erase_kept=True).status_code == 200
        return classified

    monkeypatch.setattr(InferenceService, "classify_pictures", withdraw_meanwhile)
    number = predicted(ada)["id"]
    assert ada.call("GET", f"/submissions/{number}/photo").status_code == 404
    assert list(backend.services.store.blobs.keys()) == []
    # The answer for this photo takes precedence over the general answer.
    kept = predicted(ada, keep_photo="true")["id"]
    assert ada.call("GET", f"/submissions/{kept}/photo").status_code == 200
