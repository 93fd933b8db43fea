import json
import re
from base64 import b64decode
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar
from unicodedata import normalize

from pypdf import PdfReader
from selenium import webdriver
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    NoSuchElementException,
    StaleElementReferenceException,
    TimeoutException,
    WebDriverException,
)
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

from tests.npm_tools import tool
from tests.served.people import Caller

# Looks, 0.1 s apart.
AT_REST = 4
PATIENCE_S = 60  # of a busy machine
PHONE, DESKTOP = (390, 844), (1440, 900)
IN_THE_WAY = (
    NoSuchElementException,
    StaleElementReferenceException,
    ElementClickInterceptedException,
    ElementNotInteractableException,  # a dialog is in the page a moment before it is open
)
# The driver's error if the page was replaced during a lookup.
NAVIGATED = "aborted by navigation"
# The standard: https://www.w3.org/TR/WCAG22/
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
READ_WORDS = """
const done = arguments[arguments.length - 1];
const files = ["words", "words.staff"].map((name) => `/console/${name}.${arguments[0]}.json`);
Promise.all(files.map((file) => fetch(file).then((answer) => answer.json())))
  .then((all) => done(Object.assign({}, ...all)));
"""
# Texts on the page that are said to be in this language; code is in none.
READ_TEXTS = """
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const texts = [];
while (walker.nextNode()) {
  const parent = walker.currentNode.parentElement;
  const language = parent.closest("code, noscript") ? "" : parent.closest("[lang]").lang;
  if (language === arguments[0]) texts.push(walker.currentNode.data);
}
return texts;
"""
# Nothing loads, every picture is there, and no request of a form is on its way.
IS_STILL = """
return !document.querySelector(".loading, .sending, button:disabled")
  && [...document.images].every((image) => image.complete);
"""
# The server gets the next such request, and the page never hears its answer.
LOSE_ANSWER = """
const [path, ask] = [arguments[0], window.fetch];
let left = 1;
window.fetch = async (asked, options) => {
  const answer = await ask(asked, options);
  if (options?.method === "POST" && asked === path && left-- > 0) throw new TypeError();
  return answer;
};
"""
# The page asks in vain the first time.
LOSE_WORDS = """
const ask = window.fetch;
let left = 1;
window.fetch = async (asked, options) => {
  if (String(asked).startsWith("/console/words.") && left-- > 0) throw new TypeError();
  return ask(asked, options);
}
"""
LOSE_UPLOAD = """
const send = XMLHttpRequest.prototype.send;
let left = 1;
XMLHttpRequest.prototype.send = function (body) {
  if (left-- > 0) this.onload = this.onerror;
  return send.call(this, body);
};
"""
CUT_OFF = """
const boxes = "h1, h2, button, .button, .badge, .chip, td, th, .card, .message";
return [...document.querySelectorAll(boxes)]
  .filter((one) => one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0)
  .map((one) => `${one.tagName} ${one.className}: ${one.textContent.trim().slice(0, 60)}`);
"""
# What the page puts forward; a dialog has a button of its own.
PRIMARY = """
return [...document.querySelectorAll("main .primary")]
  .filter((one) => one.checkVisibility() && !one.closest("dialog")).map((one) => one.textContent);
"""
# Faults in the frame of the page.
FRAME = """
const seen = (one) => one.checkVisibility({ visibilityProperty: true });
const bottom = (one) => one.getBoundingClientRect().bottom;
const high = document.querySelector(".top").offsetHeight;
const notice = document.querySelector(".page > .notice");
const atTop = document.querySelector(".page").scrollTop === 0;
const wrong = [];
if (high > arguments[0]) wrong.push(`the header is ${high} pixels high`);
if (document.querySelector(".veil")) return wrong;
// In a low window all of it scrolls.
if (innerHeight > 480 && document.scrollingElement.scrollHeight > innerHeight)
  wrong.push("the document scrolls beside the page");
if (!seen(notice) || (atTop && bottom(notice) > innerHeight))
  wrong.push("the notice is not in the first view");
const [page, footer] = [".page", "footer"].map((one) => document.querySelector(one));
const end = page.getBoundingClientRect().top - page.scrollTop + page.scrollHeight;
if (seen(footer) && Math.abs(end - bottom(footer)) > 1) wrong.push("the footer is not at the end");
return wrong;
"""

T = TypeVar("T")

# Asked every few seconds: it may be the first to learn that the session or the network has ended.
REFUSED_POLL = re.compile(r":\d+/messages - Failed to load resource: (?:.* 401 |net::ERR_INTERNET)")


