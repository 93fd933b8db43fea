"""An unreachable store: a request waits for it once."""

from typing import NoReturn

import pytest

from skinapi.accounts.auth.accounts import Accounts
from skinapi.base.errors import StoreUnavailable
from skinapi.platform.web.rate_limits import Limits
from tests.support.backends import Backend


def test_a_request_that_waited_for_its_account_does_not_wait_to_be_counted(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = backend.member()

    def gone(*_: object) -> NoReturn:
        raise StoreUnavailable

    def waited_again(*_: object) -> NoReturn:
        raise AssertionError

    monkeypatch.setattr(Accounts, "get", gone)
    monkeypatch.setattr(Limits, "spend", waited_again)
    answer = ada.call("GET", "/me")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
