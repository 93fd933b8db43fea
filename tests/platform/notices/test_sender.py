"""The sender: each mail at least once, to those who want it, whatever the mail server does."""

import ssl
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import certifi
import pytest

from skinapi.base.settings.value_checks import MailAddress
from skinapi.platform.notices import outbox, sender
from skinapi.platform.notices.outbox import WORDS, Kind, Notice
from skinapi.platform.notices.sender import MailServer, MailServerAway
from skinapi.platform.storage.ids import now
from tests.stores.kills import Killed
from tests.stores.mongod import free_port
from tests.support.backends import Backend, Person
from tests.support.smtp_server import Behaviour, SmtpServer, smtp_server

Pass = Callable[[], None]


@pytest.fixture
def send(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> Pass:
    """A pass of the sender, which has forgotten that the server was away."""
    monkeypatch.setattr(sender, "LONGEST_PAUSE_S", 0.0)
    return backend.app.background.notice_sender.make_pass


def tell(backend: Backend, person: Person, kind: Kind = Kind.REVIEWED, about: str = "") -> None:
    identifier = backend.account(person.email).id
    add = backend.services.data.outbox.add
    backend.services.store.transaction(lambda: add(kind, to=identifier, about=about))


def waiting(backend: Backend) -> list[Notice]:
    found = backend.services.store.collection("outbox").find()
    return [one for one in map(Notice.model_validate, found) if one.due_at]


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
    assert mail["Subject"] == "Un médecin a répondu"
    assert mail["Content-Language"] == "fr"
    assert str(mail["Message-ID"]).endswith("@example.org>")
    assert str(mail["From"]) == "SkinAPI <clinic@example.org>"
    assert mail.get_content().splitlines() == [
        "Un médecin vous a répondu. Connectez-vous pour lire la réponse.",
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
        backend.app.background.notice_sender.make_pass()
    assert [one.attempts for one in waiting(backend)] == [0]
    assert notes(backend) == []
    monkeypatch.setattr(outbox, "LATE", timedelta())
    assert notes(backend) == ["Mails that the mail server of SMTP_URL does not take: 1"]
    with smtp_server(port) as smtp:
        backend.app.background.notice_sender.make_pass()
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
    assert [one.attempts for one in waiting(backend)] == [1, 1]
    smtp.behaviour = Behaviour()
    send()
    assert smtp.mails == []
    monkeypatch.setattr(outbox, "now", lambda: now() + timedelta(minutes=2))
    send()
    assert sorted(smtp.recipients()) == sorted([ada.email, ben.email])


def test_what_was_not_noted_as_sent_is_sent_again_as_the_same_mail(
    backend: Backend, smtp: SmtpServer, send: Pass
) -> None:
    """As after a kill between the mail server's answer and the note of it."""
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
    assert ada.call("PUT", "/me/notices", json={"mail": False}).status_code == 200
    assert ada.call("GET", "/me").get_json()["notices"] is False
    tell(backend, ada)
    tell(backend, ada, Kind.PASSWORD_CHANGED)
    send()
    assert [mail["Subject"] for mail in smtp.mails] == ["Your password was changed"]
    assert waiting(backend) == []


@pytest.mark.parametrize("status", ["suspended", "deleting"])
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
    """`localhost`, as the certificate says."""
    return MailAddress(
        "localhost", smtp.server_address[1], tls=False, starttls=starttls, user="me", password="pw"
    )


def test_no_password_travels_where_a_far_server_offers_no_tls(smtp: SmtpServer) -> None:
    server = MailServer(address(smtp, starttls=True), hello="skin.example")
    with pytest.raises(MailServerAway), server.connected():
        pass
    assert [line.partition(" ")[0] for line in smtp.heard if line != "QUIT"] == ["ehlo"]


def test_the_password_travels_after_tls_has_begun(
    smtp: SmtpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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
    monkeypatch.setattr(certifi, "where", lambda: str(certificate))
    smtp.heard.clear()
    with MailServer(address(smtp, starttls=True), hello="skin.example").connected():
        pass
    words = [line.partition(" ")[0] for line in smtp.heard]
    assert words == ["ehlo", "STARTTLS", "ehlo", "AUTH", "QUIT"]
