import gzip
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from skinapi.app.areas import FOLDERS, list_areas
from skinapi.base.errors import SkinAPIError
from skinapi.base.languages import LANGUAGES, Language
from skinapi.base.subject import ROLES
from skinapi.care.own_data import OwnDataSummary
from skinapi.console.routes import (
    ASSETS,
    STAFF_WORDS,
    STATIC,
    WORDS,
    Words,
    describe_part,
    read_assets,
)
from skinapi.findings.reports.words import LABELS
from skinapi.model.conditions import Band, conditions_table
from skinapi.model.finding import Doubt
from skinapi.model.heat_map_overlay import COLOURS_FILE
from skinapi.platform.area import Area
from tests.console.visitor import Visitor
from tests.npm_tools import tool
from tests.support.backends import Backend
from tests.support.wording import jargon_in
from tests.test_gates import NOT_SERVING

VENDORED = {
    # htm 3.1.1 from npm: preact/standalone.module.js, which holds Preact 10 and htm.
    "vendor/htm-preact-3.1.1.js": "72284e8e9079c87817145df1110f74e8a2aa040b2fc384922e18dfcb46fc1fd7"
}
OURS = [name for name in ASSETS if name.endswith((".js", ".css", ".html")) and "/" not in name]
OURS += [name for name in ASSETS if name.startswith(("views/", "embed/"))]
# What areas add: their files, and what they say of them to the scripts.
AREAS = list_areas()
EVERYTHING = read_assets(AREAS)
PARTS = EVERYTHING.keys() - ASSETS.keys()
DESCRIBED = [describe_part(area) for area in AREAS]


def text_of(name: str) -> str:
    return EVERYTHING[name].content.decode()


@pytest.fixture(scope="module")
def words() -> dict[Language, dict[str, str]]:
    return {language: read_words(language) for language in LANGUAGES}


def read_words(language: Language) -> dict[str, str]:
    for_all, for_staff = (
        json.loads(text_of(f"{name}.{language}.json")) for name in ("words", "words.staff")
    )
    assert for_all.keys() & for_staff.keys() == set()
    return {**for_all, **for_staff}


def test_what_is_vendored_is_what_was_published() -> None:
    vendored = {name for name in ASSETS if name.startswith("vendor/")}
    assert vendored == VENDORED.keys()
    for name, wanted in VENDORED.items():
        assert hashlib.sha256(ASSETS[name].content).hexdigest() == wanted


