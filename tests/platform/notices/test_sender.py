import ssl
import subprocess
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from skinapi.base.languages import LANGUAGES
from skinapi.base.settings.value_checks import MailAddress
from skinapi.care import messages as message_service
from skinapi.model.conditions import conditions_table
from skinapi.platform.notices import outbox, sender
from skinapi.platform.notices.mail_texts import WORDS
from skinapi.platform.notices.outbox import Kind, Notice
from skinapi.platform.notices.sender import MailServer, MailServerAway
from skinapi.platform.storage.ids import now
from skinapi.platform.stores import sqlite_documents
from tests.care.clinic import REFERRAL, URGENT, file_for, patient_in_care, review
from tests.care.conversation import Talk
from tests.stores.kills import Killed
from tests.stores.mongod import free_port
from tests.support.backends import MAIL, PASSWORD, Backend, Person
from tests.support.reviews import signed_review
from tests.support.smtp_server import Behaviour, SmtpServer, smtp_server

Pass = Callable[[], None]


@pytest.fixture
def send(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> Pass:
    monkeypatch.setattr(sender, "LONGEST_PAUSE_S", 0.0)
    return partial(backend.app.background.run, "notice-sender")


def tell(backend: Backend, person: Person, kind: Kind = Kind.NEWS, about: str = "") -> None:
    identifier = backend.account(person.email).id
    add = backend.services.data.outbox.add
    backend.services.store.transaction(lambda: add(kind, to=identifier, about=about))


def waiting(backend: Backend) -> list[Notice]:
    found = backend.services.store.collection("outbox").find()
    return [record for record in map(Notice.model_validate, found) if record.due_at]


def notes(backend: Backend) -> list[str]:
    answer = backend.client.get("/readyz")
    assert answer.status_code == 200
    found: list[str] = answer.get_json()["notes"]
    return found


def test_a_mail_is_a_sentence_and_a_link_in_the_language_of_the_person(
    backend: Backend, smtp: SmtpServer, send: Pass
) -> None:
    tell(backend, backend.member(locale="fr"), about="finding/7")
    send()
    [mail] = smtp.mails
    french = WORDS["fr"].switch_off
    assert mail["Subject"] == "Il y a du nouveau à lire pour vous"
    assert mail["Content-Language"] == "fr"
    assert str(mail["Message-ID"]).endswith("@example.org>")
    assert str(mail["From"]) == "SkinAPI <clinic@example.org>"
    assert mail.get_content().splitlines() == [
        WORDS["fr"].texts[Kind.NEWS],
        "",
        "http://127.0.0.1:5000/#/finding/7",
        "",
        french.format(page="http://127.0.0.1:5000/#/account"),
    ]
    assert french.startswith("Vous pouvez désactiver ces e-mails")
    assert waiting(backend) == []


def test_while_the_mail_server_is_down_mails_wait_and_readyz_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "LONGEST_PAUSE_S", 0.0)
    port = free_port()
    url = f"smtp://127.0.0.1:{port}"
    backend = Backend(tmp_path, smtp_url=url, mail_from="clinic@example.org")
    ada = backend.register("ada@example.org")
    assert backend.admin().call("PATCH", f"/users/{ada.email}/approve", json={}).status_code == 200
    for _ in range(3):
        backend.app.background.run("notice-sender")
    assert [item.attempts for item in waiting(backend)] == [0]
    assert notes(backend) == []
    monkeypatch.setattr(outbox, "LATE", timedelta())
    assert notes(backend) == ["Mails that the mail server of SMTP_URL does not take: 1"]
    with smtp_server(port) as smtp:
        backend.app.background.run("notice-sender")
        assert smtp.recipients() == [ada.email]
    assert notes(backend) == []
    backend.services.store.close()


