"""The register of processing says what is in force: each setting makes its line appear."""

import ast
import csv
import io
import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree  # of what this server has drawn

import pytest

from skinapi.languages import LANGUAGES
from skinapi.privacy.register.recipients import CALLERS, InForce, list_recipients
from skinapi.privacy.register.service import RegisterService
from skinapi.settings import Settings
from skinapi.storage.backups_made import begin_backup, end_backup
from tests.repository.documents import ROOT
from tests.support.backends import MAIL, PASSWORD, Backend, settings_in

SECRETS = "s3cr3t-of-the-operator"
PROVIDER = {"name": "hospital", "issuer": "https://log-in.example/realm", "client_id": "skin"}
# The setting that switches each on, and what the register then names.
ON: dict[str, tuple[dict[str, Any], str]] = {
    "llm": ({"openrouter_api_key": SECRETS}, "openrouter.ai"),
    "mail": ({**MAIL, "smtp_url": f"smtps://me:{SECRETS}@mail.example:465"}, "mail.example:465"),
    "mongodb": ({"mongo_uri": f"mongodb://me:{SECRETS}@one.example,two.example"}, "two.example"),
    "rate_limits": ({"rate_limit_storage": f"redis://:{SECRETS}@redis.example"}, "redis.example"),
    "broker": ({"jobs_broker": f"amqps://me:{SECRETS}@rabbit.example/"}, "rabbit.example"),
    "log_in": ({"oidc_providers": json.dumps([PROVIDER])}, "log-in.example"),
    "archive": ({"archive_url": "https://pacs.example/dicom-web"}, "pacs.example"),
    "syslog": ({"syslog_url": "tls://logs.example:6514"}, "logs.example:6514"),
    "engine": ({"engine_url": "http://10.1.2.3:8000"}, "10.1.2.3:8000"),
    "packages": ({"lab_workers": 1}, "pypi.org"),
}
NEAR = {"engine"}
OUTGOING = re.compile(
    r"^(http\.client|http_client|skinapi\.http_client|smtplib|socket|ssl|redis|pymongo|gridfs|"
    r"dramatiq|urllib\.request|requests|httpx|ftplib|asyncio)(\.|$)"
)
# They call nobody: what others call through, and the parts of a URL.
CALL_NOBODY = {"skinapi.http_client", "skinapi.settings.value_checks"}
# The name of this machine; and a command that spreads its work over machines that it is given.
CALL_NOBODY |= {"skinapi.jobs.job_worker", "skinapi.batch.cluster"}


def of(folder: Path, **settings: Any) -> dict[str, Any]:
    given: Settings = settings_in(folder, **{"lab_workers": 0, **settings})
    now = InForce(settings=given, webhooks=[], keys=[], backup=None)
    return {one.name: one for one in list_recipients(now)}


@pytest.mark.parametrize("name", ON)
def test_a_setting_makes_its_line_appear_and_no_other(tmp_path: Path, name: str) -> None:
    settings, host = ON[name]
    before, after = of(tmp_path), of(tmp_path, **settings)
    assert not before[name].on
    assert after[name].on
    assert host in " ".join(after[name].to)
    assert SECRETS not in repr(after)
    assert after[name].outside == (name not in NEAR)
    assert {one for one in after if after[one].on != before[one].on} == {name}


def test_webhooks_keys_and_backups_make_theirs_appear(backend: Backend) -> None:
    admin = backend.admin()

    def on() -> dict[str, Any]:
        told = admin.call("GET", "/data-protection/register?lang=en").get_json()
        return {one["name"]: one for one in told["recipients"] if one["on"]}

    assert on().keys() <= {"mongodb", "packages"}
    hook = {"url": "https://8.8.8.8/hook", "events": ["finding.stored"], "clinical": True}
    added = admin.call("POST", "/webhooks", json=hook)
    assert added.status_code == 201, added.text
    body = {"name": "Ward 7", "scopes": ["findings:read"], "current_password": PASSWORD}
    assert admin.call("POST", "/admin/keys", json=body).status_code == 201
    store = backend.services.store
    end_backup(store, begin_backup(store, place="file", name="skin.zip"))
    told = on()
    assert told["webhooks"]["to"] == ["8.8.8.8"]
    assert "data about health" in told["webhooks"]["kinds"]
    assert told["programs"]["to"] == ["Ward 7"]
    assert told["backups"]["to"]
    path = f"/webhooks/{added.get_json()['id']}"
    assert admin.call("DELETE", path).status_code in (200, 204)
    assert "webhooks" not in on()


