from pathlib import Path
from traceback import format_exception
from typing import Any

import pytest

from skinapi.__main__ import main
from skinapi.base.errors import UnsafeSettings
from skinapi.base.settings.safety import refuse_unsafe
from tests.support.backends import settings_in

REFUSED: dict[str, list[str]] = {
    "archive_url": [
        *("http://pacs.example.org/x", "https://hidden@pacs/x", "pacs", "grpc://10.0.0.5"),
        *("http://8.8.8.8:8000", "http://172.32.0.1", "http://0.0.0.0:8000"),
        *("http://169.254.169.254", "http://[2001:db8::1]:8000", "https://p?x=hidden"),
    ],
    "archive_user": ["a:b"],
    "archive_token": ["hid den"],
}
TAKEN = (
    *("https://pacs.example.org/dicom-web", "http://10.1.2.3:8042/dicom-web"),
    *("http://127.0.0.1:8000", "http://[fd00::5]:8000", "http://172.31.0.1"),
)


def refuse(folder: Path, **settings: Any) -> None:
    refuse_unsafe(settings_in(folder, environment="production", **settings))


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in REFUSED.items() for value in values]
)
def test_production_refuses_a_value_unquoted(name: str, value: str, tmp_path: Path) -> None:
    others = {"archive_url": "https://pacs.example.org"}
    with pytest.raises(UnsafeSettings, match=name.upper()) as refused:
        refuse(tmp_path, **{**others, name: value})
    assert "hid" not in "".join(format_exception(refused.value)).replace("hidden_", "")


@pytest.mark.parametrize("url", TAKEN)
def test_production_takes_a_safe_address(url: str, tmp_path: Path) -> None:
    refuse(tmp_path, archive_url=url)


def test_development_takes_an_address_that_production_refuses(tmp_path: Path) -> None:
    refuse_unsafe(settings_in(tmp_path, archive_url="http://pacs.example.org"))


@pytest.mark.parametrize(("photos", "told"), [("consent", True), ("always", False)])
def test_who_has_an_archive_is_told_that_its_photos_are_not_kept(
    photos: str,
    told: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARCHIVE_URL", "https://pacs.example/dicom-web")
    monkeypatch.setenv("PHOTOS", photos)
    assert main(["check-settings"]) == 0
    assert ("PHOTOS=always" in capsys.readouterr().err) == told
