import pytest

from skinapi.lab.checks import publishing
from skinapi.lab.service import DatasetsService
from tests.lab.conftest import DecoderHere
from tests.lab.sending import await_check
from tests.privacy.year import Year


def live(year: Year) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publishing, "PictureDecoder", DecoderHere)
        made = year.researcher.do("POST", "/datasets/from-reviews", {"name": "what we have seen"})
        assert await_check(year.researcher, made["id"])["status"] == "published"
        with year.backend.services.get(DatasetsService).checks.now():
            account = year.backend.account(year.researcher.email).id
    year.backend.services.jobs.submit(kind="train", owner=account, request={"dataset": made["id"]})
