import gc
import os
import random
import secrets
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, suppress
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zlib import crc32

import apsw
import hypothesis
import pymongo
import pytest
import werkzeug.test
from PIL import Image
from pymongo.collection import Collection
from pymongo.database import Database
from selenium import webdriver
from werkzeug.routing import Rule
from xdist.scheduler import LoadGroupScheduling

from skinapi.app.migration.steps import EMPTIED, STEPS
from skinapi.care import comparisons
from skinapi.model.comparison import alignment, comparison
from skinapi.model.comparison.alignment import Fit
from skinapi.platform.storage import disk_reserve
from skinapi.platform.storage.ports import Store
from skinapi.platform.stores import mongo_store, mongo_transactions
from skinapi.platform.stores.database_file import SqliteFile
from skinapi.platform.stores.outage import TIMEOUTS
from tests.privacy.inventory import BY_COLLECTION, OF_THE_SERVER
from tests.privacy.inventory import PAGE as INVENTORY_PAGE
from tests.served.server import Server
from tests.stores.mongod import running_mongod
from tests.stores.query_plans import MongoPlans, PlanCheck
from tests.support.backends import MAIL, Backend, Person, store_of_kind
from tests.support.browser import open_browser
from tests.support.clock import Clock
from tests.support.openrouter import OpenRouter, running_openrouter
from tests.support.size import drill, in_drill, size
from tests.support.smtp_server import SmtpServer, smtp_server
from tests.support.temporary_files import keep_in_memory

if not drill:  # its figures are those of a disk
    keep_in_memory()

# A busy machine may be slow. The drill looks for new examples.
hypothesis.settings.register_profile(
    "patient",
    deadline=None,
    derandomize=not drill,
    max_examples=size(50, 100),
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("patient")

OURS = f"test_{secrets.token_hex(4)}_"


# Fixtures that start servers or equally expensive processes: 1.5 s of work for each worker.
STARTED_ONCE = (
    "shared_server",
    "plain",
    "limited",
    "served_backend",
    "served_bench",
    "shipped",
    "closed",
    "running",
    "four",
    "narrow_lab_server",
    "lab_server",
    "beset",
    "narrow",
    "unharmed",
    "model",
    "orthanc",
    "release",
)


# Folders whose tests one process runs for minutes. They begin first: of what begins last the other
# processes can take nothing over.
BEGIN_FIRST = ("learning", "console", "jobs", "faults", "process", "comparison")


# One process would take longer than all other tests. A module stays with one of them.
BROWSERS = 2
SHARED = ExitStack()  # by all processes
LONGEST_ID = 100
UNLIMITED = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}


