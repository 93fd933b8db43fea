import pytest

from tests.support.smtp_server import SmtpServer


@pytest.fixture
def given(smtp: SmtpServer) -> dict[str, str]:
    return {"smtp_url": smtp.url, "mail_from": "clinic@example.org"}
