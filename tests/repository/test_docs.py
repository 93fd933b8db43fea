import json
import re
from pathlib import Path

import pytest

from skinapi.base.settings.settings import Settings
from tests.repository.documents import FENCED, PAGES, ROOT
from tests.repository.reference import COMMAND, TABLES, write_page

SETTINGS = {name.upper() for name in Settings.model_fields}
MODELS = ROOT / "skinapi" / "models"
CARDS = [path.relative_to(ROOT).as_posix() for path in MODELS.glob("*/*.md")]


@pytest.mark.parametrize("page", TABLES)
def test_the_tables_of_a_page_are_those_of_the_code(page: str) -> None:
    assert write_page(page) == (ROOT / page).read_text(), f"run {COMMAND}"


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


@pytest.mark.parametrize("page", [*PAGES])
def test_every_module_that_a_page_names_is_there(page: str) -> None:
    named = re.findall(r"`((?:[a-z_]+/)+[a-z_0-9]+\.(?:py|yaml))", PAGES[page])
    for path in named:
        assert (ROOT / path).exists() or (ROOT / "skinapi" / path).exists(), f"{page}: {path}"


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)", FENCED.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", ["README.md", "docs/training.md"])
def test_every_figure_with_an_interval_is_on_the_models_card(page: str) -> None:
    """Figures of the previous rule, and of other networks elsewhere, are exempt."""
    card = (MODELS / "resnet50" / "README.md").read_text()
    own = re.sub(r"^\|.*\| (before|elsewhere, \w+) \|.*$", "", PAGES[page], flags=re.MULTILINE)
    figures = re.findall(r"(\d\.\d+)\s+\[(\d\.\d+-\d\.\d+)\]", own)
    assert figures
    for figure, interval in figures:
        assert f"{figure} [{interval}]" in card
    version = json.loads((MODELS / "resnet50" / "card.json").read_text())["version"]
    assert version in PAGES[page]
