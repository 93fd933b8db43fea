"""The steps of an erasure in order."""

from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from typing import Any

from skinapi.app.composition.repositories import Repositories
from skinapi.base.area_parts import list_parts
from skinapi.base.container import Container
from skinapi.findings.records.service import FindingsService
from skinapi.platform.jobs.job_queue import Jobs
from skinapi.privacy.erasure.service import ForgetSteps


def open_forget_steps(
    container: Container, data: Repositories, findings: FindingsService, jobs: Jobs
) -> ForgetSteps:
    def forget_reviews(account: str) -> None:
        data.reviews.forget(findings.records.spots.list_of(account))

    return ForgetSteps((
        ("files", data.person_files.forget),  # first, or each finding would outdate it
        ("jobs", jobs.forget),
        *_list_of_areas(container),  # or each finding would look for its copies in data sets
        ("findings", findings.forget),
        ("reviews", forget_reviews),
        ("spots", data.lesions.forget),
        ("messages", data.messages.forget),
        ("drafts", data.letters.forget_drafts),
        ("sessions", data.sessions.forget),
        ("known_addresses", data.guess_limits.forget),
        ("password_links", data.password_links.forget),
        ("keys", data.keys.forget),
        ("notices", data.outbox.forget),
        ("deliveries", data.deliveries.forget),
        ("consents", data.consents.forget),
        ("moved_accounts", data.moved_accounts.forget),
        ("failed_items", data.failed_items.forget),
    ))  # fmt: skip


def _list_of_areas(container: Container) -> Iterator[tuple[str, Callable[[str], int]]]:
    for part in list_parts("stored"):
        forgets = (*part.STORED.forgets.items(), *(("log_ins", it) for it in part.STORED.log_ins))
        yield from ((kind, partial(call_place, container, place)) for kind, place in forgets)


def call_place(container: Container, place: str, said: Any) -> Any:
    module, _, path = place.partition(":")
    kind, _, method = path.partition(".")
    return getattr(container.get(getattr(import_module(module), kind)), method)(said)
