import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import get_args

import grimp  # comes with import-linter
import pytest
from openapi_spec_validator import validate

from skinapi.__main__ import MORE_COMMANDS
from skinapi.app.areas import FOLDERS
from skinapi.base.area_parts import list_parts
from skinapi.base.errors import PayloadTooLarge
from skinapi.base.settings.settings import Settings
from skinapi.platform.web.declaration import Access, Rate, declared_routes, route_of
from tests.support.access import PARTS
from tests.support.backends import Backend

TRAINING = ("tensorflow", "keras", "torch", "jax")
ROOT = Path(__file__).parent.parent
# What is installed beside, by what it is for.
EXTRAS = {
    name: {re.split(r"[\[=<>]", each)[0] for each in libraries}
    for name, libraries in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ].items()
    if name != "test"
}
OF_AREAS = set().union(*(each for name, each in EXTRAS.items() if name not in ("batch", "train")))
NOT_AT_START = ("reportlab", "pymongo", "openvino", "fhir.resources", "requests",
                "authlib", "joserfc", *sorted(OF_AREAS))  # fmt: skip
# Packages of which a server imports nothing.
NOT_SERVING = tuple(name.rpartition(".")[0].removesuffix(".commands") for name in MORE_COMMANDS)
# What a server starts, and the modules that it imports by name.
SERVING = (
    "skinapi.app.application",
    "skinapi.app.commands",
    "skinapi.app.worker",
    "skinapi.app.run_job",
    "skinapi.__main__",
    "skinapi.platform.stores.mongo_store",
    "skinapi.platform.web.mongo_limit_windows",
    "skinapi.findings.reports.pdf_document",
    "skinapi.platform.jobs.process",
    *(f"{folder}.area" for folder in FOLDERS.values()),
    *(program for part in list_parts("programs", "tests") for program in part.PROGRAMS),
)


def test_every_route_is_declared_and_described(backend: Backend) -> None:
    rules = list(backend.app.url_map.iter_rules())
    assert len(rules) > 20
    for rule in rules:
        route = route_of(backend.app, rule.endpoint)
        assert route, f"{rule.rule} is not declared"
        assert isinstance(route.access, get_args(Access)), rule.rule
        assert isinstance(route.rate, Rate), rule.rule
        assert callable(route.renderer), rule.rule
        assert len(route.says) > 10, rule.rule
        assert not route.is_json or route.answer, rule.rule


def test_a_rule_builds_its_path_although_none_is_prepared_at_the_start(backend: Backend) -> None:
    (rule,) = [
        iter_rule
        for iter_rule in backend.app.url_map.iter_rules()
        if iter_rule.rule == "/jobs/<job_id>" and "GET" in (iter_rule.methods or ())
    ]
    assert rule.build({"job_id": "7"}) == ("", "/jobs/7")


def test_only_what_tells_nothing_is_open_to_all(backend: Backend) -> None:
    open_routes = {
        (route.method, route.path)
        for route in declared_routes(backend.app)
        if type(route.access).__name__ == "Public"
    }
    assert open_routes == {
        ("GET", "/"),
        ("GET", "/healthz"),
        ("GET", "/readyz"),
        ("GET", "/openapi.json"),
        ("GET", "/docs"),
        ("GET", "/password"),
        ("GET", "/console/<path:name>"),
        ("GET", "/embed"),
        ("GET", "/sample"),
        ("GET", "/model-card"),
        ("GET", "/conditions"),
        ("GET", "/reports/verify/<hash>"),
        ("GET", "/receipts/verify/<code>"),
        ("POST", "/register"),
        ("POST", "/login"),
        ("POST", "/password"),
        ("POST", "/password/forgotten"),
        ("POST", "/password/reset"),
        ("POST", "/auth/refresh"),
        *(route for part in PARTS for route in part.open_to_all),
    }


def test_a_route_without_a_declaration_is_not_there(backend: Backend) -> None:
    backend.app.add_url_rule("/undeclared", view_func=lambda: "secret", endpoint="undeclared")
    assert backend.client.get("/undeclared").status_code == 404


def test_the_description_is_valid_openapi(backend: Backend) -> None:
    spec = backend.client.get("/openapi.json").get_json()
    assert spec["openapi"] == "3.1.0"
    validate(spec)


