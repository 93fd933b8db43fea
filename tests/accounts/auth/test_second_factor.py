import base64
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from skinapi.accounts.auth import second_factor
from skinapi.accounts.auth.errors import SecondFactorNotGiven, WrongCode
from skinapi.accounts.auth.guess_limits import CODES_PER_HOUR
from skinapi.accounts.auth.passwords import ClientInfo
from skinapi.accounts.auth.second_factor import RECOVERY_CODES, code_at, step_of
from skinapi.platform.storage.ids import now
from skinapi.platform.web.declaration import Public, route_of
from tests.support.backends import PASSWORD, SECRET, Backend, Person
from tests.support.smtp_server import SmtpServer

# RFC 6238, appendix B.
VECTORS = {59: "94287082", 1111111109: "07081804", 20000000000: "65353130"}

HOME, FAR = "127.0.0.1", "192.0.2.7"


class App:
    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.now = now()
        patch.setattr(second_factor, "now", lambda: self.now)

    def pass_time(self, **much: float) -> None:
        self.now += timedelta(**much)

    def code(self, secret: str, **off: float) -> str:
        return code_at(base64.b32decode(secret), step_of(self.now + timedelta(**off)))


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> App:
    return App(monkeypatch)


@pytest.fixture
def given(smtp: SmtpServer) -> dict[str, Any]:
    mail = {"smtp_url": smtp.url, "mail_from": "clinic@example.org"}
    return {"require_second_factor": "researcher, admin", **mail}


@pytest.fixture
def doctor(backend: Backend) -> Person:
    return backend.member(role="doctor")


def begin(person: Person, password: str = PASSWORD) -> Any:
    return person.call("POST", "/me/second-factor", json={"current_password": password})


def confirm(person: Person, code: str) -> Any:
    return person.call("POST", "/me/second-factor/confirm", json={"code": code})


def set_up(person: Person, app: App) -> tuple[str, list[str]]:
    """Return the secret and the recovery codes. The code of the current minute is usable again."""
    secret = str(begin(person).get_json()["secret"])
    answer = confirm(person, app.code(secret))
    assert answer.status_code == 200, answer.text
    app.pass_time(minutes=2)
    return secret, answer.get_json()["recovery_codes"]


def login(
    backend: Backend, email: str, code: object = None, *, at: str = HOME, password: str = PASSWORD
) -> Any:
    body: dict[str, object] = {"email": email, "password": password}
    if code is not None:
        body |= {"code": code}
    address = {"REMOTE_ADDR": at}
    return backend.app.test_client().post("/login", json=body, environ_base=address)


def spend_all_codes(backend: Backend, email: str, *, at: str) -> None:
    for wrong in ("000000", "aaaa-aaaa-aaaa-aaaa"):
        answers = [outcome(login(backend, email, wrong, at=at)) for _ in range(CODES_PER_HOUR + 1)]
        assert (answers[0], answers[-1]) == (WRONG, (429, "too_many_codes"))


def outcome(answer: Any) -> tuple[int, str | None]:
    return answer.status_code, answer.get_json().get("code")


DROPPED = {"factor_given": True}
OK, WRONG, WANTED = (200, None), (403, "wrong_code"), (403, "code_required")


def actions(backend: Backend, person: Person) -> list[tuple[str, bool]]:
    account = backend.account(person.email).id
    return [
        (row["action"], row["by"] == account)
        for row in backend.audit()
        if row["target"] == account
        and row["outcome"] == "done"
        and row["action"].startswith(("account.second", "account.rec"))
    ]


@pytest.mark.parametrize(("seconds", "code"), VECTORS.items())
def test_the_codes_are_those_of_rfc_6238(seconds: int, code: str) -> None:
    step = step_of(datetime.fromtimestamp(seconds, UTC))
    assert code_at(b"12345678901234567890", step, digits=8) == code


def test_a_login_asks_for_a_code_which_works_once(
    backend: Backend, doctor: Person, app: App
) -> None:
    secret, _ = set_up(doctor, app)
    assert outcome(login(backend, doctor.email)) == WANTED
    assert outcome(login(backend, doctor.email, "000000")) == WRONG
    code = app.code(secret)
    assert outcome(login(backend, doctor.email, f" {code[:3]} {code[3:]}")) == OK
    assert outcome(login(backend, doctor.email, code)) == WRONG
    app.pass_time(seconds=30)
    assert outcome(login(backend, doctor.email, app.code(secret, seconds=-30))) == WRONG
    assert outcome(login(backend, doctor.email, app.code(secret))) == OK


