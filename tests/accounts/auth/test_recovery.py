import re
from datetime import timedelta
from typing import Any

import pytest

from skinapi.accounts.auth import guess_limits
from skinapi.platform.storage.ids import now
from tests.support.backends import PASSWORD, Backend, Person
from tests.support.clock import Clock
from tests.support.smtp_server import SmtpServer

NEW = "another horse"


@pytest.fixture
def given(smtp: SmtpServer) -> dict[str, str]:
    return {"smtp_url": smtp.url, "mail_from": "clinic@example.org"}


def ask(backend: Backend, email: str) -> Any:
    answer = backend.client.post("/password/forgotten", json={"email": email})
    backend.app.background.run("link-mailer")
    backend.app.background.run("notice-sender")
    return answer


def token_in(text: str) -> str:
    [token] = re.findall(r"/#/forgotten/(\S+)", text)
    return str(token)


def reset(backend: Backend, token: str, password: str = NEW) -> Any:
    body = {"token": token, "new_password": password}
    return backend.client.post("/password/reset", json=body)


def handed(backend: Backend, email: str) -> str:
    return token_in(backend.admin().call_ok("POST", f"/users/{email}/password-link")["link"])


def login(backend: Backend, email: str, password: str) -> int:
    body = {"email": email, "password": password}
    return backend.client.post("/login", json=body).status_code


def is_in(person: Person) -> bool:
    return person.call("GET", "/me").status_code == 200


def actions(backend: Backend, email: str) -> list[tuple[str, str]]:
    account = backend.account(email).id
    return [(row["action"], row["by"]) for row in backend.audit() if row["target"] == account]


def test_with_the_link_of_a_mail_one_chooses_a_password_once_and_all_sessions_end(
    backend: Backend, smtp: SmtpServer
) -> None:
    ada = backend.member()
    assert ask(backend, ada.email.upper()).status_code == 200
    [mail] = smtp.mails
    assert mail["To"] == ada.email
    token = token_in(mail.get_content())
    assert is_in(ada)
    assert reset(backend, token).status_code == 200
    assert not is_in(ada)
    assert (login(backend, ada.email, PASSWORD), login(backend, ada.email, NEW)) == (401, 200)
    again = reset(backend, token, "a third horse")
    assert (again.status_code, again.get_json()["code"]) == (403, "invalid_password_link")
    identifier = backend.account(ada.email).id
    assert actions(backend, ada.email) == [
        ("account.password_link", "anonymous"),
        ("account.password", identifier),
    ]
    backend.app.background.run("notice-sender")
    assert smtp.mails[1]["Subject"] == "Your password was changed"


def test_the_answer_is_the_same_whether_or_not_there_is_an_account(
    backend: Backend, smtp: SmtpServer
) -> None:
    there = backend.member()
    suspended = backend.member(status="suspended")
    answers = [
        ask(backend, email).get_json()
        for email in (there.email, suspended.email, "nobody@example.org", "no address")
    ]
    assert answers[0]["message"].startswith("If this address has an account")
    assert answers == [answers[0]] * 4
    assert smtp.recipients() == [there.email]


def test_ten_requests_for_one_address_send_three_mails_and_answer_the_same(
    backend: Backend, smtp: SmtpServer
) -> None:
    ada = backend.member()
    answers = {ask(backend, ada.email).text for _ in range(10)}
    assert len(answers) == 1
    assert len(smtp.mails) == guess_limits.LINKS_PER_HOUR == 3
    assert reset(backend, token_in(smtp.texts()[0])).status_code == 200


def test_a_link_by_mail_is_dead_after_an_hour_and_is_not_sent_then(
    backend: Backend, smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    ada = backend.member()
    ask(backend, ada.email)
    token = token_in(smtp.texts()[0])
    backend.client.post("/password/forgotten", json={"email": ada.email})
    backend.app.background.run("link-mailer")
    clock.ahead = timedelta(minutes=61)
    assert reset(backend, token).status_code == 403
    backend.app.background.run("notice-sender")
    assert len(smtp.mails) == 1


def test_a_new_password_kills_the_links_from_before(backend: Backend) -> None:
    ada = backend.member()
    first, second, third = (handed(backend, ada.email) for _ in range(3))
    assert reset(backend, first).status_code == 200
    assert reset(backend, second, "a third horse").status_code == 403
    fourth = handed(backend, ada.email)
    now_in = backend.log_in(ada.email, NEW)
    body = {"current_password": NEW, "new_password": "a third horse"}
    assert now_in.call("PUT", "/me/password", json=body).status_code == 200
    assert {reset(backend, dead).status_code for dead in (third, fourth)} == {403}


def test_a_token_that_nobody_made_opens_nothing(backend: Backend) -> None:
    ada = backend.member()
    token = handed(backend, ada.email)
    for spoilt in (
        token[:-1] + ("0" if token[-1] != "0" else "1"),
        token.partition(".")[0],
        "0" * 32 + token[32:],
        "." + token,
        "\ud800",
        "../../x.y",
    ):
        assert reset(backend, spoilt).status_code in (400, 403)
    assert login(backend, ada.email, PASSWORD) == 200


def test_what_is_stored_opens_nothing(backend: Backend) -> None:
    ada = backend.member()
    token = handed(backend, ada.email)
    assert token not in str(backend.stored())
    secret = token.partition(".")[2]
    assert secret not in str(backend.stored())


def test_a_link_ends_an_initial_password_and_a_short_one_is_refused(backend: Backend) -> None:
    ended = now() - timedelta(hours=1)
    grey = backend.member(role="doctor", initial_password_expires_at=ended)
    token = handed(backend, grey.email)
    assert reset(backend, token, "short").status_code == 400
    assert reset(backend, token).status_code == 200
    assert login(backend, grey.email, NEW) == 200


def test_a_link_opens_no_suspended_account_and_none_that_is_gone(backend: Backend) -> None:
    ada, ben = backend.member(), backend.member()
    tokens = [handed(backend, item.email) for item in (ada, ben)]
    root = backend.admin()
    root.call("PATCH", f"/users/{ada.email}/suspend")
    root.call("DELETE", f"/users/{ben.email}")
    assert [reset(backend, token).status_code for token in tokens] == [403, 403]
    root.call("PATCH", f"/users/{ada.email}/approve", json={})
    assert login(backend, ada.email, PASSWORD) == 200


def test_without_a_mail_server_the_answer_names_the_admin_and_an_admins_link_works(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    backend = Backend(tmp_path_factory.mktemp("no mail"))
    ada = backend.member()
    for email in (ada.email, "nobody@example.org"):
        answer = backend.client.post("/password/forgotten", json={"email": email})
        assert (answer.status_code, answer.get_json()["code"]) == (409, "no_mail_server")
    assert reset(backend, handed(backend, ada.email)).status_code == 200
    assert backend.services.store.collection("outbox").find() == []
    assert backend.log_in(ada.email, NEW).call("GET", "/me").get_json()["notices"] is None
    backend.services.store.close()
