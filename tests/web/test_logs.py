"""Logs hold no password, token, e-mail or name."""

import json

import pytest

from tests.backends import PASSWORD, Backend

REQUEST_ID = "0af7651916cd43dd8448eb211c80319c"


def test_a_whole_session_leaves_no_personal_data_in_the_logs(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, backend: Backend
) -> None:
    caplog.set_level("DEBUG")
    client = backend.client
    ada = backend.register("ada@example.org", name="Ada Lovelace")
    admin = backend.admin("root@example.org")
    grey = {"name": "Meredith Grey", "email": "grey@example.org", "password": "defaultPass123"}
    admin.call("POST", "/doctors", json=grey)
    admin.call("POST", "/doctors", json=grey)
    admin.call("PATCH", "/users/ada@example.org/approve", json={})
    admin.call("PUT", "/users/ada@example.org/doctor", json={"doctor": "grey@example.org"})
    admin.call("GET", "/users?q=Lovelace")
    admin.call("GET", "/users/ada@example.org/nowhere")
    client.post("/login", json={"email": "ada@example.org", "password": "wrong-horse"})
    client.post("/login", data=b'{"email":"ada@example.org","password":"half-a-hor')
    client.post("/register", json={"name": "Ada Lovelace", "email": "ada@example.org"})
    reset = admin.call("POST", "/users/ada@example.org/reset-password").get_json()["password"]
    passwords = {"current_password": reset, "new_password": "third-horse"}
    client.post("/password", json={"email": "ada@example.org", **passwords})
    again = backend.log_in("ada@example.org", "third-horse")
    passwords = {"current_password": "third-horse", "new_password": "fourth-horse"}
    again.call("PUT", "/me/password", json=passwords)
    ada.call("GET", "/me", headers={"Referer": "http://x/ada@example.org"})
    admin.call("DELETE", "/users/ada@example.org")
    admin.call("POST", "/auth/logout")

    out, err = capfd.readouterr()
    logged = out + err + caplog.text
    secrets = [PASSWORD, "defaultPass123", "wrong-horse", "half-a-hor", reset]
    secrets += ["third-horse", "fourth-horse"]
    people = ["@example.org", "%40", "Lovelace", "Meredith"]
    for hidden in (*secrets, *people, ada.token, admin.token, again.token):
        assert hidden not in logged


def test_a_request_is_one_line_with_its_template_and_its_id(
    capfd: pytest.CaptureFixture[str], backend: Backend
) -> None:
    admin = backend.member("root@example.org", role="admin")
    capfd.readouterr()
    admin.call("DELETE", "/users/no@example.org", headers={"X-Request-ID": REQUEST_ID})
    (line,) = capfd.readouterr().err.splitlines()
    said = json.loads(line)
    assert (said["method"], said["route"], said["status"]) == ("DELETE", "/users/<email>", 404)
    assert said["request_id"] == REQUEST_ID
    assert said["account"] == backend.account("root@example.org").id
    assert said["ms"] >= 0
