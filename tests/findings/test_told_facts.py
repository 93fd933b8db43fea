import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from skinapi.base.languages import LANGUAGES, Language
from skinapi.findings.reports.words import LABELS
from skinapi.model.context import TOLD, Context
from skinapi.model.told_facts import list_choices, say_answer
from tests.faults.code_versions import MODELS, replace
from tests.served.server import ROOT

# All that adds a fact: before what stands there.
SKIN_CREAM = {
    "model/context.py": (
        "    skin_confirmed: bool",
        """\
    skin_cream: bool | None = told(
        "skin",
        "skinCream",
        asked="skinCream",
        answers="cream",
        observed="A cream was on the skin",
        column=True,
    )
""",
    ),
    "base/words/en/reports.yaml": (
        "  answers:\n    modality:",
        '    skin_cream: "Cream on the skin"\n',
        '    skin_cream: {"yes": "yes", "no": "no"}\n',
    ),
    "base/words/fr/reports.yaml": (
        "  answers:\n    modality:",
        '    skin_cream: "Crème sur la peau"\n',
        '    skin_cream: {"yes": "oui", "no": "non"}\n',
    ),
    "base/words/en/console.yaml": (
        "skinTone:",
        'skinCream: "Cream on the skin"\ncream_yes: "yes"\ncream_no: "no"\n',
    ),
    "base/words/fr/console.yaml": (
        "skinTone:",
        'skinCream: "Crème sur la peau"\ncream_yes: "oui"\ncream_no: "non"\n',
    ),
}
# These tests of stored data and of words must pass with the new fact.
ALSO = ("test_hashes.py", "test_told_facts.py::test_each_answer_has_words")


def code_with_skin_cream(folder: Path) -> Path:
    leave = shutil.ignore_patterns("models", "*.pyc.*")  # which another process writes
    shutil.copytree(ROOT / "skinapi", folder / "skinapi", ignore=leave)
    (folder / MODELS).symlink_to(ROOT / MODELS)
    for name in ("tests", "docs"):
        (folder / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "pyproject.toml", folder)
    for name, (at, before, *behind) in SKIN_CREAM.items():
        first, _, rest = at.partition("\n")
        added = "".join([before, first, *([f"\n{behind[0]}", rest] if behind else [])])
        replace(folder / "skinapi" / name, at, added)
    return folder


def test_a_fact_is_added_by_its_row_and_its_words(tmp_path: Path) -> None:
    """Every test of each with_skin_cream.py passes then."""
    tests = [f"tests/findings/{name}" for name in ALSO]
    tests += [str(file.relative_to(ROOT)) for file in ROOT.glob("tests/**/with_skin_cream.py")]
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    folder = code_with_skin_cream(tmp_path / "code")
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_answer_has_words(language: Language) -> None:
    labels = LABELS[language]
    for name in labels.answers:
        choices = list_choices(Context.model_fields[name].annotation)
        assert {say_answer(choice) for choice in choices} == labels.answers[name].keys()
    assert {fact.part_of or name for name, fact in TOLD.items()} == labels.facts.keys()
