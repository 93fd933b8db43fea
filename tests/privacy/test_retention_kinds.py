"""A kind of retention is whole: what is forgotten of a new one fails here."""

from pathlib import Path

import pytest

from skinapi.base.languages import LANGUAGES
from skinapi.base.settings.privacy import (
    LEAVES_RECORD,
    PrivacySettings,
    RetainedKind,
    faults_of_retention,
)
from skinapi.privacy.retention.kinds import KINDS
from tests.console.test_static import read_words
from tests.repository.documents import PAGES
from tests.support.backends import settings_in

SETTINGS = {name for name in PrivacySettings.model_fields if name.startswith("retain_")}


def test_each_setting_of_retention_is_of_a_kind_that_goes() -> None:
    assert {kind.setting.lower() for kind in RetainedKind} == SETTINGS
    assert KINDS.keys() == set(RetainedKind)


@pytest.mark.parametrize("kind", RetainedKind)
def test_what_the_law_keeps_goes_by_no_setting_before(kind: RetainedKind, tmp_path: Path) -> None:
    given = {kind.setting.lower(): 731, "record_retention": 2}
    faults = [*faults_of_retention(settings_in(tmp_path, **given))]
    assert [fault.partition("=")[0] for fault in faults] == [kind.setting] * (
        kind not in LEAVES_RECORD
    )


@pytest.mark.parametrize("kind", RetainedKind)
def test_the_console_and_the_page_about_retention_have_words_for_each_kind(
    kind: RetainedKind,
) -> None:
    needed = {f"retained{of}_{kind}" for of in ("Kind", "Rule")}
    for language in LANGUAGES:
        assert needed - read_words(language).keys() == set()
    assert f"| `{kind.setting}` |" in PAGES["docs/operate/privacy.md"]