def test_a_mail_that_is_refused_stops_no_other_and_is_sent_later(
    backend: Backend, smtp: SmtpServer, send: Pass, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, ben = backend.member(), backend.member()
    tell(backend, ada)
    tell(backend, ben)
    smtp.behaviour = Behaviour(says={"RCPT": "550 no such user"})
    send()
    assert smtp.mails == []
    assert [item.attempts for item in waiting(backend)] == [1, 1]
    smtp.behaviour = Behaviour()
    send()
    assert smtp.mails == []
    monkeypatch.setattr(outbox, "now", lambda: now() + timedelta(minutes=2))
    send()
    assert sorted(smtp.recipients()) == sorted([ada.email, ben.email])


def test_a_mail_that_is_refused_again_and_again_is_named_to_the_operator(
    backend: Backend, smtp: SmtpServer, send: Pass, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(backend, backend.member())
    smtp.behaviour = Behaviour(says={"RCPT": "550 no such user"})
    for minutes in (0, 2, 5):
        monkeypatch.setattr(outbox, "now", lambda ago=minutes: now() + timedelta(minutes=ago))
        send()
        assert notes(backend) == []
    monkeypatch.setattr(outbox, "now", lambda: now() + timedelta(minutes=10))
    send()
    [note] = notes(backend)
    assert "does not take" in note


def test_a_mail_that_waits_without_a_mail_server_is_sent_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its server was off for days, and SMTP_URL was removed."""
    before = Backend(tmp_path, **MAIL)
    grey, ada = patient_in_care(before)
    review(grey, file_for(before, ada, URGENT).number)
    before.services.store.close()
    backend = Backend(tmp_path)
    with monkeypatch.context() as patch:
        for module in (outbox, sqlite_documents):
            patch.setattr(module, "now", lambda: now() + timedelta(days=7))
        backend.app.background.run("notice-sender")
        assert "does not take" in notes(backend)[0]
    assert Kind.NEWS in [item.kind for item in waiting(backend)]
    backend.services.store.close()


def test_what_was_not_noted_as_sent_is_sent_again_as_the_same_mail(
    backend: Backend, smtp: SmtpServer, send: Pass
) -> None:
    tell(backend, backend.member())
    with pytest.MonkeyPatch.context() as patch:

        def kill(*_: object) -> None:
            raise Killed

        patch.setattr(backend.services.data.outbox, "mark_sent", kill)
        with pytest.raises(Killed):
            send()
    send()
    send()
    first, second = smtp.mails
    assert first["Message-ID"] == second["Message-ID"]


def test_who_switched_notices_off_gets_those_of_security_alone(
    backend: Backend, smtp: SmtpServer, send: Pass
) -> None:
    ada = backend.member()
    assert ada.call("GET", "/me").get_json()["notices"] is True
    assert ada.call("PATCH", "/me", json={"notices": False}).status_code == 200
    assert ada.call("GET", "/me").get_json()["notices"] is False
    tell(backend, ada)
    tell(backend, ada, Kind.PASSWORD_CHANGED)
    send()
    assert [mail["Subject"] for mail in smtp.mails] == ["Your password was changed"]
    assert waiting(backend) == []


@pytest.mark.parametrize("status", ["suspended", "closed"])
def test_an_account_that_is_closed_gets_no_mail(
    backend: Backend, smtp: SmtpServer, send: Pass, status: str
) -> None:
    ada = backend.member()
    tell(backend, ada)
    backend.edit(ada.email, status=status)
    send()
    assert smtp.mails == []
    assert waiting(backend) == []


def address(smtp: SmtpServer, *, starttls: bool) -> MailAddress:
    """The certificate names `localhost`."""
    return MailAddress(
        "localhost", smtp.server_address[1], tls=False, starttls=starttls, user="me", password="pw"
    )


def test_no_password_travels_where_a_far_server_offers_no_tls(smtp: SmtpServer) -> None:
    server = MailServer(address(smtp, starttls=True), hello="skin.example")
    with pytest.raises(MailServerAway), server.connected():
        pass
    assert [line.partition(" ")[0] for line in smtp.heard if line != "QUIT"] == ["ehlo"]


def test_the_password_travels_after_tls_has_begun_with_an_authority_of_the_clinic(
    smtp: SmtpServer, tmp_path: Path
) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    made = ["-keyout", str(key), "-out", str(certificate)]
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run(["openssl", "req", *kind, *name, *made], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    smtp.behaviour = Behaviour(tls=context)
    unknown = MailServer(address(smtp, starttls=True), hello="skin.example")
    with pytest.raises(MailServerAway), unknown.connected():
        pass
    assert not [line for line in smtp.heard if line.startswith("AUTH")]
    smtp.heard.clear()
    with MailServer(
        address(smtp, starttls=True), hello="skin.example", authorities=certificate
    ).connected():
        pass
    words = [line.partition(" ")[0] for line in smtp.heard]
    assert words == ["ehlo", "STARTTLS", "ehlo", "AUTH", "QUIT"]


def sent(backend: Backend, smtp: SmtpServer) -> list[tuple[str, str, str]]:
    backend.app.background.run("notice-sender")
    return [
        (str(mail["To"]), str(mail["Subject"]), mail.get_content().splitlines()[2])
        for mail in smtp.mails
    ]


def test_who_is_approved_is_told_and_not_told_again_after_a_suspension(
    backend: Backend, smtp: SmtpServer
) -> None:
    ada, root = backend.register("ada@example.org"), backend.admin()
    for verb in ("approve", "approve", "suspend", "approve"):
        root.call_ok("PATCH", f"/users/{ada.email}/{verb}", json={})
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


def test_a_mail_about_a_cancer_does_not_wait_for_others(
    backend: Backend, smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    grey, ada = patient_in_care(backend)
    first, second = (file_for(backend, ada, REFERRAL).number for _ in range(2))
    review(grey, first)
    body = {"photo_wanted": True, "certainty": "suspected"}
    signed_review(grey, second, body)
    page = "http://127.0.0.1:5000/#/finding"
    subject = "There is something new for you to read"
    grave = (ada.email, subject, f"{page}/{first}")
    assert sent(backend, smtp) == [grave]
    later = now() + timedelta(minutes=11)
    monkeypatch.setattr(outbox, "now", lambda: later)
    assert sent(backend, smtp) == [grave, (ada.email, subject, f"{page}/{second}")]


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
    page = f"http://127.0.0.1:5000/#/case/{number}"
    asked = (colleague.email, "A second opinion", page)
    assert sent(backend, smtp) == [asked]
    given = {"label": "melanoma", "comment": "Excise it."}
    answer = colleague.call("POST", f"/submissions/{number}/opinion", json=given)
    assert answer.status_code == 201, "and the patient hears nothing of it"
    assert sent(backend, smtp) == [asked, (grey.email, "A second opinion", page)]


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
        assert [name for name in (*names, *bands, *hints) if name in text] == []


def test_a_browser_that_never_opened_the_account_is_told(
    backend: Backend, smtp: SmtpServer
) -> None:
    """The first browser, a newer version of a known one, and repeats send no mail."""
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
    subject, page = "Did you log in?", "http://127.0.0.1:5000/#/forgotten"
    assert sent(backend, smtp) == [(ada.email, subject, page)]
    kept = backend.account(ada.email).browsers
    assert len(kept) == 3
    assert not any("Firefox" in item for item in kept)


def test_nothing_is_mailed_about_an_opened_or_deleted_finding(
    backend: Backend, smtp: SmtpServer
) -> None:
    doctor, ada = patient_in_care(backend)
    opened, deleted = (file_for(backend, ada, REFERRAL).number for _ in range(2))
    for number in (opened, deleted):
        review(doctor, number)
    assert [item.kind for item in waiting(backend)] == [Kind.NEWS] * 2
    assert ada.call("GET", f"/submissions/{opened}").status_code == 200
    assert ada.call("DELETE", f"/submissions/{deleted}").status_code == 200
    assert waiting(backend) == []
