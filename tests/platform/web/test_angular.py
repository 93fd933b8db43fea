from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from skinapi.platform.storage.ids import now
from tests.platform.web.angular import DEFAULT_PASSWORD, ORIGIN, Angular, shown
from tests.support.backends import PASSWORD, Backend

PATHS = [
    ("POST", "/register"),
    ("POST", "/login"),
    ("GET", "/users"),
    ("DELETE", "/users/ada@example.org"),
    ("PATCH", "/users/ada@example.org/approve"),
    ("GET", "/doctors"),
    ("POST", "/doctors"),
    ("DELETE", "/doctors/ada@example.org"),
]
ADA = {"name": "Ada Example", "email": "ada@example.org", "password": PASSWORD}
GREY = {"name": "Dr Grey", "email": "grey@example.org", "password": DEFAULT_PASSWORD}
ADMIN_ALONE = [
    ("GET", "/users", None, "Only admin can view users"),
    ("DELETE", "/users/ada@example.org", None, "Only admin can delete users"),
    ("PATCH", "/users/ada@example.org/approve", {}, "Only admin can approve users"),
    ("GET", "/doctors", None, "Only admin can view doctors"),
    ("POST", "/doctors", GREY, "Only admin can add doctors"),
    ("DELETE", "/doctors/ada@example.org", None, "Only admin can delete doctors"),
]


def test_the_app_registers_waits_is_approved_and_logs_in(backend: Backend) -> None:
    app = Angular(backend)
    registered = app.send("POST", "/register", ADA)
    assert registered.status_code == 201
    assert registered.get_json().keys() == {"message", "access_token"}
    assert registered.get_json()["message"] == "User registered successfully"
    credentials = {"email": ADA["email"], "password": ADA["password"]}
    waiting = app.send("POST", "/login", credentials)
    assert shown(waiting) == (403, "Account not approved by admin")

    admin = Angular.from_backend(backend, backend.member(role="admin"))
    approved = admin.send("PATCH", "/users/ada@example.org/approve", {})
    assert shown(approved) == (200, "User ada@example.org approved as user.")
    logged_in = app.send("POST", "/login", credentials)
    assert logged_in.status_code == 200
    body = logged_in.get_json()
    assert isinstance(body.pop("access_token"), str)
    assert body == {"role": "user", "collection": "users", "must_change_password": False}


@pytest.mark.parametrize(("role", "collection"), [("doctor", "doctors"), ("admin", "users")])
def test_login_names_role_and_collection(backend: Backend, role: str, collection: str) -> None:
    backend.member("x@example.org", role=role)
    answer = Angular(backend).send(
        "POST", "/login", {"email": "x@example.org", "password": PASSWORD}
    )
    assert (answer.get_json()["role"], answer.get_json()["collection"]) == (role, collection)


def test_users_are_a_bare_array_of_everyone_but_doctors(backend: Backend) -> None:
    backend.member("ada@example.org", status="waiting")
    backend.member("grey@example.org", role="doctor")
    backend.member("rita@example.org", role="researcher")
    admin = Angular.from_backend(backend, backend.member("root@example.org", role="admin"))
    users = admin.send("GET", "/users").get_json()
    assert isinstance(users, list)
    listed = [(user["email"], user["role"], user["approved"]) for user in users]
    assert listed == [
        ("ada@example.org", "user", False),
        ("rita@example.org", "researcher", True),
        ("root@example.org", "admin", True),
    ]
    assert {"_id", "email", "name", "approved", "role"} <= users[0].keys()
    assert not {"password_hash", "token_version", "search"} & users[0].keys()


def test_approve_says_what_it_did(backend: Backend) -> None:
    backend.member("ada@example.org", status="waiting")
    backend.member("ben@example.org", status="waiting")
    admin = Angular.from_backend(backend, backend.member("root@example.org", role="admin"))

    def approve(who: str, body: dict[str, str]) -> tuple[int, str]:
        return shown(admin.send("PATCH", f"/users/{who}@example.org/approve", body))

    assert approve("ada", {}) == (200, "User ada@example.org approved as user.")
    assert approve("ben", {"role": "user"}) == (200, "User ben@example.org approved as user.")
    promoted = "User ben@example.org promoted to doctor and approved."
    assert approve("ben", {"role": "doctor"}) == (200, promoted)
    assert approve("ben", {"role": "user"}) == (200, "Doctor ben@example.org approved.")
    assert approve("root", {"role": "user"}) == (200, "User root@example.org approved as admin.")
    assert approve("nobody", {}) == (404, "User/doctor not found")
    refused = admin.send("PATCH", "/users/ada@example.org/approve", {"role": "admin"})
    assert refused.status_code == 400
    assert backend.account("root@example.org").role == "admin"