def test_every_module_that_calls_another_server_is_named() -> None:
    """A new outgoing client gets a line in `CALLERS`, and its recipient in the register."""
    calling = set()
    for path in (ROOT / "skinapi").rglob("*.py"):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        if any(OUTGOING.match(name) for name in imported_by(path)):
            calling.add(module)
    unnamed = {
        module
        for module in calling - CALL_NOBODY
        if not any(module == one or module.startswith(f"{one}.") for one in CALLERS)
    }
    assert unnamed == set(), (
        "they can call another server: name them in CALLERS of skinapi/privacy/register/recipients"
    )
    assert {one.name for one in list_recipients_of_nothing()} >= {*CALLERS.values()}


def list_recipients_of_nothing() -> Any:
    return list_recipients(InForce(settings=Settings(), webhooks=[], keys=[], backup=None))


def imported_by(path: Path) -> set[str]:
    names = set[str]()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_the_table_and_the_drawing_say_the_same(backend: Backend, language: str) -> None:
    admin = backend.admin()
    path = f"/data-protection/register?lang={language}"
    told = admin.call("GET", path).get_json()
    assert told["language"] == language
    titles = [one["title"] for one in (*told["activities"], *told["recipients"])]
    page = admin.call("GET", f"{path}&format=html")
    assert "script" not in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    table = admin.call("GET", f"{path}&format=csv").data.decode("utf-8-sig")
    cells = {cell for row in csv.reader(io.StringIO(table)) for cell in row}
    drawn = admin.call("GET", f"/data-protection/data-flow.svg?lang={language}").text
    texts = {element.text for element in ElementTree.fromstring(drawn).iter()}
    for title in titles:
        assert title in cells
        assert title.replace("'", "&#39;") in page.text
    assert {one["title"] for one in told["recipients"]} <= texts


def test_what_people_chose_is_escaped(tmp_path: Path) -> None:
    backend = Backend(tmp_path, clinic_name="<b>Clinic</b> & =1+1")
    admin = backend.admin()
    body = {
        "name": "<script>alert(1)</script>",
        "scopes": ["findings:read"],
        "current_password": PASSWORD,
    }
    assert admin.call("POST", "/admin/keys", json=body).status_code == 201
    page = admin.call("GET", "/data-protection/register?format=html&lang=en").text
    assert "<script" not in page
    assert "<b>Clinic" not in page
    ElementTree.fromstring(admin.call("GET", "/data-protection/data-flow.svg").data)
    table = admin.call("GET", "/data-protection/register?format=csv").data.decode("utf-8-sig")
    rows = [*csv.reader(io.StringIO(table))]
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "@"))]


def test_how_long_it_is_stored_follows_the_settings(tmp_path: Path) -> None:
    backend = Backend(tmp_path, waiting_account_days=17, retain_photos_days=777)
    register = _register(backend)
    told = {
        row.title: row.until
        for one in register.make_register(language="en").activities
        for row in one.retention
    }
    assert "17 days" in told["account"]
    assert told["finding, with its photos"].endswith("its photos, 777 days")
    measures = register.make_register(language="en").measures
    assert "A photo is stored with the patient's consent alone (PHOTOS)." in measures
    assert any("REQUIRE_SECOND_FACTOR" in one for one in measures)


def _register(backend: Backend) -> RegisterService:
    data = backend.services.data
    return RegisterService(
        settings=backend.settings,
        store=backend.services.store,
        endpoints=data.webhook_endpoints,
        keys=data.keys,
    )
