import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from skinapi.base.languages import LANGUAGES, OWN_NAMES, Language
from skinapi.console.routes import STATIC, WORDS
from skinapi.model.headline import say_share

# What modules read of a browser as they are loaded, and where "/console/" is.
BROWSER = """
import { register } from "node:module";
const [root, language] = process.argv.slice(1);
const resolve = `export const resolve = (name, context, next) =>
  next(name.replace(/^.console./, "file://${root}/"), context);`;
register(`data:text/javascript,${encodeURIComponent(resolve)}`);
const store = { getItem: () => language, setItem() {}, removeItem() {} };
const given = { localStorage: store, sessionStorage: store };
given.BroadcastChannel = class { postMessage() {} };
given.navigator = { language, languages: [language] };
let text = "";
for await (const part of process.stdin) text += part;
const { module, script, files, languages } = JSON.parse(text);
const tag = { getAttribute: () => JSON.stringify(languages) };
const querySelector = (asked) => asked === "meta[name=languages]" ? tag : null;
given.document = { documentElement: {}, querySelector };
given.fetch = async (asked) => ({ ok: true, json: async () => files[asked.split("/").pop()] });
given.addEventListener = () => {};
for (const [name, value] of Object.entries(given))
  Object.defineProperty(globalThis, name, { value, configurable: true });
const found = await import(module);
const answer = await new Function("it", `return (${script})(it)`)(found);
const bytes = answer instanceof Blob && Buffer.from(await answer.arrayBuffer());
process.stdout.write(bytes || JSON.stringify(answer));
"""


def ask(module: str | Path, script: str, language: str = "en") -> bytes:
    """Return what a function makes of the exports of a module: of the console by its name there, or
    of an area by its path. The result is a Blob's bytes, or JSON.
    """
    node = shutil.which("node")
    if not node:
        pytest.skip("no node to ask")
    files = {name: words.by_key for name, words in WORDS.items()}
    address = module.as_uri() if isinstance(module, Path) else f"/console/{module}"
    given = {"module": address, "script": script, "files": files, "languages": OWN_NAMES}
    done = subprocess.run(
        [node, "--input-type=module", "-e", BROWSER, str(STATIC), language],
        input=json.dumps(given).encode(),
        capture_output=True,
        check=True,
        timeout=60,
    )
    return done.stdout


def called(module: str, name: str, calls: list[Any], language: str = "en") -> list[Any]:
    script = f"(it) => {json.dumps(calls)}.map((one) => it.{name}(...one))"
    answers: list[Any] = json.loads(ask(module, script, language))
    return answers


CLIENTS = {
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0": "Firefox · Linux",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/120.0.0.0 Safari/537.36 Edg/120.0.0.0": "Edge · Windows",
    "Mozilla/5.0 (unknown)": "Mozilla/5.0 (unknown)",
    "python-requests/2.32": "python-requests/2.32",
}


def test_a_browser_is_called_by_its_name() -> None:
    named = called("browser.js", "nameOfClient", [[client] for client in CLIENTS])
    assert named == list(CLIENTS.values())


PATHS = {
    "7": "/submissions/7/photo",
    "../../me": "/submissions/..%2F..%2Fme/photo",
    "a@b.example?x#y": "/submissions/a%40b.example%3Fx%23y/photo",
    "..": "/submissions/_/photo",
    "": "/submissions/_/photo",
}


def test_no_value_leaves_its_place_in_the_path_of_a_request() -> None:
    values = json.dumps(list(PATHS))
    made = ask("api.js", f"(it) => {values}.map((one) => it.apiPath`/submissions/${{one}}/photo`)")
    assert json.loads(made) == list(PATHS.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_probability_is_said_as_the_reports_say_it(language: Language) -> None:
    shares = [0.0, 0.004, 0.01, 0.07, 0.0701, 0.295, 0.5, 0.994, 0.996, 1.0]
    asked = [(share, malignant) for share in shares for malignant in (False, True)]
    said = [
        item.replace("\u00a0", " ").replace("\u202f", " ")
        for item in called("language.js", "sayShare", [[*item] for item in asked], language)
    ]
    reported = [say_share(share, malignant=malignant) for share, malignant in asked]
    assert said == [item.in_language(language) for item in reported]


def test_without_an_area_the_models_stand_alone_in_the_navigation() -> None:
    assert called("navigation.js", "placesOf", [["researcher"]]) == [["models"]]


def test_a_wait_is_never_said_too_short_and_a_figure_never_quite_certain() -> None:
    waits = called("language.js", "sayWait", [[0], [30], [61], [3700]])
    assert waits == ["later", "in 30 seconds", "in 2 minutes", "in 2 hours"]
    figures = called("language.js", "sayPercent", [[1], [0.99999], [0.962], [0.00001], [0]])
    assert figures == ["100%", "> 99.9%", "96.2%", "< 0.1%", "0%"]


def test_what_somebody_typed_reorders_nothing_around_it() -> None:
    names = [["Ada"], ["دكتورة"], ["a\u202eb"]]
    assert called("language.js", "isolated", names) == ["Ada", "\u2068دكتورة\u2069", "ab"]


def test_the_trail_shows_an_act_once_and_no_forged_row_behind_another() -> None:
    both = {"signed": True, "by": "ada", "by_key": None, "outcome": "done", "phase": "outcome"}

    def row(action: str, moment: str = "2026-11-27T10:00:05Z", **changed: Any) -> dict[str, Any]:
        return both | {"action": action, "created_at": moment, "target": "7"} | changed

    doctor = row("doctor.assign", target="bo", owner="7")
    account, another = row("account.assign"), row("account.assign", target="8")
    forged = row("account.assign", signed=False)
    trails = {
        "a change of doctors": ([doctor, account], [doctor]),
        "the same in the other order": ([account, doctor], [doctor]),
        "two patients": ([doctor, another], [doctor, another]),
        "a forged row": ([doctor, forged], [doctor, forged]),
    }
    shown = called("views/audit.js", "listActs", [[rows] for rows, _ in trails.values()])
    assert dict(zip(trails, shown, strict=True)) == {
        name: kept for name, (_, kept) in trails.items()
    }