def test_doctors_are_listed_added_and_deleted(backend: Backend) -> None:
    admin = Angular.from_backend(backend, backend.member(role="admin"))
    assert admin.send("GET", "/doctors").get_json() == []
    assert shown(admin.send("POST", "/doctors", GREY)) == (201, "Doctor added successfully")
    assert shown(admin.send("POST", "/doctors", GREY)) == (409, "Doctor already exists")
    (listed,) = admin.send("GET", "/doctors").get_json()
    assert {"_id", "name", "email", "role", "approved"} <= listed.keys()
    assert (listed["email"], listed["role"]) == ("grey@example.org", "doctor")
    assert listed["approved"] is True
    assert shown(admin.send("DELETE", "/users/grey@example.org")) == (404, "User not found")
    gone = admin.send("DELETE", "/doctors/grey@example.org")
    assert shown(gone) == (200, "Doctor grey@example.org deleted")
    assert shown(admin.send("DELETE", "/doctors/grey@example.org")) == (404, "Doctor not found")


def test_a_login_with_an_initial_password_names_the_page_to_replace_it(
    backend: Backend,
) -> None:
    admin = Angular.from_backend(backend, backend.member(role="admin"))
    admin.send("POST", "/doctors", GREY)
    login = {"email": GREY["email"], "password": DEFAULT_PASSWORD}
    refused = Angular(backend).send("POST", "/login", login)
    page = f"{backend.settings.address}/password"
    said = f"Choose a password of your own first, on the page {page}"
    assert shown(refused) == (403, said)
    assert refused.get_json()["code"] == "password_change_required"
    assert backend.client.get(urlsplit(page).path).mimetype == "text/html"
    assert (
        backend.services.store.collection("sessions").find(
            {"account": backend.account(GREY["email"]).id}
        )
        == []
    )


def test_the_page_replaces_an_initial_password_without_a_token(backend: Backend) -> None:
    admin = Angular.from_backend(backend, backend.member(role="admin"))
    admin.send("POST", "/doctors", GREY)
    sent = {
        "email": " Grey@example.org",
        "current_password": DEFAULT_PASSWORD,
        "new_password": PASSWORD,
    }
    changed = backend.client.post("/password", json=sent)
    assert (changed.status_code, changed.get_json()["message"]) == (200, "Password changed")
    freed = Angular(backend, changed.get_json()["access_token"])
    assert freed.send("GET", "/submissions").status_code == 200
    assert backend.client.post("/password", json=sent).status_code == 401
    login = {"email": GREY["email"], "password": PASSWORD}
    body = Angular(backend).send("POST", "/login", login).get_json()
    assert (body["role"], body["collection"]) == ("doctor", "doctors")
    assert body["must_change_password"] is False


def test_an_initial_password_dies_after_72_hours(backend: Backend) -> None:
    admin = Angular.from_backend(backend, backend.member(role="admin"))
    admin.send("POST", "/doctors", GREY)
    token = backend.token_of(backend.account(GREY["email"]))
    life = backend.account(GREY["email"]).initial_password_expires_at
    assert life is not None
    assert timedelta(hours=71.9) < life - now() <= timedelta(hours=72)
    backend.edit(GREY["email"], initial_password_expires_at=now() - timedelta(seconds=1))
    login = {"email": GREY["email"], "password": DEFAULT_PASSWORD}
    late = Angular(backend).send("POST", "/login", login)
    assert late.status_code == 403
    assert late.get_json()["code"] == "initial_password_expired"
    passwords = {"current_password": DEFAULT_PASSWORD, "new_password": PASSWORD}
    too_late = Angular(backend, token).send("PUT", "/me/password", passwords)
    assert too_late.get_json()["code"] == "initial_password_expired"
    page = backend.client.post("/password", json={"email": GREY["email"], **passwords})
    assert (page.status_code, page.get_json()["code"]) == (403, "initial_password_expired")


def test_deleting_a_user_says_who(backend: Backend) -> None:
    backend.member("ada@example.org")
    admin = Angular.from_backend(backend, backend.member(role="admin"))
    gone = admin.send("DELETE", "/users/ada@example.org")
    assert shown(gone) == (200, "User ada@example.org deleted")
    assert shown(admin.send("DELETE", "/users/ada@example.org")) == (404, "User not found")


@pytest.mark.parametrize("body", [{}, {"name": "A", "email": "a@b.c"}, {**ADA, "password": ""}])
def test_register_and_add_doctor_ask_for_all_three(
    shared_backend: Backend, body: dict[str, str]
) -> None:
    admin = Angular.from_backend(shared_backend, shared_backend.member(role="admin"))
    said = (400, "Name, email, and password required")
    assert shown(Angular(shared_backend).send("POST", "/register", body)) == said
    assert shown(admin.send("POST", "/doctors", body)) == said


