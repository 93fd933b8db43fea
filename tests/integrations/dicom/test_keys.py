from tests.integrations.test_keys import made
from tests.support.backends import Backend


def test_what_the_proxy_asks_first_does_not_count_against_its_quota(backend: Backend) -> None:
    program, _ = made(backend.member(), scopes=["dicom"], quota=1)
    for _ in range(3):
        assert program.call("GET", "/dicom/admission").status_code == 200
    assert program.call("POST", "/dicom/studies").status_code == 415
    assert program.call("POST", "/dicom/studies").status_code == 429
