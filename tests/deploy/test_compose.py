"""Neither Docker nor mongosh is available to the tests. A test's own mongod with passwords stands
in for the one in compose.yaml.
"""

import io
import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pymongo
import pytest
import yaml
from pymongo.errors import OperationFailure

from skinapi.app import application as app
from skinapi.app.integrity_check import check_integrity
from skinapi.base.settings.safety import REMOVED
from skinapi.base.settings.settings import Settings
from skinapi.platform.backups.backup import write_backup
from skinapi.platform.stores.store_factory import open_store
from skinapi.platform.web.mongo_limit_windows import MongoWindows
from skinapi.platform.web.rate_limits import Limits
from tests.deploy.nginx import RECIPE
from tests.findings.prediction.photographer import predicted
from tests.repository.documents import ROOT
from tests.stores.mongod import running_mongod
from tests.support.backends import Backend, settings_in

SETTINGS = {name.upper() for name in Settings.model_fields}
# The container's own port is in the file; `serve` alone reads the third.
NOT_PASSED = {"BIND", "PORT", "LAB_WORKERS"}
USER = ROOT / "deploy/mongodb/user.js"
Service = dict[str, Any]


def services() -> dict[str, Service]:
    found: dict[str, Service] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    return found


def test_every_setting_reaches_the_server_and_the_worker() -> None:
    """A setting without a value in the file is passed on from .env if it is set there."""
    for name in ("skinapi", "worker"):
        assert services()[name]["environment"].keys() == {*SETTINGS - NOT_PASSED, *REMOVED}


def test_the_server_waits_for_a_replica_set_that_makes_itself() -> None:
    mongodb = services()["mongodb"]
    (script,) = mongodb["command"]
    (address,) = {services()[name]["environment"]["MONGO_URI"] for name in ("skinapi", "worker")}
    check = (ROOT / "deploy/mongodb/healthy.js").read_text()
    for name in ("skinapi", "worker"):
        assert services()[name]["depends_on"] == {"mongodb": {"condition": "service_healthy"}}
    assert "./deploy/mongodb/healthy.js:/healthy.js:ro" in mongodb["volumes"]
    assert mongodb["healthcheck"]["test"] == ["CMD", "mongosh", "--quiet", "/healthy.js"]
    assert re.findall(r"--replSet (\w+) --keyFile (\S+)", script) == [("rs0", "/data/configdb/key")]
    assert 'rs.initiate({ _id: "rs0", members: [{ _id: 0, host: "mongodb:27017" }] })' in check
    assert address.endswith("@mongodb:27017/skinapi?replicaSet=rs0&authSource=admin")
    assert "ports" not in mongodb


def test_nothing_but_nginx_is_published_and_it_is_the_one_proxy_of_the_recipe() -> None:
    published = {name for name, service in services().items() if "ports" in service}
    assert published == {"nginx"}
    nginx, server = services()["nginx"], services()["skinapi"]
    filled = set(re.findall(r"\$\{(\w+)\}", RECIPE.read_text()))
    assert nginx["environment"].keys() - {"NGINX_ENVSUBST_FILTER"} == filled
    names = re.compile(nginx["environment"]["NGINX_ENVSUBST_FILTER"].replace("$$", "$"))
    assert all(map(names.search, filled))
    assert nginx["environment"]["SERVER"] == f"skinapi:{Settings.model_fields['port'].default}"
    assert server["environment"]["TRUSTED_PROXIES"] == "${TRUSTED_PROXIES:-1}"
    mounted = dict(each.split(":")[:2] for each in nginx["volumes"] if each.startswith("./"))
    assert all((ROOT / path).is_file() for path in mounted)
    (errors,) = re.findall(r"include (\S+);", RECIPE.read_text())
    assert mounted["./deploy/nginx/skinapi-errors.conf"] == errors


def test_a_backup_outlives_the_container() -> None:
    assert "backups:/backups" in services()["skinapi"]["volumes"]
    made = "install --directory --owner=skinapi --mode=0700 /data /backups"
    assert made in (ROOT / "Dockerfile").read_text()


def test_a_backup_is_made_and_tried_every_night() -> None:
    night = services()["backup"]
    (_, _, script) = night["command"]
    made = (
        "python -m skinapi backup --keep 14 /backups && python -m skinapi restore --drill /backups"
    )
    assert made in script
    assert "date -d 'tomorrow 02:30'" in script
    assert "backups:/backups" in night["volumes"]
    assert (night["environment"], night["depends_on"]) == (
        services()["skinapi"]["environment"],
        services()["skinapi"]["depends_on"],
    )


def test_the_image_of_the_lab_has_what_trainings_need_and_no_tools_of_the_tests() -> None:
    text = (ROOT / "Dockerfile").read_text()
    stage = text.partition(" AS build-lab")[2].partition("\nFROM ")[0]
    assert "--require-hashes -r requirements-train.txt" in stage
    assert " requirements.txt" not in text
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert {*bases} == {"${BASE}", "build", "program"}  # one place to pin a digest
    locked = (ROOT / "requirements-train.txt").read_text()
    for name in ("tensorflow-cpu", "flask", "pymongo"):
        assert f"\n{name}==" in locked
    assert "\npytest==" not in locked


@pytest.fixture
def guarded() -> Iterator[str]:
    user = re.search(r'user: "(\w+)"[^}]*roles: (\[.*\])', USER.read_text(), re.DOTALL)
    assert user
    with running_mongod(guarded=True) as mongod:
        mongod.order({"createUser": "root", "pwd": "r", "roles": ["root"]})
        client: pymongo.MongoClient[dict[str, Any]]
        with pymongo.MongoClient(mongod.uri, username="root", password="r") as client:
            roles = json.loads(re.sub(r"(\w+):", r'"\1":', user[2]))
            client.admin.command("createUser", user[1], pwd="s", roles=roles)
        where = services()["skinapi"]["environment"]["MONGO_URI"]
        yield re.sub(r"\$\{.*?\}", "s", where).replace("mongodb:27017", mongod.address)


def test_the_user_of_one_database_can_do_what_the_server_does(
    guarded: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = tmp_path / "instance"
    windows = MongoWindows(guarded)
    monkeypatch.setattr(app, "open_limits", lambda _, __, rates: Limits(windows, rates))
    store = open_store(settings_in(instance, mongo_uri=guarded))
    with closing(windows), closing(store):
        backend = Backend(instance, store, mongo_uri=guarded)
        predicted(backend.member(), keep_photo="true")
        assert backend.client.get("/readyz").status_code == 200
        assert write_backup(store, io.BytesIO()).documents > 0
        assert not list(check_integrity(backend.services))
    client: pymongo.MongoClient[dict[str, Any]]
    with pymongo.MongoClient(guarded) as client:
        assert "windows" in str(client["skinapi"].list_collection_names())  # of the rate limits
        with pytest.raises(OperationFailure):
            client["another"].create_collection("things")
