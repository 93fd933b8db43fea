import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from skinapi.__main__ import main
from skinapi.app.areas import describe_areas, list_areas, list_routes, switched_on
from skinapi.app.integrity_check import check_integrity
from skinapi.base.errors import UnsafeSettings
from skinapi.console.routes import ASSETS, read_assets
from skinapi.platform.area import Area
from skinapi.platform.storage.ids import new_id
from tests.findings.prediction.photographer import predicted
from tests.support.backends import PASSWORD, Backend

AREAS = list_areas()
EVERYTHING = ",".join(area.name for area in AREAS)


def all_but(area: Area) -> str:
    return ",".join(other.name for other in AREAS if other is not area) or "none"


def paths(backend: Backend) -> dict[str, Any]:
    found: dict[str, Any] = backend.client.get("/openapi.json").get_json()["paths"]
    return found


def _as_described(rule: str) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Backend:
    return Backend(tmp_path_factory.mktemp("whole"), areas=EVERYTHING)


@pytest.mark.parametrize("area", AREAS, ids=lambda area: area.name)
def test_what_is_off_answers_404_and_is_described_nowhere(
    area: Area, whole: Backend, tmp_path: Path
) -> None:
    backend = Backend(tmp_path, areas=all_but(area))
    rules = {(rule.rule, rule.endpoint) for rule in backend.app.url_map.iter_rules()}
    gone = [
        rule for rule in whole.app.url_map.iter_rules() if (rule.rule, rule.endpoint) not in rules
    ]
    assert len(gone) == sum(
        len(routes) for _, (routes, _) in list_routes(whole.settings, of=area.name)
    )
    admin = backend.member(role="admin")
    left = {str(rule.rule) for rule in backend.app.url_map.iter_rules()}
    for rule in gone:
        if rule.arguments or str(rule.rule) in left:
            continue
        method = min((rule.methods or set()) - {"HEAD", "OPTIONS"})
        assert admin.call(method, str(rule.rule)).status_code == 404, rule
    described, all_described = paths(backend), paths(whole)
    assert (described.keys() < all_described.keys()) is bool(gone)
    of_area = {_as_described(str(rule.rule)) for rule in gone}
    others = all_described.keys() - of_area  # an area may share a path with another
    assert all(described[path] == all_described[path] for path in others)
    html = {"Accept": "text/html"}
    page = backend.client.get("/", headers=html).text
    parts, of_part = read_assets((area,)).keys() - ASSETS.keys(), f"/console/{area.name}/"
    assert of_part not in page
    assert (of_part in whole.client.get("/", headers=html).text) is bool(parts)
    for name in parts:
        asked = [each.client.get(f"/console/{name}").status_code for each in (whole, backend)]
        assert asked == [200, 404], name
    listed = describe_areas(backend.settings)
    assert [line.split()[0] for line in listed if " off " in line] == [area.name]


def test_with_all_off_a_photo_is_judged_and_what_areas_store_is_checked(tmp_path: Path) -> None:
    backend = Backend(tmp_path, areas="none")
    assert switched_on(backend.settings) == ()
    patient = backend.member()
    assert predicted(patient)["id"] == 1
    assert list(check_integrity(backend.services)) == []
    stores = [store.collection for area in AREAS for store in area.stores]
    for collection in stores:
        backend.services.store.collection(collection).insert({"id": new_id(), "schema": 1})
    found = [fault.message.split()[0] for fault in check_integrity(backend.services)]
    assert sorted(found) == sorted(stores)
    patient.call_ok("DELETE", "/me", json={"current_password": PASSWORD})


@pytest.mark.parametrize("wrong", ["clients,cleints", "none,clients", "CLIENTS"])
def test_a_server_with_an_unknown_area_does_not_start(wrong: str, tmp_path: Path) -> None:
    with pytest.raises(UnsafeSettings, match="AREAS"):
        Backend(tmp_path, areas=wrong)


def test_the_command_says_what_is_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["areas"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in said if line] == [[area.name, "on"] for area in AREAS]


IMPORTS = """
import sys
from pathlib import Path
from skinapi.app.application import create_app
from skinapi.base.area_parts import AREA_FOLDERS
from skinapi.base.settings.settings import Settings
from skinapi.platform.stores.store_factory import make_store
settings = Settings(instance_dir=Path("instance"), areas="none")
make_store(settings)
app = create_app(settings)
described = app.test_client().get("/openapi.json").text
inside = tuple(f"skinapi.{folder}." for folder in AREA_FOLDERS)
print(sorted({name.rpartition(".")[2] for name in sys.modules if name.startswith(inside)}))
"""


def test_of_what_is_off_a_server_imports_settings_and_what_is_stored_alone(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(ast.literal_eval(done.stdout.splitlines()[-1])) <= {"settings", "stored"}
