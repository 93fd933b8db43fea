"""A real archive sends what it keeps to a real server (Orthanc with its DICOMweb plug-in)."""

from collections.abc import Iterator
from pathlib import Path
from subprocess import run

import pytest
from pydicom import dcmread

from tests.integrations.docs_commands import ADDRESS, run_page
from tests.repository.documents import blocks
from tests.served.people import Caller, Seeder
from tests.served.server import Server, serving
from tests.served.wire import ask
from tests.support.backends import PASSWORD
from tests.support.dicom import EXPLICIT, JPEG_2000, NUMBER, RLE, jpeg_object, raw_object
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


def test_the_page_says_how_orthanc_sends_for_the_clinics_patients(
    orthanc: Orthanc, receiving: Server
) -> None:
    seeder = Seeder(receiving)
    wanted = {"name": "archive", "scopes": ["dicom"], "current_password": PASSWORD}
    made = seeder.person("admin").call("POST", "/admin/keys", json=wanted)
    key = made.json["secret"]
    seeder.close()
    kept = orthanc.store(jpeg_object(photo_of("melanoma")))
    (block,) = blocks("bash orthanc")
    script = block.text.replace(ADDRESS, f"127.0.0.1:{receiving.port}")
    script = script.replace("127.0.0.1:8042", f"127.0.0.1:{orthanc.port}")
    before = len(ask(receiving.port, "GET", "/dicom/studies", token=key).json)
    done = run(
        ["bash", "-euo", "pipefail", "-c", script],
        env={"KEY": key, "KEPT": kept, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, (done.stdout, done.stderr, orthanc.said())
    studies = ask(receiving.port, "GET", "/dicom/studies", token=key).json
    assert len(studies) == before + 1
    assert NUMBER not in str(studies)


def test_the_page_for_archives_works_as_written(
    receiving: Server, ada: Caller, tmp_path: Path
) -> None:
    (tmp_path / "lesion.dcm").write_bytes(jpeg_object(photo_of("melanoma")))
    (tmp_path / "lesion.jpg").write_bytes(photo_of("melanoma"))
    said = run_page("docs/integrate/pacs.md", receiving, tmp_path, TOKEN=ada.token)
    assert "00081199" in said
    assert len(ada.pages("/submissions")) == 2
    fetched = [dcmread(tmp_path / f"object-{number}.dcm") for number in (1, 2, 3, 4)]
    assert [one.Modality for one in fetched] == ["XC", "OT", "SR", "DOC"]
