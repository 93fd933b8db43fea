from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.console.conftest import carded_model, seeder, visitor  # noqa: F401
from tests.integrations.oidc.clinic import Clinic
from tests.integrations.oidc.fake_provider import FakeProvider, running_provider

ROLES = {"skin-admins": "admin", "derm-doctors": "doctor", "staff": "user"}


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with running_provider() as provider:
        yield provider


@pytest.fixture
def open_clinic(tmp_path: Path, fake: FakeProvider) -> Callable[..., Clinic]:
    def open_with(provider: dict[str, Any] | None = None, **settings: Any) -> Clinic:
        known = fake.settings(**{"roles": ROLES, **(provider or {})})
        clinic = Clinic(tmp_path / "instance", **{**known, **settings})
        clinic.fake = fake
        clinic.admin()
        return clinic

    return open_with


@pytest.fixture
def clinic(open_clinic: Callable[..., Clinic]) -> Clinic:
    return open_clinic()