class Found:
    """An element at a selector. It is looked up for each access, because the page may have redrawn
    it.
    """

    def __init__(self, visitor: "Visitor", selector: str) -> None:
        self._visitor, self._selector = visitor, selector

    @property
    def text(self) -> str:
        return self._visitor.at(self._selector, lambda element: element.text)

    @property
    def rect(self) -> dict[str, float]:
        return self._visitor.at(self._selector, lambda element: element.rect)

    def get_attribute(self, name: str) -> str | None:
        return self._visitor.at(self._selector, lambda element: element.get_attribute(name))

    def is_displayed(self) -> bool:
        return self._visitor.at(self._selector, lambda element: element.is_displayed())

    def clear(self) -> None:
        self._visitor.at(self._selector, lambda element: element.clear())

    def send_keys(self, *keys: str) -> None:
        self._visitor.at(self._selector, lambda element: element.send_keys(*keys))


class Visitor:
    def __init__(self, browser: webdriver.Chrome, port: int) -> None:
        self._browser = browser
        self._home = f"http://127.0.0.1:{port}"
        self._size = DESKTOP
        self._before_next_page: list[str] = []
        self._words: dict[str, dict[str, str]] = {}

    def look(
        self, size: tuple[int, int] = DESKTOP, *, dark: bool = False, language: str = "en"
    ) -> None:
        self._size = size
        self._resize(size[1])
        self._command("Emulation.setTouchEmulationEnabled", enabled=size == PHONE)
        theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._command("Emulation.setEmulatedMedia", features=[theme])
        self._store("localStorage", "skinapi.language", language)

    def enter(self, caller: Caller, role: str) -> None:
        session = json.dumps({"token": caller.token, "role": role, "email": caller.email})
        self._store("sessionStorage", "skinapi.session", session)
        self.open("/")

    def open(self, path: str) -> None:
        source = ";".join(self._before_next_page)
        script = self._command("Page.addScriptToEvaluateOnNewDocument", source=source)
        self._browser.get(self._home + path)
        self._command("Page.removeScriptToEvaluateOnNewDocument", **script)
        self._before_next_page.clear()

    def go(self, place: str) -> None:
        self._browser.execute_script("location.hash = arguments[0]", f"#/{place}")

    def reload(self) -> None:
        """Reload, and return once the old page is gone."""
        self.run("window.before = true; location.reload()")
        self.await_truth(lambda: not self.run("return window.before"), "the page anew")

    def open_view(self, place: str) -> None:
        self.find("main > *")
        # A case is replaced next to its list.
        shown = "document.querySelector('main .case-frame, main > :first-child:not(.open)')"
        self.run(f"window.left = {shown}")
        self.go(place)
        another = f"const now = {shown}; return now && now !== window.left"
        self.await_truth(lambda: self.run(another), f"the view {place}")
        self.await_stillness()

    def type(self, **values: str) -> None:
        for name, value in values.items():
            field = self.find(f"[name={name}]")
            field.clear()
            field.send_keys(value)

    def choose(self, name: str, value: str) -> None:
        def select() -> bool:
            Select(self._look(f"select[name={name}]")).select_by_value(value)
            return True

        self._until(select, f"to choose {value!r} of {name}")

    def ask(self, question: str) -> None:
        """Open this question about a photo: a phone shows one question at a time."""
        shown = f"return document.querySelector('[name={question}]')?.checkVisibility()"

        def turn() -> bool:
            if self.run(shown):
                return True
            before = self.find("h1").text
            self.press(".send button:last-child")
            self._until(lambda: self.find("h1").text != before, "for the next question")
            return False

        self.find("form .send:not([hidden])")
        self._until(turn, f"for the question {question}")

    def answer(self, question: str, value: str) -> None:
        self.ask(question)
        if question == "birth_year":
            self.type(birth_year=value)
        else:
            self.press(f":is(input, button)[name='{question}'][value='{value}']")

    def press(self, selector: str) -> None:
        def click() -> bool:
            self._click(self._look(selector))
            return True

        self._until(click, f"to press {selector}")

    def _click(self, target: WebElement) -> None:
        """If a bar at the edge of the page covers it, scroll it to the middle for the next try."""
        try:
            target.click()
        except ElementClickInterceptedException:
            self.run("arguments[0].scrollIntoView({block: 'center'})", target)
            raise

    def double_click(self, selector: str) -> None:
        self.at(selector, lambda it: ActionChains(self._browser).double_click(it).perform())

    def swipe_up(self, selector: str, pixels: int) -> None:
        """Swipe with a finger that begins in the middle of the element."""
        box = self.find(selector).rect
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        places = [{"x": x, "y": y - pixels * step / 5} for step in range(6)]
        self._command("Input.dispatchTouchEvent", type="touchStart", touchPoints=places[:1])
        for place in places[1:]:
            self._command("Input.dispatchTouchEvent", type="touchMove", touchPoints=[place])
        self._command("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def press_button(self, text: str, within: str = "") -> None:
        path = "//*[self::button or self::a or self::label][contains(normalize-space(.), {})]"
        quoted = f'"{text}"'
        start = f"//*[contains(@class, '{within}')]" if within else ""

        def click() -> bool:
            self._click(self._browser.find_element(By.XPATH, start + path.format(quoted)))
            return True

        self._until(click, f"to press {text!r}")

    def press_in_row(self, row: str, button: str) -> None:
        line = f'//*[self::li or self::tr or self::section][contains(., "{row}")]'
        path = f'{line}//button[contains(normalize-space(.), "{button}")]'

        def click() -> bool:
            self._browser.find_element(By.XPATH, path).click()
            return True

        self._until(click, f"to press {button!r} beside {row!r}")

    def slide(self, selector: str, *keys: str) -> None:
        self.find(selector).send_keys(*keys)

    def keys(self, *keys: str) -> None:
        """Send keys to the focused element at that moment: an element found earlier may be gone."""
        ActionChains(self._browser).send_keys(*keys).perform()

    def hand_in(self, name: str, *files: Path) -> None:
        self.find(f"input[name={name}]").send_keys("\n".join(map(str, files)))

    def find(self, selector: str) -> Found:
        self.at(selector, lambda _: None)
        return Found(self, selector)

    def at(self, selector: str, act: Callable[[WebElement], T]) -> T:
        made: list[T] = self._until(lambda: [act(self._look(selector))], f"to find {selector}")
        return made[0]

    def _look(self, selector: str) -> WebElement:
        return self._browser.find_element(By.CSS_SELECTOR, selector)

    def read(self, selector: str) -> str:
        """Return its text once it has one: a dialog is in the page a moment before it opens."""
        return str(self._until(lambda: self.find(selector).text, f"to read {selector}"))

    def read_all(self, selector: str) -> list[str]:
        script = "return [...document.querySelectorAll(arguments[0])].map((one) => one.innerText)"
        found: list[str] = self.run(script, selector)
        return found

    def count(self, selector: str) -> int:
        return len(self._browser.find_elements(By.CSS_SELECTOR, selector))

    def see(self, text: str) -> None:
        self._until(lambda: text in self.text(), f"to see {text!r}")

    def see_none(self, text: str) -> None:
        self._until(lambda: text not in self.text(), f"not to see {text!r}")

    def text(self) -> str:
        return str(self.run("return document.body.innerText"))

    def printed(self) -> str:
        """Return the printed text, as a browser prints by default. An "ff" is printed as one
        character.
        """
        pages = self._browser.execute_cdp_cmd("Page.printToPDF", {})["data"]
        texts = (page.extract_text() for page in PdfReader(BytesIO(b64decode(pages))).pages)
        return normalize("NFKC", "\n".join(texts))

    def run_async(self, script: str, *arguments: Any) -> Any:
        """Run a script whose last argument is the function that receives its result."""
        return self._browser.execute_async_script(script, *arguments)

    def run(self, script: str, *arguments: Any) -> Any:
        return self._browser.execute_script(script, *arguments)

    def words(self, language: str) -> dict[str, str]:
        if language not in self._words:
            self._words[language] = self._browser.execute_async_script(READ_WORDS, language)
        return self._words[language]

    def texts(self, language: str) -> list[str]:
        found: list[str] = self.run(READ_TEXTS, language)
        return found

    def await_stillness(self) -> None:
        self._until(lambda: self.run(IS_STILL), "for the page to be still")

    def await_truth(self, ask: Callable[[], bool], what: str) -> None:
        """Retry until the condition holds. A read may fail while a row is being replaced."""

        def is_true() -> bool:
            try:
                return ask()
            except (AssertionError, LookupError, ValueError):
                return False

        self._until(is_true, f"for {what}")

    def await_rest(self, script: str, what: str) -> None:
        """Wait until what the script returns has been the same for 0.3 seconds. A click is aimed
        before it lands, so on a moving page it would hit something else.
        """
        seen: list[Any] = []

        def rests() -> bool:
            seen.append(self.run(script))
            return len(seen) > AT_REST and len(set(seen[-AT_REST:])) == 1

        self._until(rests, f"for {what}")

    def await_answer(self, path: str) -> None:
        came = (
            "return performance.getEntriesByType('resource').some("
            "(one) => one.name.endsWith(arguments[0]) && one.responseStatus === 200)"
        )
        self._until(lambda: self.run(came, path), f"for the answer of {path}")

    def photograph(self) -> str:
        """Return the whole page as PNG in base64, in a window as high as the page needs."""
        hidden = self.run(
            "const page = document.querySelector('.page');"
            "return page.scrollHeight - page.clientHeight"
        )
        if hidden > 0:
            self._resize(self._size[1] + hidden)
        picture: str = self._command("Page.captureScreenshot", optimizeForSpeed=True)["data"]
        if hidden > 0:
            self._resize(self._size[1])
        return picture

    def go_offline(self, gone: bool) -> None:
        self._set_network(gone)

    def lose_answer(self, path: str) -> None:
        """Drop the answer to the next POST to this path, until the page is loaded again."""
        self.run(LOSE_ANSWER, path)

    def lose_answer_of_photo(self) -> None:
        self.run(LOSE_UPLOAD)

    def lose_words(self) -> None:
        self._before_next_page.append(LOSE_WORDS)

    def limit_uplink(self, bytes_a_second: int) -> None:
        """Limit the upload speed; -1 removes the limit."""
        self._set_network(False, uplink=bytes_a_second)

    def assert_accessible(self) -> None:
        """Fail if axe finds a fault on the current page. Nothing is checked if axe is not
        installed.
        """
        axe = tool("axe-core")
        if not axe:
            return
        if not self.run("return 'axe' in window"):
            # Past the page's own policy, which lets in no script but the console's.
            self._command("Runtime.evaluate", expression=(axe / "axe.min.js").read_text())
        found = self._browser.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            "const asked = {runOnly: arguments[0], resultTypes: ['violations']};"
            "axe.run(document, asked).then((found) => done(found.violations));",
            AXE_TAGS,
        )
        assert found == [], json.dumps(
            [
                (record["id"], record["help"], [node["target"] for node in record["nodes"]][:5])
                for record in found
            ]
        )

    def assert_quiet(self, *, expected: tuple[str, ...] = ()) -> None:
        """Fail if the browser's log has an error or a policy violation. A refused request is logged
        as an error: name those that were meant to be refused.
        """
        entries = [entry["message"] for entry in self._browser.get_log("browser")]  # type: ignore[no-untyped-call]
        loud = [
            entry
            for entry in entries
            if not any(word in entry for word in expected) and not REFUSED_POLL.search(entry)
        ]
        assert loud == [], loud

    def assert_nothing_overflows(self) -> None:
        wide = self.run(
            "const page = document.querySelector('.page');"
            "return page.scrollWidth - page.clientWidth"
        )
        assert wide <= 0, f"the page is {wide} pixels wider than the window"
        cut = self.run(CUT_OFF)
        assert cut == [], cut

    def assert_frame(self) -> None:
        wrong = self.run(FRAME, 48 if self._size == DESKTOP else 96)
        assert wrong == [], wrong

    def assert_at_most_one_primary(self) -> None:
        found = self.run(PRIMARY)
        assert len(found) < 2, found

    def _store(self, storage: str, key: str, value: str) -> None:
        self._before_next_page.append(f"{storage}.setItem({json.dumps(key)}, {json.dumps(value)})")

    def _until(self, act: Callable[[], Any], what: str) -> Any:
        wait = WebDriverWait(
            self._browser, PATIENCE_S, poll_frequency=0.1, ignored_exceptions=IN_THE_WAY
        )

        def attempt(_: object) -> Any:
            try:
                return act()
            except WebDriverException as error:
                if NAVIGATED in (error.msg or ""):
                    return False
                raise

        try:
            return wait.until(attempt)
        except TimeoutException as error:
            seen = self.text()[:600]
            raise AssertionError(f"waited {PATIENCE_S} s {what}; on the screen: {seen}") from error

    def _set_network(self, offline: bool, uplink: int = -1) -> None:
        self._command("Network.enable")
        speed = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": uplink}
        self._command("Network.emulateNetworkConditions", offline=offline, **speed)

    def _resize(self, height: int) -> None:
        self._command(
            "Emulation.setDeviceMetricsOverride",
            width=self._size[0],
            height=height,
            deviceScaleFactor=1,
            mobile=self._size == PHONE,
        )

    def _command(self, name: str, **arguments: Any) -> Any:
        return self._browser.execute_cdp_cmd(name, arguments)
