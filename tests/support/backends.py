import atexit
import secrets
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Unpack

import pytest
from argon2 import PasswordHasher
from flask.testing import FlaskClient
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from werkzeug.test import TestResponse

from skinapi.accounts.auth.account import Account, AccountFields
from skinapi.accounts.auth.passwords import Passwords
from skinapi.app.application import Application, create_app
from skinapi.app.composition.server_services import ServerServices
from skinapi.app.composition.services import Services, open_services
from skinapi.base.errors import StoreUnavailable
from skinapi.base.settings.settings import Settings
from skinapi.findings.records.lesions import Lesion
from skinapi.findings.records.new_findings import NewFinding
from skinapi.model.registry.prediction_pool import PredictionPool, ServedModel
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Document, Store
from skinapi.platform.stores.store_factory import make_store, open_store
from skinapi.privacy.erasure.service import COMPLETE_AFTER
from tests.stores.mock_store import MockStore
from tests.support.models import served_once, tiny_model

PASSWORD = "correct horse battery"
ADMIN = "admin@clinic.example"
GENEROUS: dict[str, Any] = {
    "rate_read": "100000/minute",
    "rate_write": "100000/minute",
    "rate_anonymous": "100000/minute",
    "rate_predictions": "100000/day",
    "rate_renderings": "100000/minute",
}
# Mails wait in the outbox: nobody listens there.
MAIL: dict[str, Any] = {"smtp_url": "smtp://127.0.0.1:9", "mail_from": "clinic@example.org"}
SECRET = "k7Yw2pQz9Xv4Rb6Nt8Lm3Jd5Hf1Gs0Ac"
# A backend hashes as it opens and at each login. At the real cost that is most of a test's time.
# Served backends and the tests of passwords pay it.
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD_HASH = CHEAP.hash(PASSWORD)


