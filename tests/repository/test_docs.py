"""The pages agree with the code and with each other."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from skinapi.settings import Settings
from tests.repository.documents import PAGES, ROOT, chapter
from tests.repository.reference import COMMAND, DRAWING, PAGE, draw_layers, layers, write_page

SETTINGS = {name.upper() for name in Settings.model_fields}
MODELS = ROOT / "skinapi" / "models"
README_BYTES, PICTURE_BYTES = 9_000, 200_000


def test_the_tables_of_settings_and_limits_are_those_of_the_code() -> None:
    assert write_page(PAGE.read_text()) == PAGE.read_text(), f"run {COMMAND}"


def test_the_drawing_of_the_layers_is_that_of_the_contract() -> None:
    assert draw_layers() == DRAWING.read_text(), f"run {COMMAND}"


def test_every_setting_says_what_it_is_for() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name


def test_the_example_environment_names_every_setting_and_nothing_else() -> None:
    example = (ROOT / ".env.example").read_text()
    assert set(re.findall(r"^(\w+)=", example, re.MULTILINE)) == SETTINGS


def test_the_readme_is_short_and_its_pictures_are_small() -> None:
    assert len((ROOT / "README.md").read_bytes()) <= README_BYTES
    for picture in (ROOT / "docs").glob("*.png"):
        assert picture.stat().st_size <= PICTURE_BYTES, picture


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    for target in re.findall(r"(?:\]\(|src=\")([^)\"\s]+)", PAGES[page]):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        found = (ROOT / page).parent / path if path else ROOT / page
        assert found.exists(), f"{page}: {target}"
        if anchor:
            assert anchor in _anchors(found), f"{page}: {target}"


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_every_page_is_reached_from_the_readme() -> None:
    for page in PAGES.keys() - {"README.md"}:
        assert f"({page})" in PAGES["README.md"], page


@pytest.mark.parametrize("page", ["README.md", "docs/architecture.md"])
def test_every_package_is_explained(page: str) -> None:
    for package in (name for layer in layers() for name in layer):
        assert re.search(rf"^\|.*`{package}`", PAGES[page], re.MULTILINE), package


def test_every_dependency_has_a_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    parts = {
        "Dependencies of the server": project["dependencies"],
        "Dependencies of a message broker": extras["broker"],
        "Dependencies of batch runs": extras["batch"],
        "Dependencies of training": extras["train"],
        "Dependencies of the tests": extras["test"],
    }
    for heading, requirements in parts.items():
        rows = chapter("docs/decisions.md", heading).splitlines()[2:]
        named = {
            word.strip()
            for row in rows
            if row.startswith("|")
            for word in row.split("|")[1].split(",")
        }
        assert named - {"library", "---"} == {re.split(r"[=<>[]", one)[0] for one in requirements}
    tools = json.loads((ROOT / "tests/npm_tools/package.json").read_text())["devDependencies"]
    rows = chapter("docs/decisions.md", "Tools from npm").splitlines()
    assert {row.split("|")[1].strip() for row in rows[2:] if row} - {"tool", "---"} == tools.keys()


@pytest.mark.parametrize("page", ["README.md", "docs/training.md"])
def test_every_figure_with_an_interval_is_on_the_models_card(page: str) -> None:
    card = (MODELS / "resnet50" / "README.md").read_text()
    figures = re.findall(r"(\d\.\d+)\s+\[(\d\.\d+-\d\.\d+)\]", PAGES[page])
    assert figures
    for figure, interval in figures:
        assert f"{figure} [{interval}]" in card
    version = json.loads((MODELS / "resnet50" / "card.json").read_text())["version"]
    assert version in PAGES[page]
