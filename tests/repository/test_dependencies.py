from pathlib import Path
from typing import Any

import pytest

from tests.repository.dependencies import FAMOUS, LOCKED, audit

FAULT = {"name": "jinja2", "version": "2.10", "vulns": [{"id": "PYSEC-1"}]}
CLEAN = {"name": "flask", "version": "3.1", "vulns": []}
UNKNOWN = {"name": "flask", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("of_the_famous", "of_ours", "passes", "says"),
    [
        ([FAULT], [CLEAN], True, "1 dependencies have no known vulnerability"),
        ([FAULT], [CLEAN, FAULT], False, "VULNERABLE: jinja2 2.10 (PYSEC-1)"),
        ([FAULT], [UNKNOWN], True, "0 dependencies have no known vulnerability; SKIPPED"),
        ([FAULT], None, True, "SKIPPED: "),
        ([{**FAULT, "vulns": []}], [CLEAN], True, "SKIPPED: "),
        ([UNKNOWN], [UNKNOWN], True, "SKIPPED: "),
        (None, None, True, "SKIPPED: "),
    ],
)
def test_a_dependency_audit_that_did_not_run_is_not_called_clean(
    of_the_famous: Any, of_ours: Any, passes: bool, says: str
) -> None:
    def ask(requirements: Path) -> Any:
        return of_the_famous if requirements.read_text().strip() == FAMOUS else of_ours

    passed, said = audit(LOCKED, ask)
    assert passed == passes
    assert said.startswith(says)
