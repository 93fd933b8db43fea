import pytest
from pydantic import SecretStr

from skinapi.base.errors import UnsafeSettings
from skinapi.base.settings.safety import refuse_unsafe
from skinapi.base.settings.settings import Settings
from tests.test_settings import production

REFUSED = (
    *("hidden", "http://u:hidden@host", "memory://", "amqp://u:hidden@/"),
    *("redis://:hid/den@host/0", "redis://host:6379/0", "amqp://admin:guest@host/"),
)


@pytest.mark.parametrize("uri", REFUSED)
def test_production_refuses_an_address_that_is_none_or_has_no_password(uri: str) -> None:
    with pytest.raises(UnsafeSettings, match="JOBS_BROKER") as refused:
        refuse_unsafe(production(jobs_broker=uri))
    assert "hid" not in str(refused.value)


def test_an_address_is_read_as_its_library_reads_it() -> None:
    for uri in ("AMQPS://u:long-word@host/skin", "amqp://guest:guest@127.0.0.1/"):
        given = production(jobs_broker=uri)
        refuse_unsafe(given)
        assert getattr(given, "broker_uri") == uri.replace("AMQPS", "amqps")  # noqa: B009
    refuse_unsafe(Settings.model_validate({"jobs_broker": SecretStr("redis://broker.example")}))
