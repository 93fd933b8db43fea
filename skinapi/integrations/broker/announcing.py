"""Opens the broker of JOBS_BROKER. Servers and workers import this without the area."""

import importlib

from skinapi.base.errors import UnsafeSettings
from skinapi.integrations.broker.settings import BrokerSettings
from skinapi.platform.jobs.announcements import Broker

ADAPTER = "skinapi.integrations.broker.dramatiq_broker"


def open_broker(settings: BrokerSettings) -> Broker | None:
    if settings.broker_uri is None:
        return None
    try:
        # Imported late: most installations have no broker.
        broker: Broker = importlib.import_module(ADAPTER).DramatiqBroker(settings.broker_uri)
    except ModuleNotFoundError as error:
        raise UnsafeSettings(
            f"JOBS_BROKER needs a library that is not installed ({error.name}): install "
            "requirements-broker.txt"
        ) from error
    return broker
