import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from skinapi.app import person_file_job
from skinapi.app.areas import list_areas, list_routes
from skinapi.app.composition.services import open_services
from skinapi.base.container import CompositionError, Container, Parts
from skinapi.platform.jobs.handlers import JobContext
from skinapi.platform.stores.store_factory import make_store
from tests.privacy.made_files import ask, job_of
from tests.support.backends import MAIL, Backend, settings_in


def test_a_command_can_build_every_service(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    make_store(settings)
    services = open_services(settings)
    services.build_all()
    for area in list_areas():
        for checked in area.checks.values():
            services.get(checked)
    services.store.close()


def test_the_job_of_a_persons_file_builds_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = Backend(tmp_path / "instance")
    ada = backend.member()
    ask(ada)
    monkeypatch.setattr(person_file_job, "Settings", lambda: backend.settings)
    context = JobContext(job_of(backend, ada), tmp_path, os.open(os.devnull, os.O_WRONLY))
    assert person_file_job.make_file(context)["bytes"] > 0
    assert ada.call("GET", "/me/file").get_json()["state"] == "ready"


@pytest.mark.parametrize("with_all", [False, True])
def test_a_server_can_build_every_service(tmp_path: Path, *, with_all: bool) -> None:
    everything = {
        **MAIL,
        "openrouter_api_key": "k" * 20,
        "retain_accounts_days": 500,
    }
    backend = Backend(tmp_path, **(everything if with_all else {}))
    for parts in (backend.services, backend.services.data):
        parts.build_all()
    for _, (_, service) in list_routes(backend.settings):
        backend.services.get(service)
    assert backend.services.findings.records is backend.services.data.findings


class Port(Protocol):
    value: int


@dataclass
class Number:
    value: int


@dataclass
class Pair:
    port: Port
    number: Number | None
    size: int = 2


def open_pair(container: Container) -> Pair:
    return container.build(Pair, size=3)


class Kitchen(Parts):
    number: Number
    pair: Pair


def test_each_is_built_once_of_values_factories_and_what_stands_for_a_protocol() -> None:
    container = Container()
    container.learn((open_pair,), {Number: {"value": 21}}, {Port: Number})
    kitchen = Kitchen(container)
    assert kitchen.pair == Pair(Number(21), Number(21), 3)
    assert kitchen.pair.port is kitchen.pair.number is kitchen.number is container.get(Number)
    with pytest.raises(AttributeError, match="Kitchen has no spoon"):
        kitchen.spoon  # type: ignore[attr-defined]  # noqa: B018


def test_what_nothing_gives_is_named_with_who_needs_it() -> None:
    container = Container()
    container.learn((open_pair,), {}, {Port: Number})
    with pytest.raises(CompositionError, match="Pair -> Port -> Number: nothing gives `value"):
        container.get(Pair)
    container.put({Port: Number(1), Number: Number(2)})  # a failure leaves nothing behind
    assert container.get(Pair) == Pair(Number(1), Number(2), 3)


def test_a_cycle_is_named() -> None:
    def open_number(pair: Pair) -> Number:
        return Number(pair.size)

    container = Container()
    container.learn((open_pair, open_number), {}, {Port: Number})
    with pytest.raises(CompositionError, match="Port -> Number needs Pair: a cycle"):
        container.get(Pair)