@pytest.hookimpl(wrapper=True, tryfirst=True)  # before xdist writes the groups into the names
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Iterator[None]:
    """With several processes, tests that train or share a server run in the same process: otherwise
    each process would train, or start the server, for itself. Without DRILL=1, tests marked `drill`
    are left out.
    """
    if not drill:
        left_out = [item for item in items if item.get_closest_marker("drill")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    for item in items:
        if group := shared_by(item):
            item.add_marker(pytest.mark.xdist_group(group))
    yield
    places = {name: place for place, name in enumerate(BEGIN_FIRST)}
    # This follows the shuffle, whose order within a folder is kept.
    items.sort(key=lambda item: places.get(item.path.parent.name, len(places)))


class ByFile(LoadGroupScheduling):  # type: ignore[misc]  # without types
    """Distributes whole files: otherwise each process would make the shared fixtures of a file."""

    def _split_scope(self, nodeid: str) -> str:
        group: str = super()._split_scope(nodeid)
        return nodeid.partition("::")[0] if group == nodeid else group


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    return ByFile(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Start one mongod for all processes."""
    if not os.environ.get("MONGO_URI"):
        node.workerinput["mongo_uri"] = shared_mongod()


@cache
def shared_mongod() -> str | None:
    with suppress(pytest.skip.Exception):
        return SHARED.enter_context(running_mongod()).uri
    return None


def pytest_unconfigure() -> None:
    SHARED.close()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Imports and collected tests stay to the end, so the garbage collector need not traverse them.
    That saves a tenth of the time of a test with a backend. A higher threshold saves another tenth.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(50_000)
        gc.enable()


def pytest_make_parametrize_id(val: object) -> str | None:
    """Shorten long values. Whole, they are 40 MB of names, which each process writes and sends."""
    if isinstance(val, str | bytes) and len(val) > LONGEST_ID:
        return f"{val[: LONGEST_ID // 3]!r}, {len(val)} long"
    return None


def shared_by(item: pytest.Item) -> str | None:
    """Return the expensive fixture and the store that the test shares with others."""
    if "small" in getattr(item, "fixturenames", ()):
        return "training"
    if "demo" in getattr(item, "fixturenames", ()):  # takes longer than a browser
        return "demo"
    if "session_browser" in getattr(item, "fixturenames", ()):
        return f"browser {crc32(item.path.name.encode()) % BROWSERS}"
    call = getattr(item, "callspec", None)
    told = call.params if call else {}
    asked = {*getattr(item, "fixturenames", ())}
    if told.get("client_backend") == "gunicorn":
        asked.add("served_backend")
    store = told.get("store") or told.get("uri") or ""
    return next((f"{name} {store}".strip() for name in STARTED_ONCE if name in asked), None)


@pytest.fixture(autouse=True)
def _usual_umask() -> Iterator[None]:
    """Restore the umask: a command or a worker narrows that of its process, which the next test
    shares.
    """
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture(scope="session", autouse=True)
def _draws_are_those_of_the_seed() -> Iterator[None]:
    """Seed the application's own draws, so that no bad language model passes by rare luck.
    The drill draws from the system.
    """
    with pytest.MonkeyPatch.context() as patch:
        if not drill:
            patch.setattr(random, "SystemRandom", lambda: random)
        yield


@pytest.fixture(scope="session", autouse=True)
def _mongodb_is_given_time() -> Iterator[None]:
    """Lengthen the timeouts of this process: a mongod busy with other tests is not away."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mongo_store, "TIMEOUTS", {**TIMEOUTS, "timeoutMS": 60_000})
        patch.setattr(mongo_transactions, "LONGEST_S", 60.0)
        yield


@pytest.fixture(scope="session", autouse=True)
def _bodies_in_memory() -> Iterator[None]:
    """The test client leaves the temporary file of a large upload to the garbage collector, which
    then warns in an unrelated test.
    """
    in_memory = partial(werkzeug.test.stream_encode_multipart, use_tempfile=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(werkzeug.test, "stream_encode_multipart", in_memory)
        yield


@pytest.fixture(scope="session", autouse=True)
def _routes_compiled_once() -> Iterator[None]:
    """werkzeug compiles each route of each application, and nearly every test has an
    application.
    """
    compiled: dict[object, dict[str, Any]] = {}
    compile_rule = Rule.compile

    def compile_once(rule: Rule) -> None:
        key = (rule.subdomain, rule.rule, rule.merge_slashes, repr(rule.defaults))
        if key not in compiled:
            compile_rule(rule)
            made = {name: vars(rule)[name] for name in ("_parts", "_trace", "_converters")}
            builders = {name: vars(rule)[name].__func__ for name in ("_build", "_build_unknown")}
            compiled[key] = {**made, "arguments": rule.arguments, **builders}
        found = compiled[key]
        vars(rule).update(found, arguments=set(found["arguments"]))
        for name in ("_build", "_build_unknown"):
            setattr(rule, name, found[name].__get__(rule))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rule, "compile", compile_once)
        yield


@pytest.fixture(scope="session", autouse=True)
def _commits_without_waiting_for_the_disk() -> Iterator[None]:
    """Commit without fsync in this process. No test here sees a power cut, and many wait for
    commits.
    """
    open_file = SqliteFile._open

    def open_unsynced(file: SqliteFile, flags: int) -> apsw.Connection:
        connection = open_file(file, flags)
        connection.execute("PRAGMA synchronous = OFF")
        return connection

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SqliteFile, "_open", open_unsynced)
        yield


@pytest.fixture(scope="session", autouse=True)
def _little_is_reserved() -> Iterator[None]:
    """Reserve little disk in this process. The default is as large as ten backends, and is in
    memory.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(disk_reserve, "LARGEST_BYTES", 4096)
        yield


@pytest.fixture(scope="session", autouse=True)
def _pictures_aligned_once() -> Iterator[None]:
    """Cache alignments: one takes most of a second, and tests send the same pictures repeatedly."""
    found: dict[bytes, Fit] = {}
    find = alignment.find_fit

    def find_once(first: Image.Image, second: Image.Image) -> Fit:
        key = b"".join(
            sha256(repr(item.size).encode() + item.tobytes()).digest() for item in (first, second)
        )
        if key not in found:
            found[key] = find(first, second)
        return found[key]

    with pytest.MonkeyPatch.context() as patch:
        for module in (alignment, comparison, comparisons):
            patch.setattr(module, "find_fit", find_once)
        yield


@pytest.fixture(scope="session", autouse=True)
def _servers_are_forked() -> Iterator[None]:
    """Fork servers, because importing the application is most of a start. The drill imports each
    time.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Server, "forked", not drill)
        yield


