from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver

from skinapi.platform.storage.ids import now
from tests.console.embedding_site import EmbeddingSite
from tests.console.journey import RAW, Look
from tests.console.test_every_page import LARGE, TWICE
from tests.console.visitor import AXE_TAGS, DESKTOP, PHONE, Visitor
from tests.npm_tools import tool
from tests.served.people import Caller, Seeder
from tests.served.server import Server
from tests.served.wire import ask
from tests.support.backends import PASSWORD
from tests.support.size import in_drill

WIDE = (1366, 900)
LOOKS = [
    Look(PHONE, dark=True, language="fr"),
    *in_drill(Look(WIDE, dark=False, language="en"), Look(LARGE, dark=True, language="en")),
]
STORED = """
const done = arguments[arguments.length - 1];
indexedDB.databases().then((all) =>
  done([localStorage.length, sessionStorage.length, all.length, document.cookie]));
"""


@dataclass(frozen=True)
class Program:
    port: int
    key: str
    id: str

    def session(self, patient: Caller, scope: str = "findings:write") -> str:
        body = {"scope": scope, "patient": patient.id}
        made = ask(self.port, "POST", "/keys/sessions", token=self.key, json=body)
        assert made.status == 201, made.json
        return str(made.json["secret"])

    def get(self, path: str) -> Any:
        return ask(self.port, "GET", path, token=self.key).json


@pytest.fixture(scope="module")
def program(server: Server) -> Iterator[Program]:
    seeder = Seeder(server)
    scopes = ["findings:write", "findings:read"]
    body = {"name": "the clinic", "scopes": scopes, "sessions": True}
    body |= {"current_password": PASSWORD}
    made = seeder.person("admin").call("POST", "/admin/keys", json=body).json
    yield Program(server.port, made["secret"], made["_id"])
    seeder.close()


class Frame(Visitor):
    def __init__(self, browser: webdriver.Chrome, site: EmbeddingSite, server: Server) -> None:
        super().__init__(browser, server.port)
        self._home = site.origins[0]
        self._site = site
        site.server, site.language = f"http://127.0.0.1:{server.port}", "en"

    def _store(self, storage: str, key: str, value: str) -> None:
        """Nothing is stored for a page that keeps nothing."""

    def open_site(self, origin: str | None = None) -> None:
        self._home = origin or self._site.origins[0]
        self._browser.switch_to.default_content()
        self.open("/")
        self._browser.switch_to.frame("skin")

    def leave(self, path: str = "/console/icon.svg") -> None:
        """Open a page of the server itself: the screenshot needs the browser's own storage."""
        self._browser.switch_to.default_content()
        self._browser.get(f"{self._site.server}{path}")

    def press(self, selector: str) -> None:
        """Press once the clinic's page has made the frame as high as it needs."""
        self.await_rest("return innerHeight", "a frame that rests")
        super().press(selector)

    def outside(self, script: str, *arguments: Any) -> Any:
        self._browser.switch_to.default_content()
        try:
            return self._browser.execute_script(script, *arguments)
        finally:
            self._browser.switch_to.frame("skin")

    def told(self, kind: str) -> list[dict[str, Any]]:
        said: list[dict[str, Any]] = self.outside("return window.told")
        return [item for item in said if item["type"] == kind]

    def await_told(self, kind: str, *, times: int = 1) -> dict[str, Any]:
        self.await_truth(lambda: len(self.told(kind)) >= times, f"the event {kind}")
        return self.told(kind)[-1]

    def hand(self, key: str) -> None:
        self.say({"skinapi": 1, "type": "key", "key": key})

    def say(self, message: Any) -> None:
        script = "document.getElementById('skin').contentWindow.postMessage(arguments[0], '*')"
        self.outside(script, message)

    def assert_accessible(self) -> None:
        axe = tool("axe-core")
        if not axe:
            return
        self.run((axe / "axe.min.js").read_text())
        found = self.run_async(
            "const done = arguments[arguments.length - 1];"
            "axe.run(document, {runOnly: arguments[0], resultTypes: ['violations']})"
            ".then((found) => done(found.violations.map((one) => [one.id, one.nodes[0].html])));",
            AXE_TAGS,
        )
        assert found == [], found

    def check(self, look: Look) -> None:
        self.await_stillness()
        self.await_rest("return document.body.offsetHeight", "a page that rests")
        self.assert_accessible()
        self.assert_nothing_overflows()
        beyond = self.run("return document.scrollingElement.scrollWidth - innerWidth")
        assert beyond <= 0, f"{beyond} pixels too wide"
        raw = [text for text in self.texts(look.language) if RAW.search(text)]
        assert raw == [], raw
        self.assert_quiet()


@pytest.fixture
def frame(browser: webdriver.Chrome, site: EmbeddingSite, server: Server) -> Iterator[Frame]:
    frame = Frame(browser, site, server)
    frame.look(DESKTOP)
    yield frame
    frame.leave()