def as_of_old_code(backend: Backend, person: Person) -> tuple[Person, str]:
    account = backend.account(person.email)
    token = backend.token_of(account)
    _, refresh_token = backend.services.data.sessions.open(account, renews=True)
    sessions = backend.services.store.collection("sessions")
    sessions.update_all({"account": account.id, "factor_given": False}, {"$unset": DROPPED})
    assert refresh_token
    return Person(backend.client, token, person.email), refresh_token


def refreshed(backend: Backend, token: str) -> Any:
    return backend.client.post("/auth/refresh", json={"refresh_token": token})


def paths(backend: Backend) -> Iterator[tuple[str, str]]:
    for rule in backend.app.url_map.iter_rules():
        route = route_of(backend.app, rule.endpoint)
        if route and not isinstance(route.access, Public):
            yield route.method, re.sub("<int:.*?>", "1", re.sub("<(?!int).*?>", "x", rule.rule))


def test_a_token_of_code_that_asks_for_no_second_factor_opens_no_route_and_is_not_renewed(
    backend: Backend, app: App
) -> None:
    admin = backend.member(role="admin")
    set_up(admin, app)
    old, refresh_token = as_of_old_code(backend, admin)
    answers = {path: old.call(*path).text for path in paths(backend)}
    assert len(answers) > 100
    opened = [path for path, text in answers.items() if SecondFactorNotGiven.sentence not in text]
    assert opened == []
    assert outcome(old.call("GET", "/me")) == (401, "second_factor_not_given")
    assert outcome(refreshed(backend, refresh_token)) == (401, "invalid_refresh_token")


def test_a_session_that_gave_a_code_opens_also_after_a_refresh_and_a_new_password(
    backend: Backend, doctor: Person, app: App
) -> None:
    secret, recovery = set_up(doctor, app)
    body: dict[str, object] = {"email": doctor.email, "password": PASSWORD, "refresh": True}
    body |= {"code": app.code(secret)}
    given = backend.client.post("/login", json=body).get_json()
    renewed = refreshed(backend, given["refresh_token"]).get_json()
    person = Person(backend.client, renewed["access_token"], doctor.email)
    body = {"current_password": PASSWORD, "new_password": "another horse"}
    changed = person.call("PUT", "/me/password", json=body).get_json()
    assert Person(backend.client, changed["access_token"]).call("GET", "/me").status_code == 200
    body = {"email": doctor.email, "current_password": "another horse", "new_password": PASSWORD}
    replaced = backend.client.post("/password", json={**body, "code": recovery[0]}).get_json()
    assert Person(backend.client, replaced["access_token"]).call("GET", "/me").status_code == 200


def test_setting_it_up_ends_all_sessions_but_the_one_that_gave_the_code(
    backend: Backend, doctor: Person, app: App
) -> None:
    other = Person(backend.client, backend.token_of(backend.account(doctor.email)), doctor.email)
    assert other.call("GET", "/me").status_code == 200
    set_up(doctor, app)
    assert doctor.call("GET", "/me").status_code == 200
    assert other.call("GET", "/me").status_code == 401
    assert len(doctor.call("GET", "/me/sessions").get_json()) == 1


def test_without_a_second_factor_a_login_answers_as_ever(backend: Backend, doctor: Person) -> None:
    before = login(backend, doctor.email)
    begin(doctor)  # and never confirmed
    answer = login(backend, doctor.email, "not looked at")
    assert (
        {*answer.get_json()}
        == {*before.get_json()}
        == {
            "access_token",
            "role",
            "collection",
            "must_change_password",
        }
    )


@pytest.mark.parametrize(("off", "expected"), [(-60, WRONG), (-30, OK), (30, OK), (60, WRONG)])
def test_a_clock_may_be_off_by_half_a_minute(
    backend: Backend, doctor: Person, app: App, off: int, expected: tuple[int, str | None]
) -> None:
    secret, _ = set_up(doctor, app)
    app.pass_time(minutes=10)
    answer = login(backend, doctor.email, app.code(secret, seconds=off))
    assert outcome(answer) == expected
    if expected == WRONG:
        assert "the clock of your device may be wrong" in answer.get_json()["error"]


def test_each_recovery_code_opens_the_account_once_however_it_is_spaced(
    backend: Backend, doctor: Person, app: App
) -> None:
    _, recovery = set_up(doctor, app)
    assert len({*recovery}) == RECOVERY_CODES
    typed = [recovery[0], recovery[1].upper(), recovery[2].replace("-", " "), f" {recovery[3]} "]
    for code in typed:
        assert outcome(login(backend, doctor.email, code)) == OK
        assert outcome(login(backend, doctor.email, code)) == WRONG
    left = doctor.call("GET", "/me").get_json()["recovery_codes_left"]
    assert left == RECOVERY_CODES - len(typed)
    used = [("account.recovery_code", True)] * len(typed)
    assert actions(backend, doctor) == [("account.second_factor", True), *used]


