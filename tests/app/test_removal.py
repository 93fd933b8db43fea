import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.app.removal import PAGES, Copy, remove
from tests.support.size import in_drill

# Generated files are written again, and a server is made.
SERVES = """
import runpy
from pathlib import Path
from tests.support.backends import Backend
runpy.run_module("tests.repository.reference", run_name="__main__")
backend = Backend(Path("instance"))
paths = backend.client.get("/openapi.json").get_json()["paths"]
print(len(paths), len(list(backend.app.url_map.iter_rules())))
"""
# These test the checkout: its history and its environment.
TESTED = ("tests/app", "tests/repository", "tests/integrations")
APART = "not demo and not removal and not history"


def run(copy: Copy, *command: str) -> str:
    done = subprocess.run(
        command,
        cwd=copy.root,
        env=os.environ | {"PYTHONPATH": str(copy.root), "DRILL": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-8000:]
    return done.stdout


@pytest.fixture(scope="module")
def copy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Copy:
    gone: Sequence[str] = request.param
    return remove(gone, tmp_path_factory.mktemp("copy"))


@pytest.fixture(scope="module")
def served(copy: Copy) -> Copy:
    run(copy, sys.executable, "-c", SERVES)
    return copy


ALONE, TOGETHER = [(area,) for area in PAGES], tuple(PAGES)
each_gone = pytest.mark.parametrize("copy", [*ALONE, TOGETHER], ids="-".join, indirect=True)
# A process takes three seconds for each copy, so all areas are removed together.
all_gone = pytest.mark.parametrize(
    "copy", [*in_drill(*ALONE), TOGETHER], ids="-".join, indirect=True
)


@each_gone
def test_nothing_that_is_left_imports_what_is_gone(copy: Copy) -> None:
    assert list(copy.list_broken_imports()) == []


@all_gone
def test_no_file_that_is_left_names_what_is_gone(served: Copy) -> None:
    assert list(served.list_names()) == []


@each_gone
@pytest.mark.drill
@pytest.mark.timeout(3600)
def test_what_is_left_passes_its_checks(served: Copy) -> None:
    tools = Path(sys.executable).parent
    run(served, str(tools / "lint-imports"))
    run(served, str(tools / "mypy"))
    run(served, sys.executable, "-m", "pytest", "-q", "-x", *TESTED, "-k", APART)