def begin(frame: Frame, site: EmbeddingSite, program: Program, patient: Caller) -> None:
    site.hand = lambda: program.session(patient)
    frame.open_site()
    frame.find(".drop")


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_a_patient_sends_a_photo_from_the_clinics_site(
    frame: Frame, site: EmbeddingSite, program: Program, ada: Caller, mole: Path, look: Look
) -> None:
    site.language = look.language
    frame.look(look.size, dark=look.dark)
    begin(frame, site, program, ada)
    if look.size == LARGE:
        frame.run("document.documentElement.style.fontSize = arguments[0]", TWICE)
    frame.check(look)
    frame.hand_in("photo", mole)
    frame.find("figure.crop canvas")
    assert frame.await_told("captured")["photos"] == 1
    frame.check(look)
    frame.answer("birth_year", str(now().year - 50))
    frame.check(look)
    frame.answer("keep_photo", "true")
    assert frame.count("[name=lesion], [name=keep_always]") == 0
    frame.press(".send button:last-child")
    said = frame.await_told("finding")
    frame.find("article.finding .verdict")
    frame.check(look)
    top = "return document.getElementById('skin').getBoundingClientRect().top"
    frame.await_truth(lambda: frame.outside(top) > -1, "the begin of the frame in sight")
    assert set(said) == {"origin", "skinapi", "type", "number", "link"}
    assert said["link"] == f"{said['origin']}/submissions/{said['number']}"
    found = program.get(f"/submissions/{said['number']}")
    assert found["patient_id"] == ada.id
    assert found["context"]["age_band"] == "45-59"
    high, hidden = (
        "return document.getElementById('skin').offsetHeight",
        "return document.scrollingElement.scrollHeight - innerHeight",
    )
    frame.await_truth(
        lambda: frame.told("height")[-1]["height"] == frame.outside(high), "the height that it told"
    )
    frame.await_truth(lambda: frame.run(hidden) <= 0, "a frame that does not scroll")


def test_nothing_is_kept_in_the_browser(
    frame: Frame, site: EmbeddingSite, program: Program, ada: Caller, mole: Path
) -> None:
    begin(frame, site, program, ada)
    frame.hand_in("photo", mole)
    frame.answer("sex", "female")
    frame.await_told("captured")
    # A page of the same origin that has the browser's own storage.
    frame.leave()
    assert frame.run_async(STORED) == [0, 0, 0, ""]
    assert "sk_session" not in frame.run("return JSON.stringify(history.state) + location.href")


def test_who_is_logged_in_to_the_console_stays_out_of_the_frame(
    frame: Frame,
    visitor: Visitor,
    browser: webdriver.Chrome,
    site: EmbeddingSite,
    program: Program,
    seeder: Seeder,
    ada: Caller,
) -> None:
    doctor = seeder.person("doctor")
    visitor.look(DESKTOP)
    visitor.enter(doctor, "doctor")
    visitor.find(".log-out")
    console = browser.current_window_handle
    browser.switch_to.new_window("tab")
    site.hand = lambda: ""
    frame.open_site()
    frame.await_told("refused")
    frame.see("This page cannot begin")
    frame.hand(program.session(ada))
    frame.find(".drop")
    browser.switch_to.window(console)
    assert visitor.run("return JSON.parse(sessionStorage['skinapi.session']).email") == doctor.email
    visitor.find(".log-out")


def test_a_site_that_is_not_listed_shows_nothing_and_hears_nothing(
    frame: Frame, site: EmbeddingSite, program: Program, ada: Caller
) -> None:
    site.hand = lambda: program.session(ada)
    frame.open_site(site.stranger)
    frame.await_truth(
        lambda: frame.run("return document.URL") == "chrome-error://chromewebdata/",
        "a frame that the browser refuses",
    )
    assert frame.count("#console") == 0
    assert frame.outside("return window.told") == []
    with pytest.raises(AssertionError, match="frame-ancestors"):  # refused by the policy
        frame.assert_quiet()


def test_what_has_another_form_or_source_is_ignored(
    frame: Frame, site: EmbeddingSite, program: Program, ada: Caller
) -> None:
    site.hand = lambda: "sk_live_" + "x" * 43
    frame.open_site()
    assert frame.await_told("refused")["code"] == "no_session_key"
    good = program.session(ada)
    hostile: list[Any] = [
        None,
        7,
        "key",
        [],
        {"type": "key", "key": good},
        {"skinapi": 2, "type": "key"},
    ]
    for message in [*hostile, {"skinapi": 1, "type": "key", "key": {"a": 1}}, {"skinapi": 1}]:
        frame.say(message)
    # The frame itself is not a site around it.
    frame.run("postMessage({skinapi: 1, type: 'key', key: arguments[0]}, '*')", good)
    frame.say({"skinapi": 1, "type": "key", "key": "sk_session_" + "x" * 43, "language": "<xx>"})
    assert frame.await_told("refused", times=2)["code"] == "invalid_key"
    assert frame.count(".drop") == 0
    frame.hand(program.session(ada, "findings:read"))
    assert frame.await_told("refused", times=3)["code"] == "key_lacks_scope"
    frame.hand(good)
    frame.find(".drop")


def end_sessions(seeder: Seeder, patient: Caller) -> None:
    sessions = seeder.services.store.collection("session_keys")
    for item in sessions.find({"account": patient.id}):
        sessions.update({"id": item["id"]}, {"$set": {"expires_at": now() - timedelta(seconds=1)}})


def ready_to_send(frame: Frame, mole: Path) -> None:
    frame.hand_in("photo", mole)
    frame.answer("keep_photo", "false")


def test_nothing_of_one_patient_reaches_the_next_one(
    frame: Frame, site: EmbeddingSite, program: Program, seeder: Seeder, ada: Caller, mole: Path
) -> None:
    begin(frame, site, program, ada)
    ready_to_send(frame, mole)
    frame.press(".send button:last-child")
    number = frame.await_told("finding")["number"]
    frame.find("article.finding .verdict")
    frame.press_button("New photo")
    ready_to_send(frame, mole)
    end_sessions(seeder, ada)
    site.hand = lambda: "sk_session_none"
    frame.press(".send button:last-child")
    frame.await_told("expired")
    bob = seeder.person()
    frame.hand(program.session(bob))
    frame.find(".drop")
    assert frame.count("figure.crop") == 0
    frame.go(f"finding/{number}")
    frame.await_truth(lambda: frame.run("return location.hash") == "#/check", "the begin")
    assert frame.count("article.finding") == 0
    assert bob.pages("/submissions") == []
    assert len(ada.pages("/submissions")) == 1
