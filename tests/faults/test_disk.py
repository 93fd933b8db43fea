import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.disks import SmallDisk, small_disk
from tests.faults.drill import acting, assert_all_promises_are_kept
from tests.served.people import Seeder
from tests.served.photo_clients import ANGULAR, lesions
from tests.served.server import Server, serving, stopping
from tests.served.wire import ask
from tests.support.backends import PASSWORD

Report = Callable[[str], None]
FULL_S = 20


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """The disk with all state of a server. A tenth of it is the reserve, which must hold what a
    checkpoint copies from the log of SQLite, 4 MB.
    """
    with small_disk(tmp_path / "instance", 64) as disk:
        yield disk


@pytest.mark.drill
@pytest.mark.timeout(600)
def test_a_full_disk_loses_nothing_and_the_server_goes_on_when_there_is_room(
    tmp_path: Path, disk: SmallDisk, seed: int, report: Report
) -> None:
    with serving(tmp_path, {"PHOTOS": "always"}, workers=2) as server:
        with acting(server, seed, actors=6) as acted:
            for room in (0, 16 * 1024):  # for nothing at all, then for half of what is wanted
                with disk.full(but=room):
                    time.sleep(FULL_S)
            server.await_ready()
        report(f"full disk: {assert_all_promises_are_kept(acted)}")


def test_on_a_full_disk_a_change_is_refused_with_a_sentence_and_one_logs_in_and_deletes(
    tmp_path: Path, disk: SmallDisk
) -> None:
    photo = lesions(1)[0]
    with serving(tmp_path, {"PHOTOS": "always"}, workers=1) as server:
        with closing(Seeder(server)) as seeder:
            ada, leaving, admin = seeder.person(), seeder.person(), seeder.person("admin")
        number = ANGULAR.send(server.port, photo, token=ada.token).json["id"]
        with disk.full():
            refused = ANGULAR.send(server.port, photo, token=ada.token)
            assert (refused.status, refused.json["code"]) == (507, "disk_full")
            assert refused.json["error"].startswith("The disk is full")
            assert int(refused.headers["Retry-After"]) >= 1
            assert ask(server.port, "GET", "/healthz").status == 200
            assert ask(server.port, "GET", "/readyz").status == 507
            body = {"email": ada.email, "password": PASSWORD}
            entered = ask(server.port, "POST", "/login", json=body)
            assert entered.status == 200, entered.json
            token = entered.json["access_token"]
            assert ANGULAR.send(server.port, photo, token=token).status == 507
            deleted = ask(server.port, "DELETE", f"/submissions/{number}", token=token)
            assert deleted.status == 200, deleted.json
            fresh = {"current_password": PASSWORD, "new_password": "another long pass phrase"}
            changed = ask(server.port, "PUT", "/me/password", json=fresh, token=token)
            assert changed.status == 200, changed.json
            assert ask(server.port, "GET", "/me", token=token).status == 401
            shut_out = admin.call("PATCH", f"/users/{ada.email}/suspend")
            assert shut_out.status == 200, shut_out.json
            left = leaving.call("DELETE", "/me", json={"current_password": PASSWORD})
            assert left.status == 200, left.json
        assert ask(server.port, "GET", "/readyz").status == 200
        assert admin.call("PATCH", f"/users/{ada.email}/approve").status == 200
        fresh_log_in = {"email": ada.email, "password": "another long pass phrase"}
        token = ask(server.port, "POST", "/login", json=fresh_log_in).json["access_token"]
        assert ANGULAR.send(server.port, photo, token=token).status == 200
        assert len(ask(server.port, "GET", "/submissions", token=token).json) == 1


def test_on_a_read_only_disk_the_server_says_what_it_waits_for_and_starts_when_it_is_mended(
    tmp_path: Path, disk: SmallDisk
) -> None:
    with stopping(Server(tmp_path, workers=1)) as server:
        with closing(Seeder(server)) as seeder:
            ada = seeder.person()
        with disk.read_only():
            server.launch()
            server.await_words("waiting: The disk takes no writes")
        server.await_ready()
        assert ada.call("GET", "/me").status == 200