@pytest.mark.parametrize("body", [{}, {"email": "a@b.c"}, {"email": "", "password": "x"}])
def test_login_asks_for_both(shared_backend: Backend, body: dict[str, str]) -> None:
    said = (400, "Email and password required")
    assert shown(Angular(shared_backend).send("POST", "/login", body)) == said


def test_one_email_registers_once_also_as_a_doctor(backend: Backend) -> None:
    app = Angular(backend)
    backend.member("ada@example.org")
    taken = (409, "Email already registered")
    assert shown(app.send("POST", "/register", ADA)) == taken
    assert shown(app.send("POST", "/register", {**ADA, "email": " ADA@example.org"})) == taken
    admin = Angular.from_backend(backend, backend.member(role="admin"))
    assert admin.send("POST", "/doctors", {**GREY, "email": ADA["email"]}).status_code == 409


@pytest.mark.parametrize(("method", "path", "body", "sentence"), ADMIN_ALONE)
def test_only_admins_may_call_admin_routes(
    shared_backend: Backend, method: str, path: str, body: object, sentence: str
) -> None:
    for role in ("user", "doctor", "researcher"):
        person = Angular.from_backend(shared_backend, shared_backend.member(role=role))
        assert shown(person.send(method, path, body)) == (403, sentence)
    waiting = Angular.from_backend(shared_backend, shared_backend.member(status="waiting"))
    assert shown(waiting.send(method, path, body)) == (403, "Account not approved by admin")
    logged_out = "Your log-in is not valid any more. Please log in again."
    assert shown(Angular(shared_backend).send(method, path, body)) == (401, logged_out)
    missing = shared_backend.client.open(path, method=method, json=body, headers={"Origin": ORIGIN})
    assert shown(missing) == (401, "You are not logged in. Please log in.")
    assert missing.headers["Access-Control-Allow-Origin"] == ORIGIN


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_a_preflight_request_is_answered(shared_backend: Backend, method: str, path: str) -> None:
    answer = Angular(shared_backend).preflight(method, path)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert method in answer.headers["Access-Control-Allow-Methods"]
    allowed = answer.headers["Access-Control-Allow-Headers"].lower()
    assert "authorization" in allowed
    assert "content-type" in allowed


LOOPBACK = [
    "http://localhost:4200",
    "http://localhost:5174",
    "http://localhost:4173",
    "http://localhost:42000",
    "http://localhost",
    "https://localhost:8443",
    "http://app.localhost:5173",
    "http://127.0.0.1:1",
    "http://127.1.2.3:65535",
    "http://[::1]",
    "http://[::1]:5173",
]


@pytest.mark.parametrize("listed", [None, "https://front.example"])
def test_in_development_every_loopback_origin_is_allowed(
    tmp_path: Path, listed: str | None
) -> None:
    backend = Backend(tmp_path, allowed_origins=listed)
    for origin in [*LOOPBACK, listed or "http://localhost"]:
        preflight = Angular(backend).preflight("POST", "/login", origin)
        actual = backend.client.post("/login", json={}, headers={"Origin": origin})
        for answer in (preflight, actual):
            assert answer.headers["Access-Control-Allow-Origin"] == origin
    backend.services.store.close()


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "http://localhost.evil.example:4200",
        "http://evil-localhost:4200",
        "http://localhost:4200@evil.example",
        "http://127.0.0.1.evil.example",
        "http://127.0.0.1:4200.evil.example",
        "http://128.0.0.1:4200",
        "http://[::1].evil.example",
        "http://[::2]:4200",
        "file://localhost",
        "http://localhost:4200/",
    ],
)
def test_another_origin_is_not_allowed(shared_backend: Backend, origin: str) -> None:
    preflight = Angular(shared_backend).preflight("POST", "/login", origin)
    actual = shared_backend.client.post("/login", json={}, headers={"Origin": origin})
    for answer in (preflight, actual):
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_production_allows_only_the_configured_origins(tmp_path: Path) -> None:
    untold = Backend(tmp_path, environment="production")
    for origin in LOOPBACK:
        refused = Angular(untold).preflight("POST", "/login", origin)
        assert "Access-Control-Allow-Origin" not in refused.headers
    told = Backend(tmp_path, environment="production", allowed_origins=f"{ORIGIN}/, https://a.b")
    assert Angular(told).preflight("POST", "/login").headers["Access-Control-Allow-Origin"]