def test_every_file_is_served_under_the_policy_and_kept_until_it_changes(backend: Backend) -> None:
    for name, asset in EVERYTHING.items():
        path = f"/console/{name}"
        plain = backend.client.get(path)
        assert plain.data == asset.content
        assert "unsafe" not in plain.headers["Content-Security-Policy"]
        assert "default-src 'none'" in plain.headers["Content-Security-Policy"]
        assert plain.headers["X-Content-Type-Options"] == "nosniff"
        again = backend.client.get(path, headers={"If-None-Match": plain.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
        zipped = backend.client.get(path, headers={"Accept-Encoding": "gzip"})
        if "Content-Encoding" in zipped.headers:
            assert gzip.decompress(zipped.data) == asset.content


def test_a_script_is_sent_without_its_comments_at_the_same_lines() -> None:
    for path in [path for path in STATIC.rglob("*") if path.suffix in (".js", ".css")]:
        name = path.relative_to(STATIC).as_posix()
        if name in VENDORED:
            continue
        lines = list(zip(text_of(name).split("\n"), path.read_text().split("\n"), strict=True))
        assert all(sent in (written, "") for sent, written in lines), name
        comments = [sent for sent, _ in lines if re.match(r" *(//|/\*(?!.*\*/ *\S)| \* )", sent)]
        assert not comments, name


def test_no_other_file_is_served(backend: Backend) -> None:
    for name in ("../routes.py", "%2e%2e/routes.py", "views/", "", "nothing.js", "vendor"):
        assert backend.client.get(f"/console/{name}").status_code in (400, 404)


def test_a_browser_gets_the_console_and_a_program_the_contract(backend: Backend) -> None:
    page = backend.client.get("/", headers={"Accept": "text/html"})
    assert page.mimetype == "text/html"
    assert b'id="console"' in page.data
    assert backend.client.get("/").get_json()["status"] == "Backend running"


BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def test_an_address_that_is_none_is_a_page_for_a_browser_alone(backend: Backend) -> None:
    """Somebody who mistyped an address used to read JSON."""
    page = backend.client.get("/chek", headers=BROWSER)
    assert (page.status_code, page.mimetype) == (404, "text/html")
    assert b'id="console"' in page.data
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    for asked in (
        backend.client.get("/chek"),
        backend.client.post("/chek", headers=BROWSER),
        backend.client.get("/console/nothing.js", headers=BROWSER),
    ):
        assert (asked.status_code, asked.get_json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(("language", "says"), [("en", "Wait"), ("fr-FR,fr;q=0.9", "Attendez")])
def test_a_browser_that_is_refused_reads_a_sentence(
    tmp_path: Path, language: str, says: str
) -> None:
    backend = Backend(tmp_path, rate_read="1/minute")
    headers = {**BROWSER, "Accept-Language": language}
    assert backend.client.get("/docs", headers=headers).status_code == 200
    for path in ("/docs", "/nowhere"):
        refused = backend.client.get(path, headers=headers)
        assert (refused.status_code, refused.mimetype) == (429, "text/html")
        wait = refused.headers["Retry-After"]
        assert f"{says} {wait} s" in refused.text
        assert f'lang="{language[:2]}"' in refused.text
        assert backend.client.get(path).mimetype == "application/problem+json"
    backend.services.store.close()


def test_every_word_is_used_and_every_used_word_is_there(
    words: dict[Language, dict[str, str]],
) -> None:
    source = "\n".join(map(text_of, [*OURS, *PARTS]))
    used = set(re.findall(r'say\("(\w+)"', source))
    groups = {f"{name}_" for name in re.findall(r'sayValue\("(\w+)"', source)}
    assert used <= words["en"].keys()
    assert {
        group for group in groups if not any(key.startswith(group) for key in words["en"])
    } == set()
    assert words["en"].keys() - said_by(source, words["en"]) == set()


@pytest.mark.parametrize(
    "area", [area for area in AREAS if area.console.folder], ids=lambda area: area.name
)
def test_a_word_for_staff_that_one_area_alone_says_lies_in_its_folder(
    area: Area, words: dict[Language, dict[str, str]]
) -> None:
    own = {name for name in PARTS if name.startswith(f"{area.name}/")}
    said, said_elsewhere = (
        said_by("\n".join(map(text_of, sorted(names))), words["en"])
        for names in (own, {*OURS, *PARTS} - own)
    )
    of_staff = json.loads(text_of("words.staff.en.json")).keys()
    core = {key for words in WORDS.values() for key in words.by_key}
    for language in LANGUAGES:
        with_it = Words.of(language, STAFF_WORDS, (area,)).by_key.keys()
        assert with_it - core == (said - said_elsewhere) & of_staff


# How the words of a number begin (`sayCount`). A noun is written in the code, or is a field of the
# summary of one's own data.
COUNTS = ("one_", "many_")


def said_by(source: str, words: dict[str, str]) -> set[str]:
    quoted = set(re.findall(r'"(\w+)"', source))
    groups = re.findall(r'(?:sayValue|valuesOf)\("(\w+)"', source)
    begun = [name for name in re.findall(r"`(\w+_)\$\{", source) if name not in COUNTS]
    begun += [f"{many}{name}" for name in begun for many in COUNTS]
    prefixes = (*(f"{name}_" for name in groups), *begun)
    counted = {
        f"{many}{noun}" for noun in (quoted | OwnDataSummary.model_fields.keys()) for many in COUNTS
    }
    return {key for key in words if key in quoted | counted or key.startswith(prefixes)}


# Accounts that nobody logs in to.
EMBEDDED = "embed/main.js"


def modules_of(views: list[str]) -> set[str]:
    main = text_of("main.js")
    file_of = dict(
        re.findall(r'^  "?([\w-]*)"?: \(\) => import\("/console/(.*?)"', main, re.MULTILINE)
    )
    for part in DESCRIBED:
        file_of |= {view: _name_of(address) for view, address in part["views"].items()}
    return reached_from(["main.js", EMBEDDED, *(file_of[view] for view in views)])


def _name_of(address: str) -> str:
    return address.removeprefix("/console/")


def reached_from(waiting: list[str]) -> set[str]:
    found = set[str]()
    while waiting:
        name = waiting.pop()
        if name in found or name.startswith("vendor/"):
            continue
        found.add(name)
        source = text_of(name)
        imports = re.findall(
            r'from "/console/(.*?)"|^ +import\("/console/(.*?)"', source, re.MULTILINE
        )
        waiting += [item or other for item, other in imports]
        beside = name.rpartition("/")[0]
        waiting += [f"{beside}/{own}" for own in re.findall(r'from "\./(.*?)"', source)]
    return found


def test_every_module_of_an_area_is_reached_from_what_the_area_declares() -> None:
    declared = [
        _name_of(address)
        for part in DESCRIBED
        for files in (part["views"], part["inside"], *part["sections"].values())
        for address in files.values()
    ]
    of_areas = {name for name in reached_from(declared) if name not in ASSETS}
    assert of_areas == PARTS
    for area in AREAS:
        if area.console.folder:
            assert {path.suffix for path in (area.console.folder / "console").iterdir()} == {".js"}


def test_no_module_of_the_core_or_of_another_area_names_one_of_an_area() -> None:
    for name in [*OURS, *PARTS]:
        for area in FOLDERS:
            assert f"/console/{area}/" not in text_of(name), name


def views_with_few_words() -> list[str]:
    few = re.search(r"FEW_WORDS = new Set\(\[(.*?)\]", text_of("main.js"))
    assert few
    of_areas = [view for part in DESCRIBED for view in part["open"]]
    return [*re.findall(r'"([\w-]*)"', few[1]), *of_areas]


def test_the_words_of_staff_are_those_that_no_patients_page_says(
    words: dict[Language, dict[str, str]],
) -> None:
    """Two thirds of all words are for staff. Patients must not have to load them."""
    names = modules_of(views_with_few_words())
    said = said_by("\n".join(map(text_of, sorted(names))), words["en"])
    for language in LANGUAGES:
        staffs = json.loads(text_of(f"words.staff.{language}.json"))
        assert staffs.keys() == words["en"].keys() - said


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_patient_reads_no_word_of_doctors_or_engineers(
    language: Language, words: dict[Language, dict[str, str]]
) -> None:
    names = modules_of([*views_with_few_words(), "my-data"]) - {"views/letters.js"}
    source = "\n".join(map(text_of, sorted(names)))
    quoted = set(re.findall(r'"(\w+)"', source))
    prefixes = tuple(re.findall(r"`(\w+_)\$\{", source))
    shown = {
        key: said
        for key, said in words[language].items()
        if key in quoted or key.startswith(prefixes)
    }
    assert len(shown) > 150
    found = {key: jargon_in(said, language) for key, said in shown.items()}
    assert {key: terms for key, terms in found.items() if terms} == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_of_reports_are_the_words_of_the_console(
    language: Language, words: dict[Language, dict[str, str]]
) -> None:
    """The PDF and the console use the same term for a body part."""
    labels, said = LABELS[language], words[language]
    notice = conditions_table().notices.information_only
    assert said["notice"] == notice.in_language(language)
    tables: dict[str, dict[Any, str]] = {
        "site": dict(labels.sites),
        "age": dict(labels.answers["age_band"]),
        "sex": dict(labels.answers["sex"]),
    }
    for prefix, table in tables.items():
        assert {key: said[f"{prefix}_{key}"] for key in table} == table


# The console has the words of all areas, also of one that is gone.
WORDS_OF = {"oidc": "oidc_|account_(allow_|un)?link$", "dicom": "archive_", "webhooks": "webhook_"}


def says(words: dict[Language, dict[str, str]], kind: str) -> set[str]:
    gone = [words_of for area, words_of in WORDS_OF.items() if area not in FOLDERS]
    said = {key.removeprefix(kind) for key in words["en"] if key.startswith(kind)}
    return {word for word in said if not any(re.match(words_of, word) for words_of in gone)}


# What only a program can be told, or what the console answers before a person sees it.
FOR_PROGRAMS = """
audit_cursor_lost bad_request compared_with_itself contradictory_review duplicate
expectation_failed finding_erased gone headers_too_large
idempotency_key_reused identifier_reused
invalid_key invalid_query invalid_refresh_token key_expired key_from_elsewhere
key_lacks_scope makes_no_sessions maybe_different_spots method_not_allowed no_such_language
not_acceptable password_change_required refused_instance
takes_no_key test_key too_many_webhooks unauthenticated undecided unknown_kind unknown_performer
unprocessable unsupported_media_type unwritten uri_too_long
"""
# The API says this one in the language of the photo.
SAID_BY_THE_API = {"not_judgeable"}


def test_no_doubt_is_left_out_of_a_patients_explanation_but_the_one_that_the_page_tells() -> None:
    script = (STATIC / "views" / "finding.js").read_text("utf-8")
    listed = re.search(r"const LEFT_OUT = (\[.*?\]);", script)
    assert listed is not None
    doubts = {f"general.{doubt}" for doubt in Doubt} & {*json.loads(listed[1])}
    assert doubts == {"general.too_close"}


def test_every_error_that_a_person_can_meet_has_words(
    words: dict[Language, dict[str, str]],
) -> None:
    """The API speaks English, and its user may not."""
    list_areas()  # imports what they may answer
    shown = {
        error.code
        for error in errors_below(SkinAPIError)
        if error.__module__.startswith("skinapi.")
        # Only the command line prints these; they exist once another test has imported them.
        and not error.__module__.startswith(NOT_SERVING)
        and (error.status < 500 or error.status in (503, 507))
    }
    said = says(words, "error_")
    assert shown - {*FOR_PROGRAMS.split()} - SAID_BY_THE_API == said


def errors_below(error: type[SkinAPIError]) -> set[type[SkinAPIError]]:
    direct = error.__subclasses__()
    return {*direct, *(below for item in direct for below in errors_below(item))}


SUBJECTS = (
    "account|archive|breakglass|case|dataset|doctor|finding|job|key|lesion|letter|message|model"
    "|patient|person_file|photo|record|report|review|session|store|submission|webhook"
)
# Files, spans and fields that look the same.
NO_ACTIONS = """
account.erased account.joined finding.band finding.changed finding.deleted finding.in_case
finding.modality finding.stored
job.attempt job.ended job.id job.status letter.signed letter.withdrawn model.promoted report.css
report.html report.pdf review.signed webhook.test
"""


def test_every_action_of_the_audit_trail_has_words(words: dict[Language, dict[str, str]]) -> None:
    sources = [path.read_text() for path in STATIC.parents[1].rglob("*.py")]
    quoted = set(re.findall(rf'"((?:{SUBJECTS}|thumbnail)\.(?!js\b)[a-z_]+)"', "\n".join(sources)))
    actions = quoted - {*NO_ACTIONS.split()}
    actions |= {f"account.role_{role}" for role in ROLES} | {f"finding.{band}" for band in Band}
    of_2_0_0 = {"account_unrefuse", "breakglass_end", "case_close_opinion"}
    of_2_0_0 |= {"account_delete", "account_delete_own", "account_drop_deletion"}
    of_2_0_0 |= {"account_expire_record", "account_plan_deletion", "account_reached"}
    of_2_0_0 |= {"account_take_deletion_back", "account_locale", "account_notices"}
    of_2_0_0 |= {"account_person", "account_reset_password", "account_join", "model_retire"}
    said = says(words, "did_") - {"other", *of_2_0_0}
    assert said == {action.replace(".", "_") for action in actions if action[-1] != "_"}


def test_the_check_of_accessibility_finds_what_is_wrong(visitor: Visitor) -> None:
    """Otherwise its silence in the other tests would prove nothing."""
    if not tool("axe-core"):
        pytest.skip("axe-core could not be had from npm")
    visitor.look()
    visitor.open("/")
    visitor.see("Log in")
    visitor.run("document.querySelector('.brand img').removeAttribute('alt')")
    with pytest.raises(AssertionError, match="image-alt"):
        visitor.assert_accessible()


def test_every_static_file_is_known() -> None:
    files = {path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*") if path.is_file()}
    assert files | {COLOURS_FILE.name, "facts.js"} | WORDS.keys() == ASSETS.keys()
    assert Path(STATIC / "index.html").is_file()