def test_each_path_takes_one_form(backend: Backend) -> None:
    """Generated clients choose none of several forms: openapi-python-client 0.29.1 sent no
    photo.
    """
    spec = backend.client.get("/openapi.json").get_json()
    bodies = [
        (path, content["schema"])
        for path, operations in spec["paths"].items()
        for operation in operations.values()
        for content in operation.get("requestBody", {"content": {}})["content"].values()
    ]
    assert [path for path, schema in bodies if {"anyOf", "oneOf"} & schema.keys()] == []
    assert ("/predict", {"$ref": "#/components/schemas/PhotoForm"}) in bodies
    assert {"image", "file"} <= spec["components"]["schemas"]["PhotoForm"]["properties"].keys()


def test_common_errors_are_described_once(backend: Backend) -> None:
    spec = backend.client.get("/openapi.json").get_json()
    answer = spec["paths"]["/lesions"]["post"]["responses"]["413"]
    assert answer == {"$ref": "#/components/responses/PayloadTooLarge"}
    described = spec["components"]["responses"]["PayloadTooLarge"]["description"]
    assert described == PayloadTooLarge.sentence


def test_no_schema_is_named_after_a_module(backend: Backend) -> None:
    """Two classes of one name would be, and a client's type is then renamed when one moves."""
    spec = backend.client.get("/openapi.json").get_json()
    assert [name for name in spec["components"]["schemas"] if "__" in name] == []


def test_the_docs_page_describes_every_route_without_a_foreign_host(backend: Backend) -> None:
    page = backend.client.get("/docs").get_data(as_text=True)
    for route in declared_routes(backend.app):
        assert f'id="{route.function.__name__}"' in page
    assert PayloadTooLarge.sentence in page
    assert "http://" not in page
    assert "https://" not in page


@pytest.mark.parametrize(
    ("imported", "absent"),
    [
        (
            "skinapi.app.application, skinapi.model.network.engine",
            (*NOT_SERVING, *NOT_AT_START, *TRAINING),
        ),
        ("skinapi.__main__", TRAINING),  # it reads the options of `train` and the like
    ],
)
def test_a_server_starts_without_what_it_may_never_need(
    imported: str, absent: tuple[str, ...]
) -> None:
    script = f"import sys, {imported}; print([n for n in {absent} if sys.modules.get(n)])"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_loading_the_engine_tells_its_maker_nothing(tmp_path: Path) -> None:
    """It stores the id under which it would send events in the home directory."""
    opting_out = ("CI", "TF_BUILD", "JENKINS_URL")
    kept = {name: value for name, value in os.environ.items() if name not in opting_out}
    hidden = "sys.modules['openvino.tools.ovc']"  # what converts networks would send the most
    engine = "skinapi.model.network.engine"
    script = f"import sys, {engine}; del {hidden}; import openvino.tools.ovc"
    command = [sys.executable, "-c", script]
    subprocess.run(command, cwd=ROOT, env=kept | {"HOME": str(tmp_path)}, check=True)
    assert list(tmp_path.iterdir()) == []


def test_the_example_environment_changes_nothing() -> None:
    sample = Settings(_env_file=ROOT / ".env.example")  # type: ignore[call-arg]
    assert sample == Settings(_env_file=None)  # type: ignore[call-arg]


def test_the_small_requirements_are_a_part_of_all() -> None:
    everything = set(_pins("requirements.txt"))
    for more in EXTRAS:
        part = set(_pins(f"requirements-{more}.txt"))
        assert set(_pins("requirements-serve.txt")) < part <= everything


def test_the_small_requirements_are_what_the_server_imports() -> None:
    graph = grimp.build_graph("skinapi", include_external_packages=True)
    for package in NOT_SERVING:
        for module in {package, *graph.find_descendants(package)}:
            graph.remove_module(module)
    # What an area alone needs is imported with the first request for it.
    for library in OF_AREAS & graph.modules:
        for module in graph.find_modules_that_directly_import(library):
            assert module.startswith("skinapi.integrations.")
            graph.remove_module(module)
    reached = set().union(*(graph.find_upstream_modules(root) for root in SERVING))
    foreign = {module for module in reached if not module.startswith("skinapi")}
    found = packages_distributions()
    # `_typeshed` is there for mypy alone.
    libraries = {
        _normalised(found[module][0])
        for module in foreign - sys.stdlib_module_names - {"_typeshed"}
    }
    small = {_normalised(pin.split("==")[0]) for pin in _pins("requirements-serve.txt")}
    assert len(libraries) > 20
    assert libraries <= small
    assert small & set().union(*EXTRAS.values()) <= {"jinja2"}


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _pins(name: str) -> list[str]:
    return re.findall(r"^([\w.-]+==[^\s\\;]+)", (ROOT / name).read_text(), re.MULTILINE)
