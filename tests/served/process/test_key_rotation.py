from contextlib import closing
from pathlib import Path

from tests.served.server import Server, serving, stopping
from tests.served.wire import Answer, ask
from tests.support.backends import PASSWORD, SECRET

NEXT = "n4Yw2pQz9Xv4Rb6Nt8Lm3Jd5Hf1Gs0Ac"


def key_of_clinic(server: Server) -> str:
    services = server.services()
    with closing(services.store):
        services.admin.ensure_admin(email="root@example.org", password=PASSWORD)
    log_in = {"email": "root@example.org", "password": PASSWORD}
    token = ask(server.port, "POST", "/login", json=log_in).json["access_token"]
    wanted = {"name": "EHR", "scopes": ["findings:write"], "current_password": PASSWORD}
    return str(ask(server.port, "POST", "/admin/keys", token=token, json=wanted).json["secret"])


def send(server: Server, number: str, *, key: str) -> Answer:
    named = {"system": "urn:oid:2.999.1", "value": number}
    return ask(server.port, "POST", "/patients/external", token=key, json=named)


def test_a_rolling_change_of_the_key_makes_no_second_patient(
    tmp_path: Path, mongo_database_uri: str
) -> None:
    """The server that still has the former key finds the same patients, and is not ready, so that
    no more requests go to it.
    """
    at = {"MONGO_URI": mongo_database_uri}
    changed = {**at, "JWT_SECRET_KEY": NEXT, "FORMER_JWT_SECRET_KEYS": SECRET}
    with serving(tmp_path / "two", at, workers=1) as two:
        key = key_of_clinic(two)
        before = send(two, "PAT-1", key=key).json["_id"]
        with serving(tmp_path / "one", changed, workers=1) as one:
            assert send(one, "PAT-1", key=key).json["_id"] == before
            new = send(one, "PAT-2", key=key).json["_id"]
            assert send(two, "PAT-2", key=key).json["_id"] == new
            refused = ask(two.port, "GET", "/readyz")
            assert (refused.status, "newer JWT_SECRET_KEY" in refused.json["detail"]) == (503, True)
            two.stop()
            with stopping(Server(tmp_path / "again", at, workers=1)) as again:
                again.launch()
                again.await_words("JWT_SECRET_KEY is not the key of this store")
            alone = {**at, "JWT_SECRET_KEY": NEXT}
            with serving(tmp_path / "three", alone, workers=1) as three:
                assert send(three, "PAT-1", key=key).json["_id"] == before
                assert one.check_here()[1] == "no faults\n"