@pytest.fixture(scope="session", autouse=True)
def plan_check(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PlanCheck]:
    """Explains every query of the application in this process. MongoDB explains too if the
    processes share one: starting it takes longer than most tests.
    """
    shared = shared_mongo_uri(pytestconfig)
    with pytest.MonkeyPatch.context() as patch, ExitStack() as opened:
        check = PlanCheck()
        check.install(patch)
        if shared:
            folder = tmp_path_factory.mktemp("plans")

            def prepare(store: Store) -> None:
                Backend(folder, store)
                store.collection("people_to_reach").ensure_index("account", "id")  # of 2.0.0

            plans = MongoPlans(own_database(shared), prepare)
            check.mongo = opened.enter_context(closing(plans))
        yield check
    if shared:
        drop_databases(shared)


@pytest.fixture(autouse=True)
def _an_index_serves_each_query(plan_check: PlanCheck) -> Iterator[None]:
    """Fail if a query has no index. The query may come from a thread that an earlier test has
    left.
    """
    yield
    faults, plan_check.faults = plan_check.faults, []
    assert faults == []
    migrated = {*EMPTIED, *(name for name, _ in STEPS)}  # some of them are of 2.0.0 alone
    unlisted = plan_check.asked - BY_COLLECTION.keys() - OF_THE_SERVER - migrated
    assert unlisted == set(), f"collections without a row in {INVENTORY_PAGE}"


@pytest.fixture(scope="session")
def given() -> dict[str, Any]:
    return {}


@pytest.fixture
def backend(tmp_path: Path, given: dict[str, Any]) -> Iterator[Backend]:
    backend = Backend(tmp_path, **given)
    yield backend
    backend.services.store.close()


@pytest.fixture
def mailing(tmp_path: Path) -> Iterator[Backend]:
    backend = Backend(tmp_path, **MAIL)
    yield backend
    backend.services.store.close()


@pytest.fixture(scope="module")
def shared_backend(
    tmp_path_factory: pytest.TempPathFactory, given: dict[str, Any]
) -> Iterator[Backend]:
    """One backend for tests that leave nothing behind, or only people of their own."""
    backend = Backend(tmp_path_factory.mktemp("backend"), **given)
    yield backend
    backend.services.store.close()


@pytest.fixture(params=["sqlite", *in_drill("mongomock", "mongod")])
def any_backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """A backend on SQLite, and in the drill on each store. tests/platform/storage tests both
    stores.
    """
    yield from backend_on(request, tmp_path)


@pytest.fixture(params=["sqlite", "mongod"])
def real_backend(
    request: pytest.FixtureRequest, tmp_path: Path, given: dict[str, Any]
) -> Iterator[Backend]:
    """A backend on a real store, because mongomock cannot run concurrent transactions."""
    yield from backend_on(request, tmp_path, given)


def backend_on(
    request: pytest.FixtureRequest, folder: Path, given: dict[str, Any] | None = None
) -> Iterator[Backend]:
    for store in store_on(request, folder):
        yield Backend(folder, store, **(given or {}))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(store_of_kind("sqlite", tmp_path)) as store:
        yield store


