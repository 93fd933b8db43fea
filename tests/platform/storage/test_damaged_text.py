from contextlib import closing
from pathlib import Path

import apsw
import pytest

from skinapi.__main__ import main
from skinapi.base.settings.settings import Settings
from skinapi.platform.web.headers import LEFT_OUT
from tests.care.clinic import ROUTINE, URGENT, file_for, patient_in_care
from tests.support.backends import SECRET, Backend
from tests.support.models import tiny_model


@pytest.fixture
def backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Backend:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("INSTANCE_DIR", str(tmp_path / "instance"))
    monkeypatch.setenv("MODEL_PATH", str(tiny_model()))
    monkeypatch.setenv("JWT_SECRET_KEY", SECRET)
    return Backend(tmp_path / "instance", jwt_secret_key=SECRET)


def damage_text(backend: Backend, identifier: str, old: bytes, new: bytes) -> None:
    """Change bytes in the file, as a bad disk does. The indexes keep the old text."""
    path = backend.settings.instance_dir / "skinapi.db"
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    content, start = path.read_bytes(), b'{"id":"%s"' % identifier.encode()
    at = content.index(start)
    if b'"finding":{' not in content[at : content.index(b'{"id":"', at + 1)]:
        at = content.index(start, at + 1)  # that was its spot, which has the same id
    at = content.index(old, at)
    with path.open("r+b") as file:
        file.seek(at)
        file.write(new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"created_at":"20', b'"created_at":"2#'),
        (b'"created_at":"20', b'"created_at":7,"'),
        (b'"created_at":', b'"created_at"#'),
        (b'"created_at":', b'"created_\xff":'),
        (b'{"id":', b'#"id":'),
    ],
)
def test_one_damaged_character_hides_one_record(
    backend: Backend, tmp_path: Path, capsys: pytest.CaptureFixture[str], old: bytes, new: bytes
) -> None:
    doctor, patient = patient_in_care(backend)
    broken, urgent = (file_for(backend, patient, URGENT) for _ in range(2))
    file_for(backend, patient, ROUTINE, lesion=broken.lesion)
    damage_text(backend, broken.id, old, new)
    listed = patient.call("GET", "/submissions")
    assert (listed.status_code, listed.headers.get(LEFT_OUT)) == (200, "lesions=1, submissions=1")
    assert [item["id"] for item in listed.get_json()] == [urgent.number]
    [row, other] = doctor.pages("/queue")
    assert (row["lesion"], row["finding"]) == (broken.lesion, None), "the others are milder"
    assert other["id"] == urgent.number
    assert f"(submissions/{broken.id})" in str(backend.client.get("/readyz").get_json()["notes"])
    assert main(["check"]) == 1
    assert f"submissions {broken.id}: damaged" in capsys.readouterr().out
    assert main(["check", "--repair"]) == 1
    assert main(["backup", str(tmp_path / "b.tar")]) == 1
    assert f"damaged: submissions {broken.id}" in capsys.readouterr().err
