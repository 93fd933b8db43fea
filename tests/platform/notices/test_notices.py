"""Who is told of what, and in which words."""

from datetime import timedelta

import pytest

from skinapi.base.languages import LANGUAGES
from skinapi.care import messages as message_service
from skinapi.model.conditions import conditions_table
from skinapi.platform.notices import outbox
from skinapi.platform.notices.outbox import WORDS, Kind
from skinapi.platform.storage.ids import now
from tests.care.clinic import REFERRAL, URGENT, file_for, patient_in_care, review
from tests.care.conversation import Talk
from tests.support.backends import PASSWORD, Backend
from tests.support.smtp_server import SmtpServer


def sent(backend: Backend, smtp: SmtpServer) -> list[tuple[str, str, str]]:
    """To whom, the subject, and the link."""
    backend.app.background.notice_sender.make_pass()
    return [
        (str(mail["To"]), str(mail["Subject"]), mail.get_content().splitlines()[2])
        for mail in smtp.mails
    ]


def test_who_is_approved_is_told_and_not_told_again_after_a_suspension(
    backend: Backend, smtp: SmtpServer
) -> None:
    ada, root = backend.register("ada@example.org"), backend.admin()
    for verb in ("approve", "approve", "suspend", "approve"):
        answer = root.call("PATCH", f"/users/{ada.email}/{verb}", json={})
        assert answer.status_code == 200
    assert sent(backend, smtp) == [(ada.email, "Your account is open", "http://127.0.0.1:5000/#/")]


def test_who_is_refused_is_told_why_by_mail_but_not_what_the_admin_has_written(
    backend: Backend, smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, root = backend.register("ada@example.org"), backend.admin()
    backend.edit(ada.email, locale="fr")
    chosen = {"accounts": [backend.account(ada.email).id]}
    body = {**chosen, "reason": "wrong_role", "note": "Ask the ward."}
    assert root.call("POST", "/accounts/refusals", json=body).status_code == 200
    assert sent(backend, smtp) == [], "it may be taken back at once"
    later = now() + timedelta(minutes=2)
    monkeypatch.setattr(outbox, "now", lambda: later)
    sent(backend, smtp)
    [mail] = smtp.mails
    assert mail["Subject"] == "Votre compte n'a pas été approuvé"
    assert mail.get_content().splitlines() == [
        WORDS["fr"].texts[Kind.REFUSED],
        "",
        WORDS["fr"].refusals["wrong_role"],
        "",
        "http://127.0.0.1:5000/#/",
    ]


def test_a_patient_is_told_of_a_review_and_that_a_new_photo_is_wanted(
    backend: Backend, smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    grey, ada = patient_in_care(backend)
    first, second = (file_for(backend, ada, REFERRAL).number for _ in range(2))
    review(grey, first)
    body = {"new_picture_wanted": True, "certainty": "unsure"}
    assert grey.call("POST", f"/submissions/{second}/review", json=body).status_code == 201
    page = "http://127.0.0.1:5000/#/finding"
    grave = (ada.email, "A doctor has answered", f"{page}/{first}")
    assert sent(backend, smtp) == [grave], "the other one waits for more"
    later = now() + timedelta(minutes=11)
    monkeypatch.setattr(outbox, "now", lambda: later)
    wanted = (ada.email, "Your doctor asks for a new photo", f"{page}/{second}")
    assert sent(backend, smtp) == [grave, wanted]


def test_the_doctor_in_charge_is_told_of_an_urgent_finding_and_of_no_other(
    backend: Backend, smtp: SmtpServer
) -> None:
    grey, ada = patient_in_care(backend)
    file_for(backend, ada, REFERRAL)
    file_for(backend, backend.member(), URGENT)
    assert sent(backend, smtp) == []
    file_for(backend, ada, URGENT)
    subject = "Something in your queue should be seen soon"
    assert sent(backend, smtp) == [(grey.email, subject, "http://127.0.0.1:5000/#/queue")]


def test_a_colleague_is_told_who_is_asked_for_an_opinion_unless_it_is_withdrawn_first(
    backend: Backend, smtp: SmtpServer
) -> None:
    grey, ada = patient_in_care(backend)
    colleague = backend.member(role="doctor")
    number = file_for(backend, ada, REFERRAL).number
    path, body = f"/submissions/{number}/second-opinion", {"colleague": colleague.email}
    assert grey.call("PUT", path, json=body).status_code == 200
    assert grey.call("DELETE", path).status_code == 200
    assert sent(backend, smtp) == []
    assert grey.call("PUT", path, json=body).status_code == 200
    subject = "A colleague asks for your opinion"
    page = f"http://127.0.0.1:5000/#/case/{number}"
    asked = (colleague.email, subject, page)
    assert sent(backend, smtp) == [asked]
    signed = {"label": "melanoma", "certainty": "sure"}
    answer = colleague.call("POST", f"/submissions/{number}/review", json=signed)
    assert answer.status_code == 201, "and the patient hears nothing of it"
    assert sent(backend, smtp) == [asked, (grey.email, "A colleague has answered you", page)]


def test_one_mail_tells_of_the_messages_of_a_spot_until_they_are_read(
    backend: Backend, smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = Talk(backend)
    talk.sent(talk.ada)
    assert sent(backend, smtp) == [], "who reads it soon gets none"
    talk.read(talk.grey)
    assert backend.stored()["outbox"] == []
    monkeypatch.setattr(message_service, "MAILED_AFTER", timedelta())
    for by in (talk.grey, talk.ada, talk.grey, talk.ada):
        talk.sent(by)
    page = "http://127.0.0.1:5000/#"
    told = [
        (talk.ada.email, "You have a message", f"{page}/spot/{talk.lesion}"),
        (talk.grey.email, "You have a message", f"{page}/course/{talk.lesion}"),
    ]
    assert sent(backend, smtp) == told
    talk.read(talk.ada)
    talk.sent(talk.grey)
    later = now() + timedelta(minutes=11)
    monkeypatch.setattr(outbox, "now", lambda: later)
    assert sent(backend, smtp) == [*told, told[0]]


def test_no_mail_says_anything_clinical() -> None:
    table = conditions_table()
    for language in LANGUAGES:
        words = WORDS[language]
        assert words.subjects.keys() == words.texts.keys() == {*Kind}
        said = [*words.subjects.values(), *words.texts.values(), words.switch_off]
        text = " ".join(said).lower()
        names = [table.name(key, language).lower() for key in table.labels]
        bands = [entry.in_language(language).label.lower() for entry in table.bands]
        hints = ["lesion", "lésion", "melanom", "cancer", "skin", "peau", "mole", "grain", "spot"]
        assert [one for one in (*names, *bands, *hints) if one in text] == []


def test_a_browser_that_never_opened_the_account_is_told(
    backend: Backend, smtp: SmtpServer
) -> None:
    """Not the first one, nor a newer version of a known one, nor anything twice."""
    ada = backend.member()
    for browser in (
        "Firefox/140.0 (X11)",
        "Firefox/141.2 (X11)",
        "Chrome/9",
        "curl/8",
        "Chrome/10",
    ):
        answer = backend.app.test_client().post(
            "/login",
            json={"email": ada.email, "password": PASSWORD},
            headers={"User-Agent": browser},
        )
        assert answer.status_code == 200
    subject, page = "A new browser opened your account", "http://127.0.0.1:5000/#/forgotten"
    assert sent(backend, smtp) == [(ada.email, subject, page)]
    kept = backend.account(ada.email).browsers
    assert len(kept) == 3
    assert not any("Firefox" in one for one in kept)