def test_of_many_requests_with_one_code_at_once_one_passes(
    backend: Backend, doctor: Person, app: App
) -> None:
    secret, recovery = set_up(doctor, app)
    account = backend.account(doctor.email)

    def use(code: str) -> bool:
        try:
            backend.services.second_factor.verify(account, code, ClientInfo("127.0.0.1"))
        except WrongCode:
            return False
        return True

    for code in (app.code(secret), recovery[0]):
        with ThreadPoolExecutor(5) as pool:
            assert sum(pool.map(use, [code] * 5)) == 1


def test_after_too_many_wrong_codes_a_right_one_waits_too_and_the_trail_says_so(
    backend: Backend, doctor: Person, app: App
) -> None:
    secret, _ = set_up(doctor, app)
    for _ in range(CODES_PER_HOUR):
        assert outcome(login(backend, doctor.email, "000000")) == WRONG
    for _ in range(2):
        answer = login(backend, doctor.email, app.code(secret))
        assert outcome(answer) == (429, "too_many_codes")
    assert 0 < int(answer.headers["Retry-After"]) <= 3600
    account = backend.account(doctor.email).id
    told = [row for row in backend.audit() if row["action"] == "account.guessing"]
    assert [row["target"] for row in told] == [account]


def test_who_knows_the_password_cannot_lock_the_owner_out_of_the_recovery_codes(
    backend: Backend, doctor: Person, app: App
) -> None:
    secret, recovery = set_up(doctor, app)
    spend_all_codes(backend, doctor.email, at=FAR)
    assert outcome(login(backend, doctor.email, app.code(secret))) == (429, "too_many_codes")
    assert outcome(login(backend, doctor.email, recovery[0])) == OK


@pytest.mark.parametrize("way", ["the owner", "a link"])
def test_a_new_password_gives_all_codes_back(
    backend: Backend, doctor: Person, app: App, way: str
) -> None:
    secret, recovery = set_up(doctor, app)
    spend_all_codes(backend, doctor.email, at=HOME)
    new = "another horse"
    if way == "the owner":
        body = {"current_password": PASSWORD, "new_password": new}
        assert doctor.call("PUT", "/me/password", json=body).status_code == 200
    else:
        link, _ = backend.services.recovery.hand_link(email=doctor.email, by="system")
        body = {"token": link.rpartition("/")[2], "new_password": new}
        assert backend.client.post("/password/reset", json=body).status_code == 200
    for code in (app.code(secret), recovery[0]):
        assert outcome(login(backend, doctor.email, code, password=new)) == OK


def test_an_address_becomes_known_by_a_code_and_not_by_the_password_alone(
    backend: Backend, doctor: Person, app: App
) -> None:
    secret, _ = set_up(doctor, app)
    before = backend.stored()["known_addresses"]
    login(backend, doctor.email, at=FAR)
    login(backend, doctor.email, "000000", at=FAR)
    assert backend.stored()["known_addresses"] == before
    login(backend, doctor.email, app.code(secret), at=FAR)
    assert len(backend.stored()["known_addresses"]) == len(before) + 1


def test_nothing_that_is_kept_or_written_shows_a_secret_or_a_recovery_code(
    backend: Backend, doctor: Person, app: App, capfd: pytest.CaptureFixture[str]
) -> None:
    secret, recovery = set_up(doctor, app)
    code = app.code(secret)
    login(backend, doctor.email, code)
    login(backend, doctor.email, recovery[0])
    kept = repr(backend.stored(but=())) + "".join(capfd.readouterr())
    me = doctor.call("GET", "/me").text + backend.member(role="admin").call("GET", "/users").text
    for text in (secret, base64.b32decode(secret).hex(), *recovery, recovery[0].replace("-", "")):
        assert text not in kept + me
    assert f"'{code}'" not in kept


def test_it_is_set_up_with_the_password_and_a_code_of_the_last_secret(
    doctor: Person, app: App
) -> None:
    assert outcome(begin(doctor, "wrong")) == (403, "wrong_password")
    assert outcome(confirm(doctor, "000000")) == (409, "no_second_factor")
    first, second = (begin(doctor).get_json()["secret"] for _ in range(2))
    assert outcome(confirm(doctor, app.code(first))) == WRONG
    assert doctor.call("GET", "/me").get_json()["second_factor"] is False
    assert outcome(confirm(doctor, app.code(second))) == OK
    assert doctor.call("GET", "/me").get_json()["second_factor"] is True
    for answer in (begin(doctor), confirm(doctor, app.code(second, seconds=30))):
        assert outcome(answer) == (409, "second_factor_kept")


