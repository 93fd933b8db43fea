import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from skinapi.base.settings.settings import Settings
from skinapi.platform.backups.erased_ids import FILE_NAME, Scrubber, write_erased_ids
from skinapi.platform.storage.numbers import Numbers
from skinapi.platform.stores.store_factory import open_store
from tests.findings.prediction.photographer import predicted
from tests.integrations.test_keys import made
from tests.privacy.restoring import back_up, restore, settings_for
from tests.support.backends import Backend, Person


@contextmanager
def served_after(settings: Settings) -> Iterator[Backend]:
    with closing(open_store(settings)) as store:
        yield Backend(settings.instance_dir, store)


def take(backend: Backend, email: str, times: int = 1) -> list[int]:
    person = backend.log_in(email)
    return [int(predicted(person, keep_photo="true")["id"]) for _ in range(times)]


def read_report(program: Person, number: int, backend: Backend) -> int:
    caller = Person(backend.client, program.token)
    return caller.call("GET", f"/submissions/{number}").status_code


def test_a_number_that_was_given_after_the_backup_names_no_other_finding_after_a_restore(
    real_backend: Backend, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """A record system would otherwise read another finding at a number that it has stored."""
    backend, lists = real_backend, tmp_path / "list.jsonl"
    pat, qat = (backend.member(f"{name}@example.org").email for name in ("pat", "qat"))
    program, _ = made(backend.admin(), "/admin/keys", scopes=["findings:read"])
    [of_pat] = take(backend, pat)
    file = back_up(backend, tmp_path / "backup.tar")
    of_qat = take(backend, qat, 23)
    write_erased_ids(backend.services.store, lists)
    assert {read_report(program, number, backend) for number in (of_pat, *of_qat)} == {200}
    mongod = "mongod" in request.node.name
    uri = request.getfixturevalue("mongo_database_uri") if mongod else None
    settings = settings_for(tmp_path / "after", mongo_uri=uri)
    assert restore(settings, file, lists) == 0
    with served_after(settings) as restored:
        later = take(restored, pat, 3)
        assert min(later) > max(of_qat)
        assert read_report(program, of_pat, restored) == 200
        assert {read_report(program, number, restored) for number in of_qat} == {404}


def test_the_newest_list_of_erased_ids_says_which_numbers_were_given(
    backend: Backend, tmp_path: Path
) -> None:
    """There are more than may come in the time since the backup."""
    services, pat = backend.services, backend.member("pat@example.org").email
    take(backend, pat)
    file = back_up(backend, tmp_path / "backup.tar")
    for step, name in enumerate(("given", "kept"), 1):
        given = 40_000_000 * step
        Numbers(services.store).skip_to(given)
        settings = settings_for(tmp_path / name)
        if name == "kept":
            Scrubber(services.store, services.data.erased_ids, settings.instance_dir).run_once()
            listed = settings.instance_dir / FILE_NAME
        else:
            write_erased_ids(services.store, listed := tmp_path / "list.jsonl")
        assert restore(settings, file, listed) == 0
        with served_after(settings) as restored:
            assert take(restored, pat)[0] > given


def test_without_a_list_that_says_so_each_restore_leaves_out_numbers_that_may_have_been_given(
    backend: Backend, tmp_path: Path
) -> None:
    """The backup is from before the first finding."""
    pat = backend.member("pat@example.org").email
    file = back_up(backend, tmp_path / "backup.tar")
    given = take(backend, pat, 3)
    write_erased_ids(backend.services.store, older := tmp_path / "list.jsonl")
    header, _, listed_ids = older.read_text().partition("\n")
    facts = {key: value for key, value in json.loads(header).items() if key != "highest_number"}
    older.write_text(f"{json.dumps(facts).ljust(len(header))}\n{listed_ids}")
    for name, listed in (("older", older), ("without", None)):
        settings = settings_for(tmp_path / name)
        assert restore(settings, file, listed, without_erased_ids=listed is None) == 0
        with served_after(settings) as restored:
            assert take(restored, pat)[0] > max(given) + 1000