def store_on(request: pytest.FixtureRequest, folder: Path) -> Iterator[Store]:
    uri = request.getfixturevalue("emptied_database_uri") if request.param == "mongod" else None
    with closing(store_of_kind(request.param, folder, uri)) as store:
        yield store


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def llm() -> Iterator[OpenRouter]:
    with running_openrouter() as server:
        yield server


@pytest.fixture
def smtp() -> Iterator[SmtpServer]:
    with smtp_server() as server:
        yield server


@pytest.fixture(scope="module")
def ada(shared_backend: Backend) -> Person:
    return shared_backend.member("ada@example.org")


@pytest.fixture(scope="session")
def mongo_uri(pytestconfig: pytest.Config) -> Iterator[str]:
    """A real MongoDB: the one that MONGO_URI names or all processes share, otherwise one started
    here. Skips the test if there is none.
    """
    if shared := shared_mongo_uri(pytestconfig):
        yield shared
        drop_databases(shared)
        return
    with running_mongod() as server:
        yield server.uri


def shared_mongo_uri(config: pytest.Config) -> str | None:
    shared: str | None = getattr(config, "workerinput", {}).get("mongo_uri")
    return os.environ.get("MONGO_URI") or shared


@pytest.fixture
def mongo_database_uri(mongo_uri: str) -> str:
    return own_database(mongo_uri)


@pytest.fixture(scope="session")
def shared_database_uri(mongo_uri: str) -> Iterator[str]:
    """One database for many backends: creating the eighty indexes of a backend takes long."""
    uri = own_database(mongo_uri)
    name, made, create_index = urlsplit(uri).path[1:], set(), Collection.create_index

    def create_once(collection: Collection[Any], keys: Any, **options: Any) -> None:
        index = (collection.full_name, str(keys), str(options))
        if index not in made:
            create_index(collection, keys, **options)
        if collection.database.name == name:
            made.add(index)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Collection, "create_index", create_once)
        yield uri


@pytest.fixture
def emptied_database_uri(shared_database_uri: str) -> str:
    """An empty database that keeps the indexes of the previous backend."""
    empty_database(shared_database_uri)
    return shared_database_uri


def empty_database(uri: str) -> None:
    client: pymongo.MongoClient[dict[str, Any]]
    with pymongo.MongoClient(uri) as client:
        database: Database[dict[str, Any]] = client.get_default_database()
        for name in database.list_collection_names():
            database[name].delete_many({})


def own_database(uri: str) -> str:
    return urlsplit(uri)._replace(path=f"/{OURS}{secrets.token_hex(8)}").geturl()


def drop_databases(uri: str) -> None:
    client: pymongo.MongoClient[dict[str, Any]]
    with pymongo.MongoClient(uri) as client:
        for name in client.list_database_names():
            if name.startswith(OURS):
                client.drop_database(name)


@pytest.fixture(scope="session")
def session_browser() -> Iterator[webdriver.Chrome]:
    """Started once, because a start takes longer than most of what is done with it."""
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def tab(session_browser: webdriver.Chrome) -> Iterator[str]:
    """One tab for a module, because opening and closing one takes as long as a short test."""
    first = session_browser.current_window_handle
    session_browser.switch_to.new_window("tab")
    opened = session_browser.current_window_handle
    yield opened
    session_browser.switch_to.window(opened)
    session_browser.close()
    session_browser.switch_to.window(first)


@pytest.fixture
def browser(session_browser: webdriver.Chrome, tab: str) -> Iterator[webdriver.Chrome]:
    before = session_browser.window_handles
    session_browser.switch_to.window(tab)
    session_browser.get_log("browser")  # type: ignore[no-untyped-call]
    yield session_browser
    for added in set(session_browser.window_handles) - set(before):
        session_browser.switch_to.window(added)
        session_browser.close()
    session_browser.switch_to.window(tab)
    session_browser.execute_cdp_cmd("Network.emulateNetworkConditions", UNLIMITED)
    origin = session_browser.execute_script("return location.origin")
    if origin != "null":  # a page that could not be opened has none, and no storage
        session_browser.execute_script("sessionStorage.clear()")
        clear = {"origin": origin, "storageTypes": "all"}
        session_browser.execute_cdp_cmd("Storage.clearDataForOrigin", clear)
    session_browser.get("about:blank")


@pytest.fixture
def report(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    def say(line: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n{line}\n")

    return say
