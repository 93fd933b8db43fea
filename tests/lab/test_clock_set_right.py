"""A clock that was ahead and is right again: what the lab keeps counts no longer for it."""

from datetime import timedelta

from skinapi.lab.checks.check_queue import Cleanup
from skinapi.lab.datasets.dataset_versions import Datasets, NewDataset
from skinapi.lab.datasets.uploads import KEPT_FOR, Announced, Uploads
from skinapi.platform.storage.ids import now
from tests.support.backends import Backend
from tests.support.clock import Clock
from tests.test_clock_set_right import YEAR


def test_an_upload_of_the_future_expires_as_if_it_began_now(backend: Backend, clock: Clock) -> None:
    uploads = Uploads(backend.services.store)
    clock.ahead = YEAR
    begun = uploads.begin(Announced(owner="ada", name="a.zip", size=1))
    clock.ahead = timedelta()
    uploads.sweep()
    assert uploads.get_owned(begun.id, owner="ada").expires_at <= now() + KEPT_FOR
    clock.ahead = KEPT_FOR + timedelta(minutes=1)
    uploads.sweep()
    assert uploads.list_of_owner("ada") == []


def test_a_check_that_was_silent_since_the_future_is_interrupted(
    backend: Backend, clock: Clock
) -> None:
    datasets = Datasets(backend.services.store)
    clock.ahead = YEAR
    owner = backend.account(backend.member(role="researcher").email).id
    begun = datasets.begin(NewDataset(name="moles", owner=owner), size=1)
    clock.ahead = timedelta()
    backend.services.get(Cleanup).sweep()
    assert datasets.get(begun.id).status == "checking"  # it may go on
    clock.ahead = timedelta(minutes=11)
    backend.services.get(Cleanup).sweep()
    assert datasets.get(begun.id).status == "refused"
