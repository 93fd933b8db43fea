"""A backend that sends its mails to a server of the test."""

from collections.abc import Iterator

import pytest

from tests.support.smtp_server import SmtpServer, smtp_server

FROM = "clinic@example.org"


@pytest.fixture
def smtp() -> Iterator[SmtpServer]:
    with smtp_server() as server:
        yield server


@pytest.fixture
def given(smtp: SmtpServer) -> dict[str, str]:
    return {"smtp_url": smtp.url, "mail_from": FROM}