@dataclass
class Person:
    """Somebody with a token; `call` does what a front end does."""

    client: FlaskClient
    token: str
    email: str = ""

    def call(self, method: str, path: str, **options: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        return self.client.open(path, method=method, headers=headers, **options)

    def call_ok(self, method: str, path: str, *, status: int = 200, **options: Any) -> Any:
        answer = self.call(method, path, **options)
        assert answer.status_code == status, answer.text
        return answer.get_json(silent=True)

    def newest_of(self, number: int) -> int:
        version: int = self.call("GET", f"/submissions/{number}").get_json().get("version", 1)
        return version

    def pages(self, path: str) -> list[Any]:
        items: list[Any] = []
        while path:
            answer = self.call("GET", path)
            assert answer.status_code == 200, answer.text
            items += answer.get_json()
            link = answer.headers.get("Link", "")
            path = link.partition(">")[0].removeprefix("<")
        return items


class Backend:
    hasher: PasswordHasher | None = CHEAP  # None: the one that serves
    pool: PredictionPool | None = None  # None: that of the settings

    def __init__(self, folder: Path, store: Store | None = None, **settings: Any) -> None:
        # The built-in model of the settings is that of `served`.
        self.settings = settings_in(folder, **{"model_path": tiny_model(), **settings})
        with pytest.MonkeyPatch.context() as patch:
            if self.hasher:
                patch.setattr(Passwords.__init__, "__defaults__", (self.hasher,))
            if store is None:
                make_prepared_store(self.settings)
            self.app: Application = create_app(
                self.settings, store, served=self.served(), pool=self.pool
            )
            self.app.background.run("model-reloader")
        self.client = self.app.test_client()

    def served(self) -> ServedModel | None:
        """One small model, loaded once for all backends."""
        return served_once(tiny_model())

    @property
    def services(self) -> ServerServices:
        return self.app.services

    @property
    def anyone(self) -> FlaskClient:
        return self.client

    def admin(self, email: str = ADMIN) -> Person:
        self.services.admin.ensure_admin(email=email, password=PASSWORD)
        return self.log_in(email)

    def log_in(self, email: str, password: str = PASSWORD) -> Person:
        answer = self.client.post("/login", json={"email": email, "password": password})
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return Person(self.client, answer.get_json()["access_token"], email)

    def register(self, email: str, name: str = "Ada Example") -> Person:
        body = {"name": name, "email": email, "password": PASSWORD}
        answer = self.client.post("/register", json=body)
        assert answer.status_code == 201, answer.get_data(as_text=True)
        return Person(self.client, answer.get_json()["access_token"], email)

    def approved(self, email: str, role: str = "user") -> Person:
        self.register(email)
        admin = self.admin()
        assert admin.call("PATCH", f"/users/{email}/approve", json={}).status_code == 200
        answer = admin.call("PUT", f"/users/{email}/role", json={"role": role})
        assert answer.status_code == 200
        return self.log_in(email)

    def member(
        self, email: str = "", role: Any = "user", status: Any = "approved", **fields: Any
    ) -> Person:
        """Write an account with PASSWORD straight to the store, and give it a token."""
        email = email or f"{secrets.token_hex(6)}@example.org"
        given = {"name": "Ada Example", "password_hash": PASSWORD_HASH, **fields}
        account = self.services.data.accounts.add(email=email, role=role, status=status, **given)
        return Person(self.client, self.token_of(account), email)

    def token_of(self, account: Account) -> str:
        return token_for(self.services, account)

    def account(self, email: str) -> Account:
        found = self.services.data.accounts.find_by_email(email)
        assert found is not None
        return found

    def edit(self, email: str, **fields: Any) -> None:
        """Change the stored document without any check."""
        accounts = self.services.store.collection("accounts")
        assert accounts.update({"email": email}, {"$set": fields}) is not None

    def audit(self) -> list[Document]:
        """Return all rows. Waiting rows are sealed first, as the server does within seconds."""
        self.services.data.trail.seal()
        return self.services.store.collection("audit").find(sort="sequence")

    def stored(self, *, but: tuple[str, ...] = ("guesses",)) -> dict[str, list[Document]]:
        """Wrong passwords are left out, because refused requests are counted too."""
        names = [name for name in self.services.store.collections() if name not in but]
        return {name: self.services.store.collection(name).find() for name in names}


def change_account(services: Services, identifier: str, **fields: Unpack[AccountFields]) -> Account:
    """Change it as its owner or an admin would, without a row in the audit trail."""
    accounts = services.data.accounts
    return services.data.work.run(
        lambda unit: accounts.change(unit, accounts.get(identifier), **fields)
    )


def erase(services: Services, account: Account) -> None:
    """Erase the account with all its data now, without any waiting period."""
    services.erasure.erase_again(account.id, by="-", kept_until=None)


def finish_erasures(backend: Backend) -> None:
    backend.services.erasure.begin_due()
    backend.services.erasure.finish_begun()
    complete_erasures(backend.services)


def complete_erasures(services: Services) -> None:
    """Age every erasure that has begun, and complete it."""
    begun = {"begun_at": now() - COMPLETE_AFTER}
    receipts = services.store.collection("erasure_receipts")
    receipts.update_all({"begun_at": {"$lt": now()}}, {"$set": begun})
    services.erasure.finish_begun()


def erase_due(backend: Backend) -> None:
    for task in ("erasure-due", "erasure-begun"):
        backend.app.background.run(task)
    complete_erasures(backend.services)


def put_in(service: object, **fields: object) -> None:
    for name, part in fields.items():
        object.__setattr__(service, name, part)


def unavailable(*_: object, **__: object) -> None:
    raise StoreUnavailable


def token_for(services: Services, account: Account) -> str:
    session, _ = services.data.sessions.open(account)
    return services.tokens.sign(
        account_id=account.id,
        token_version=account.token_version,
        session_id=session.id,
        issued_at=session.used_at,
        expires_at=session.expires_at,
    )


def store_of_kind(kind: str, folder: Path, uri: str | None = None) -> Store:
    if kind == "mongomock":
        return MockStore()
    settings = settings_in(folder, mongo_uri=uri)
    make_prepared_store(settings)
    return open_store(settings)


def make_prepared_store(settings: Settings) -> None:
    """Like `make_store`, but a new folder gets a copy of all tables and indexes. Creating them
    would take most of the time of most tests.
    """
    folder = settings.instance_dir
    if settings.mongo_uri is None and not folder.joinpath("skinapi.db").exists():
        shutil.copytree(_empty_folder(), folder, dirs_exist_ok=True)
    else:
        make_store(settings)


@cache
def _empty_folder() -> Path:
    home = Path(mkdtemp())
    atexit.register(shutil.rmtree, home)
    folder = home / "instance"
    settings = settings_in(folder)
    make_store(settings)
    open_services(settings).store.close()
    return folder


class GivenSettings(Settings):
    """Settings from the given values alone, because looking each up in the environment takes
    time.
    """

    model_config = SettingsConfigDict(env_file=None)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 (pydantic's signature)
        init_settings: PydanticBaseSettingsSource,
        *_: PydanticBaseSettingsSource,
        **__: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def settings_in(folder: Path, **settings: Any) -> Settings:
    defaults = {
        "rate_sign_in": "100000/minute",
        "rate_log_in": "100000/minute",
        **GENEROUS,
        "jwt_secret_key": SECRET,
    }
    if settings.get("environment") == "production":
        defaults["public_url"] = "https://skin.example"
    values = {"instance_dir": folder, "mongo_uri": None, **defaults, **settings}
    return GivenSettings(**values)


def twin(backend: Backend, person: Person) -> Person:
    return Person(backend.app.test_client(), person.token, person.email)


def both(first: Callable[[], Any], second: Callable[[], Any]) -> tuple[Any, Any]:
    with ThreadPoolExecutor(2) as pool:
        begun = pool.submit(first), pool.submit(second)
    return begun[0].result(), begun[1].result()


def file_straight(backend: Backend, new: NewFinding) -> int:
    """Store a finding that starts a spot or belongs to one, without anything else."""
    data = backend.services.data
    prepared = data.findings.prepare(new, number=data.findings.take_number())
    finding = prepared.finding
    if new.lesion is None:
        data.lesions.insert(
            Lesion(
                id=finding.lesion,
                created_at=finding.created_at,
                owner=finding.owner,
                findings=1,
                latest=finding.id,
            )
        )
    data.findings.add(prepared)
    return finding.number