def test_it_is_removed_with_the_password_and_a_code(
    backend: Backend, doctor: Person, app: App
) -> None:
    secret, _ = set_up(doctor, app)

    def remove(password: str, code: str) -> tuple[int, str | None]:
        body = {"current_password": password, "code": code}
        return outcome(doctor.call("POST", "/me/second-factor/remove", json=body))

    assert remove("wrong", app.code(secret)) == (403, "wrong_password")
    assert remove(PASSWORD, "000000") == WRONG
    assert remove(PASSWORD, app.code(secret)) == OK
    assert remove(PASSWORD, app.code(secret)) == (409, "no_second_factor")
    assert outcome(login(backend, doctor.email)) == OK
    assert (
        "second_factor"
        not in backend.services.store.collection("accounts").find({"email": doctor.email})[0]
    )
    done = ["account.second_factor", "account.second_factor_removed"]
    assert actions(backend, doctor) == [(action, True) for action in done]


def test_an_admin_removes_that_of_somebody_else_and_their_tokens_die(
    backend: Backend, doctor: Person, app: App
) -> None:
    admin = backend.member(role="admin")
    set_up(admin, app)
    path = "/users/{}/second-factor"
    removed = admin.call("DELETE", path.format(doctor.email))
    assert outcome(removed) == (409, "no_second_factor")
    set_up(doctor, app)
    assert outcome(admin.call("DELETE", path.format("nobody@example.org")))[0] == 404
    assert outcome(admin.call("DELETE", path.format(admin.email))) == (409, "conflict")
    assert outcome(admin.call("DELETE", path.format(doctor.email))) == OK
    assert doctor.call("GET", "/me").status_code == 401
    assert outcome(login(backend, doctor.email)) == OK
    assert actions(backend, doctor)[1:] == [("account.second_factor_removed", False)]


@pytest.mark.parametrize("role", ["doctor", "researcher"])
def test_where_it_is_required_a_token_opens_only_what_sets_it_up(
    backend: Backend, app: App, role: str
) -> None:
    person = backend.member(role=role)
    missing = role == "researcher"
    assert person.call("GET", "/me").get_json()["second_factor_missing"] is missing
    closed = person.call("GET", "/me/sessions")
    if not missing:
        assert closed.status_code == 200
        return
    assert outcome(closed) == (403, "second_factor_required")
    assert closed.get_json()["error"].endswith("/#/account")
    assert login(backend, person.email).status_code == 200
    set_up(person, app)
    assert person.call("GET", "/me/sessions").status_code == 200
    assert person.call("GET", "/me").get_json()["second_factor_missing"] is False


def test_on_the_command_line_an_only_admin_who_has_lost_the_app_gets_in(
    backend: Backend, app: App
) -> None:
    admin = backend.admin()
    set_up(admin, app)
    backend.services.admin.ensure_admin(email=admin.email, password=PASSWORD)
    assert backend.account(admin.email).has_second_factor
    backend.services.admin.ensure_admin(email=admin.email, password="another horse")
    assert not backend.account(admin.email).has_second_factor


def test_to_replace_an_initial_password_takes_a_code_too(backend: Backend, app: App) -> None:
    doctor = backend.member(role="doctor")
    secret, _ = set_up(doctor, app)
    backend.edit(doctor.email, initial_password_expires_at=now() + timedelta(days=1))
    assert outcome(login(backend, doctor.email)) == (403, "password_change_required")
    body = {"email": doctor.email, "current_password": PASSWORD, "new_password": "another horse"}
    assert outcome(backend.client.post("/password", json=body)) == WANTED
    answer = backend.client.post("/password", json={**body, "code": app.code(secret)})
    assert outcome(answer) == OK


def test_codes_outlive_a_new_key_as_long_as_the_former_one_is_named(
    tmp_path: Path, app: App
) -> None:
    new: dict[str, Any] = {"jwt_secret_key": SECRET[::-1]}
    backend = Backend(tmp_path, jwt_secret_key=SECRET)
    person = backend.member()
    secret, recovery = set_up(person, app)
    named = Backend(tmp_path, **new, former_jwt_secret_keys=SECRET)
    assert outcome(login(named, person.email, app.code(secret))) == OK
    app.pass_time(minutes=2)
    unnamed = Backend(tmp_path, **new)
    assert outcome(login(unnamed, person.email, app.code(secret))) == WRONG
    assert outcome(login(unnamed, person.email, recovery[0])) == OK
