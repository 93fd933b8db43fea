from collections.abc import Iterator
from pathlib import Path
from subprocess import run

import pytest

from tests.integrations.dicom.orthanc import Orthanc, running_orthanc
from tests.integrations.dicom.reading_back import tool
from tests.integrations.dicom.sent_objects import jpeg_object
from tests.integrations.docs_commands import ADDRESS, run_page
from tests.repository.documents import blocks
from tests.served.people import Caller, Seeder
from tests.served.server import Server, serving
from tests.support.backends import PASSWORD
from tests.support.photos import photo_of
from tests.support.waiting import await_


@pytest.fixture(scope="module")
def receiving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("receiving"), workers=1) as server:
        yield server


@pytest.fixture
def ada(receiving: Server) -> Iterator[Caller]:
    seeder = Seeder(receiving)
    yield seeder.person()
    seeder.close()


def test_the_page_says_how_orthanc_sends_for_the_clinics_patients(
    orthanc: Orthanc, receiving: Server, tmp_path: Path
) -> None:
    tool("img2dcm", "--version")
    seeder = Seeder(receiving)
    admin, doctor = seeder.person("admin"), seeder.person("doctor")
    (tmp_path / "lesion.jpg").write_bytes(photo_of("melanoma"))
    script = "".join(block.text for block in blocks("bash orthanc"))
    for written, here in (
        (ADDRESS, f"127.0.0.1:{receiving.port}"),
        ("127.0.0.1:8042", f"127.0.0.1:{orthanc.port}"),
        ("127.0.0.1 4242", f"127.0.0.1 {orthanc.dicom_port}"),
    ):
        script = script.replace(written, here)
    told = {"ADMIN_TOKEN": admin.token, "ADMIN_PASSWORD": PASSWORD, "DOCTOR": doctor.email}
    done = run(
        ["bash", "-euo", "pipefail", "-c", script],
        env={**told, "PATH": "/usr/bin:/bin"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, (done.stdout, done.stderr, orthanc.said())
    [waiting] = doctor.pages("/queue?reviewed=false")
    finding = seeder.services.data.findings.find_by_number(waiting["id"])
    seeder.close()
    assert finding
    assert finding.source
    said = (finding.source.patient_id, finding.source.issuer, finding.source.accession_number)
    assert said == ("PAT-0815", "HOSPITAL", "A-2026-77")


def test_the_script_of_the_page_sends_what_arrives_but_no_result(
    receiving: Server, ada: Caller, tmp_path: Path
) -> None:
    (block,) = blocks("lua orthanc")
    script = tmp_path / "forward.lua"
    script.write_text(block.text)
    own = jpeg_object(photo_of("melanoma"), StudyDescription="Skin finding 7")
    with running_orthanc(LuaScripts=[str(script)], StableAge=1) as archive:
        archive.add_server("skinapi", f"http://127.0.0.1:{receiving.port}/dicom", ada.token)
        archive.store(own)
        await_stable(archive, studies=1)
        archive.store(jpeg_object(photo_of("melanocytic_nevus")))
        found = await_(lambda: ada.pages("/submissions"), told=archive.said)
    assert [record["class"] for record in found] == ["melanocytic nevus"]


def await_stable(archive: Orthanc, *, studies: int) -> None:
    def stable() -> bool:
        changes = archive.call("GET", "/changes?limit=100").json["Changes"]
        return [change["ChangeType"] for change in changes].count("StableStudy") >= studies

    await_(stable, told=archive.said)


def test_the_page_for_archives_works_as_written(
    receiving: Server, ada: Caller, tmp_path: Path
) -> None:
    (tmp_path / "lesion.dcm").write_bytes(jpeg_object(photo_of("melanoma")))
    said = run_page("docs/integrate/pacs.md", receiving, tmp_path, TOKEN=ada.token)
    assert "00081199" in said
    assert len(ada.pages("/submissions")) == 1
