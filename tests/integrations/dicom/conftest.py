from collections.abc import Iterator

import pytest

from tests.integrations.dicom.orthanc import Orthanc, running_orthanc


@pytest.fixture(scope="session")
def orthanc() -> Iterator[Orthanc]:
    with running_orthanc() as archive:
        yield archive
