import os
import resource
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skinapi.base.errors import ModelDamaged
from skinapi.model.network.model import NETWORK, SERVED_FILES, WEIGHTS, write_checksums
from skinapi.model.registry.inference import InferenceService
from skinapi.model.registry.prediction_pool import PoolCaller, open_warm
from tests.model.registry.hostile_folders import EVERY, ONCE, damaged_copies, damaged_copy
from tests.support.models import registry_of, tiny_model, write_model
from tests.support.photos import photo_of
from tests.support.size import drill, size

MOST_MORE_MB = 200
ADA = PoolCaller("ada", signed_in=True)


@pytest.fixture(scope="module")
def inference() -> InferenceService:
    return registry_of(tiny_model())


@pytest.mark.parametrize(("name", "case"), EVERY if drill else ONCE)
def test_a_damaged_file_is_named_and_the_model_before_serves_on(
    inference: InferenceService, tmp_path: Path, name: str, case: str
) -> None:
    before = inference.served.model
    folder = damaged_copy(tiny_model(), tmp_path / "bad", name, case)
    with pytest.raises(ModelDamaged, match=name) as refused:
        inference.served.swap(folder)
    assert refused.value.file
    assert len(refused.value.detail) < 2000
    assert inference.served.model is before
    if name in (NETWORK, WEIGHTS):  # what the engine itself has read
        judged = inference.classify_photo(content=photo_of("melanoma"), caller=ADA)
        assert judged.finding.model_version == "tiny-1"


@settings(max_examples=size(30, 2000), deadline=None)
@given(
    name=st.sampled_from(SERVED_FILES),
    place=st.integers(0, 100_000),
    length=st.integers(0, 40),
    put=st.binary(max_size=40) | st.sampled_from([b"-1", b"1e999", b"NaN", b"[", b'"']),
)
def test_a_file_with_any_bytes_exchanged_is_refused_or_served(
    tmp_path_factory: pytest.TempPathFactory, name: str, place: int, length: int, put: bytes
) -> None:
    folder = tmp_path_factory.mktemp("any") / "model"
    shutil.copytree(tiny_model(), folder)
    content = (folder / name).read_bytes()
    start = place % len(content)
    (folder / name).write_bytes(content[:start] + put + content[start + length :])
    write_checksums(folder)
    with suppress(ModelDamaged):
        registry_of(folder).classify_photo(content=photo_of("melanoma"), caller=ADA)


def test_a_folder_may_be_a_link_and_its_files_links_within_it(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "mine")
    (folder / "v1").mkdir()
    for name in SERVED_FILES:
        (folder / name).rename(folder / "v1" / name)
        (folder / name).symlink_to(Path("v1") / name)
    (tmp_path / "link").symlink_to(folder)
    open_warm(tmp_path / "link")


def test_nothing_is_read_of_a_folder_once_its_model_is_open(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "mine")
    inference = registry_of(folder)
    first = inference.classify_photo(content=photo_of("melanoma"), caller=ADA).finding
    assert str(folder) not in Path("/proc/self/maps").read_text()
    for path in folder.iterdir():
        os.truncate(path, 0)
    again = inference.classify_photo(content=photo_of("melanoma"), caller=ADA).finding
    assert again.ranked == first.ranked


def test_nothing_stays_in_the_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, spare = tiny_model(), tmp_path / "spare"
    spare.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(spare))
    open_warm(good)
    with pytest.raises(ModelDamaged):
        open_warm(damaged_copy(good, tmp_path / "bad", "network.xml", "deep"))
    assert list(spare.iterdir()) == []


@pytest.mark.drill
def test_no_damaged_folder_takes_much_more_memory_than_a_whole_one(tmp_path: Path) -> None:
    program = [sys.executable, "-m", __name__, str(tiny_model()), str(tmp_path)]
    told = subprocess.run(program, capture_output=True, text=True, timeout=110, check=False)
    assert told.returncode == 0, told.stderr
    whole, worst = map(float, told.stdout.split()[-2:])
    assert worst - whole < MOST_MORE_MB, told.stdout


def open_every(good: Path, into: Path) -> None:
    """Print the largest memory in megabytes: with the good model, then with each other model that
    raised it.
    """
    open_warm(good)
    whole = _peak()
    for name, case, folder in damaged_copies(good, into):
        before = _peak()
        with pytest.raises(ModelDamaged):
            open_warm(folder)
        if _peak() > before:
            sys.stdout.write(f"{name}, {case}: {_peak() - before:.0f} more\n")
    sys.stdout.write(f"{whole} {_peak()}\n")


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


if __name__ == "__main__":
    open_every(Path(sys.argv[1]), Path(sys.argv[2]))
