from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from skinapi.accounts.auth.account import Subject
from skinapi.accounts.auth.person_data import describe_account
from skinapi.base.container import Container
from skinapi.base.settings.settings import VERSION, Settings
from skinapi.care.person_data import describe_spots
from skinapi.integrations.keys.person_data import describe_keys
from skinapi.platform.jobs.routes import describe_jobs
from skinapi.privacy.person_file.making import FileMaker
from skinapi.privacy.readers import describe_acts

DESCRIBED = (describe_account, describe_keys, describe_spots, describe_acts, describe_jobs)


def open_file_maker(container: Container, settings: Settings) -> FileMaker:
    def describe(part: Callable[..., Mapping[str, Any]], of: Subject) -> Mapping[str, Any]:
        return container.build(part, of=of)

    return container.build(
        FileMaker,
        described=[partial(describe, part) for part in DESCRIBED],
        address=settings.address,
        clinic=settings.clinic_name,
        software=VERSION,
    )
