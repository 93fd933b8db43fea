"""A real archive sends what it keeps to a real server (Orthanc with its DICOMweb plug-in)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.served.people import Caller, Seeder
from tests.served.server import Server, serving
from tests.support.dicom import EXPLICIT, JPEG_2000, RLE, jpeg_object, raw_object
from tests.support.orthanc import Orthanc
from tests.support.photos import photo_of


@pytest.fixture(scope="module")
def receiving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("receiving"), workers=1) as server:
        yield server


@pytest.fixture
def ada(receiving: Server) -> Iterator[Caller]:
    seeder = Seeder(receiving)
    yield seeder.person()
    seeder.close()


def test_an_archive_sends_a_study_and_each_picture_is_judged(
    orthanc: Orthanc, receiving: Server, ada: Caller
) -> None:
    study = "1.2.840.4711.1"
    sent = [
        jpeg_object(photo_of("melanoma"), StudyInstanceUID=study),
        raw_object(None, EXPLICIT, StudyInstanceUID=study),
        raw_object(None, RLE, StudyInstanceUID=study),
        raw_object(None, JPEG_2000, StudyInstanceUID=study),
    ]
    kept = [orthanc.store(one) for one in sent]
    orthanc.add_server("skin", f"http://127.0.0.1:{receiving.port}/dicom", ada.token)
    answer = orthanc.send("skin", *kept)
    assert answer.status == 200, (answer.data, receiving.log(), orthanc.said())
    found = ada.pages("/submissions")
    assert len(found) == len(sent)
    assert {one["class"] for one in found} == {"melanoma"}
    orthanc.send("skin", *kept)
    assert len(ada.pages("/submissions")) == len(sent)


def test_an_archive_hears_what_is_not_judged(
    orthanc: Orthanc, ada: Caller, receiving: Server
) -> None:
    kept = orthanc.store(jpeg_object(photo_of("melanoma", size=(64, 64))))
    orthanc.add_server("skin", f"http://127.0.0.1:{receiving.port}/dicom", ada.token)
    assert orthanc.send("skin", kept).status != 200
    assert ada.pages("/submissions") == []
    assert not [*Path(receiving.folder).glob("tmp*")]
