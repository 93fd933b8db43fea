"""The pages agree with the code and with each other."""

import json
import os
import re
import tomllib
from pathlib import Path

import pytest

from skinapi.base.settings import Settings
from tests.privacy.inventory import INVENTORY
from tests.repository.documents import FENCED, PAGES, ROOT, chapter
from tests.repository.reference import COMMAND, DRAWING, TABLES, draw_layers, layers, write_page

SETTINGS = {name.upper() for name in Settings.model_fields}
MODELS = ROOT / "skinapi" / "models"
CARDS = [path.relative_to(ROOT).as_posix() for path in MODELS.glob("*/*.md")]
# Where a path in a text may begin.
BASES = (ROOT, ROOT / "skinapi", ROOT / "skinapi" / "console" / "static")
TEXTS = {".py", ".js", ".md", ".yaml", ".yml", ".toml", ".html", ".css", ".cfg", ".service", ""}
# An address elsewhere, or a link, whose target is checked by itself.
LINK = re.compile(r"https?://\S+|\[[^\]]*\]\([^)]*\)")


@pytest.mark.parametrize("page", TABLES)
def test_the_tables_of_a_page_are_those_of_the_code(page: str) -> None:
    assert write_page(page) == PAGES[page], f"run {COMMAND}"


def test_the_drawing_of_the_layers_is_that_of_the_contract() -> None:
    assert draw_layers() == DRAWING.read_text(), f"run {COMMAND}"


def test_every_setting_says_what_it_is_for() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name


def test_the_example_environment_names_every_setting_and_nothing_else() -> None:
    example = (ROOT / ".env.example").read_text()
    assert set(re.findall(r"^(\w+)=", example, re.MULTILINE)) == SETTINGS


@pytest.mark.parametrize("page", [*PAGES, *CARDS])
def test_every_link_leads_somewhere(page: str) -> None:
    for target in re.findall(r"(?:\]\(|src=\")([^)\"\s]+)", (ROOT / page).read_text()):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        found = (ROOT / page).parent / path if path else ROOT / page
        assert found.exists(), f"{page}: {target}"
        if anchor:
            assert anchor in _anchors(found), f"{page}: {target}"


def test_every_page_that_a_file_names_is_there() -> None:
    for file in _texts():
        lines = "\n".join(line for line in file.read_text().splitlines() if ".md" in line)
        named = re.findall(r"([\w./-]*\w\.md)(?:#([\w-]+))?", LINK.sub("", lines))
        for path, anchor in named:
            places = [base / path for base in (ROOT, file.parent, ROOT / "docs")]
            found = next((place for place in places if place.is_file()), None)
            assert found, f"{file.relative_to(ROOT)}: {path}"
            assert not anchor or anchor in _anchors(found), f"{file.relative_to(ROOT)}: {path}"


@pytest.mark.parametrize("page", sorted(PAGES.keys() - {"CHANGELOG.md"}))
def test_every_file_of_the_code_that_a_page_names_is_there(page: str) -> None:
    for path in re.findall(r"`([\w.-]+(?:/[\w.-]+)+\.(?:py|js|css|html|yaml|cfg))`", PAGES[page]):
        assert _of_the_code(path), path
    named = re.findall(r"`([\w/]+\.py)`[\w ]*\(`(\w+)`", PAGES[page])
    named += [(path, name) for name, path in re.findall(r"`(\w+)` of `([\w/]+\.py)`", PAGES[page])]
    named += [(path, name) for name, path in re.findall(r"`(\w+)` in `([\w/]+\.py)`", PAGES[page])]
    # docs/requests.md: a row begins with the module, and names its functions.
    rows = re.findall(r"^\| `([\w/]+\.py)` \|(.*)", PAGES[page], re.MULTILINE)
    named += [(path, name) for path, row in rows for name in re.findall(r"`([a-z_]+)`", row)]
    for path, name in named:
        assert any(name in file.read_text() for file in _of_the_code(path)), (path, name)


def _of_the_code(path: str) -> list[Path]:
    return [base / path for base in BASES if (base / path).is_file()]


def _texts() -> list[Path]:
    """The files of the project that hold words of ours."""
    folders = ("skinapi", "tests", "bench", "deploy", "docs", ".ci", ".github")
    found = [path for name in folders for path in (ROOT / name).rglob("*")]
    found += [path for path in ROOT.glob("*") if not path.name.startswith(".")]
    found = [path for path in found if path.suffix in TEXTS and "node_modules" not in path.parts]
    return [ROOT / ".env.example", *(path for path in found if path.is_file())]


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)", FENCED.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_every_page_is_reached_from_the_index() -> None:
    linked = {
        os.path.normpath(f"docs/{target}")
        for target in re.findall(r"\]\(([^)#]+)", PAGES["docs/README.md"])
    }
    assert linked == PAGES.keys() - {"README.md", "docs/README.md"}
    assert "(docs/README.md)" in PAGES["README.md"]


def test_the_figure_of_what_is_stored_names_collections() -> None:
    drawn = re.findall(r"^    (\w+) \S+ (\w+) : ", PAGES["docs/data_model.md"], re.MULTILINE)
    stored = {collection.collection for collection in INVENTORY}
    assert {name for pair in drawn for name in pair} <= stored


def test_every_package_is_explained() -> None:
    for package in (name for layer in layers() for name in layer):
        row = rf"^\|.*`{package}`"
        assert re.search(row, PAGES["docs/architecture.md"], re.MULTILINE), package


def test_every_dependency_has_a_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    parts = {
        "Dependencies of the server": project["dependencies"],
        "Dependencies of a message broker": extras["broker"],
        "Dependencies of DICOM": extras["dicom"],
        "Dependencies of batch runs": extras["batch"],
        "Dependencies of training": extras["train"],
        "Dependencies of the tests": extras["test"],
    }
    for heading, requirements in parts.items():
        rows = chapter("docs/dependencies.md", heading).splitlines()[2:]
        named = {
            word.strip()
            for row in rows
            if row.startswith("|")
            for word in row.split("|")[1].split(",")
        }
        assert named - {"library", "---"} == {re.split(r"[=<>[]", one)[0] for one in requirements}
    tools = json.loads((ROOT / "tests/npm_tools/package.json").read_text())["devDependencies"]
    rows = chapter("docs/dependencies.md", "Tools from npm").splitlines()
    assert {row.split("|")[1].strip() for row in rows[2:] if row} - {"tool", "---"} == tools.keys()


@pytest.mark.parametrize("page", ["README.md", "docs/training.md"])
def test_every_figure_with_an_interval_is_on_the_models_card(page: str) -> None:
    """But those of the rule before, and of other networks elsewhere."""
    card = (MODELS / "resnet50" / "README.md").read_text()
    own = re.sub(r"^\|.*\| (before|elsewhere, \w+) \|.*$", "", PAGES[page], flags=re.MULTILINE)
    figures = re.findall(r"(\d\.\d+)\s+\[(\d\.\d+-\d\.\d+)\]", own)
    assert figures
    for figure, interval in figures:
        assert f"{figure} [{interval}]" in card
    version = json.loads((MODELS / "resnet50" / "card.json").read_text())["version"]
    assert version in PAGES[page]
