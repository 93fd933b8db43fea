import pytest

from skinapi.app import commands
from tests.support.backends import Backend


def test_in_production_no_server_makes_an_admin_or_logs_a_password(
    backend: Backend, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = {"environment": "production", "public_url": "https://skin.example"}
    settings = backend.settings.model_copy(update=changed)
    commands.print_banner(settings)
    commands.make_first_admin(settings, backend.services)
    said = capsys.readouterr().out
    assert "open      https://skin.example\n" in said
    assert "create-admin" in said
    assert "password" not in said
    assert not backend.services.admin.has_admin()
    commands.make_first_admin(backend.settings, backend.services)
    assert "password  " in capsys.readouterr().out
