"""Persons' files for the tests: made by a server, changed, and signed again by its key."""

import hashlib
import io
import json
import random
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from skinapi.auth.accounts import Account
from skinapi.composition.privacy_services import open_file_maker
from skinapi.composition.services import Services
from skinapi.privacy.person_file.format import (
    MANIFEST,
    SIGNATURE,
    Manifest,
    ManifestFile,
)
from skinapi.privacy.person_file.signature import FileSigner
from skinapi.settings import Settings
from skinapi.storage import make_store, open_store
from skinapi.storage.ids import new_id
from skinapi.storage.ports import Store
from tests.support.backends import Backend, settings_in

OTHER_SECRET = "A7Yw2pQz9Xv4Rb6Nt8Lm3Jd5Hf1Gs0Ab"


@dataclass(frozen=True)
class PersonZip:
    """The files of one, by their paths, and who signs it. `signed`: the list, and the signature."""

    files: Mapping[str, bytes]
    manifest: Manifest
    signer: FileSigner
    content: bytes = b""  # as it was made
    signed: tuple[bytes, bytes] = b"", b""

    @classmethod
    def read(cls, content: bytes, signer: FileSigner) -> "PersonZip":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        signed = files.pop(MANIFEST), files.pop(SIGNATURE)
        manifest = Manifest.model_validate_json(signed[0])
        return cls(files, manifest, signer, content, signed)

    @property
    def fingerprint(self) -> str:
        return self.signer.public_key.fingerprint

    def json(self, path: str) -> Any:
        return json.loads(self.files[path])

    def findings(self) -> list[str]:
        return sorted(path for path in self.files if path.endswith("/finding.json"))

    def photos(self) -> list[str]:
        return sorted(path for path in self.files if path.endswith(".jpg"))

    def having(self, path: str, content: object) -> "PersonZip":
        """With another file there; None removes it."""
        changed = {name: one for name, one in self.files.items() if name != path}
        if content is not None:
            whole = content if isinstance(content, bytes) else json.dumps(content).encode()
            changed[path] = whole
        return replace(self, files=changed)

    def saying(self, path: str, change: Callable[[Any], object]) -> "PersonZip":
        """With a JSON file changed in place."""
        told = self.json(path)
        change(told)
        return self.having(path, told)

    def packed(self, **manifest: Any) -> bytes:
        """Signed as it is now."""
        listed = tuple(
            ManifestFile(path=path, bytes=len(one), sha256=hashlib.sha256(one).hexdigest())
            for path, one in self.files.items()
        )
        told = {**json.loads(self.manifest.model_dump_json()), **manifest}
        told = {"files": [json.loads(one.model_dump_json()) for one in listed], **told}
        if "files" not in manifest:
            told["files"] = [json.loads(one.model_dump_json()) for one in listed]
        text = json.dumps(told).encode()
        return zipped({**self.files, MANIFEST: text, SIGNATURE: self.signer.sign(text)})


@dataclass(frozen=True)
class ServedBackend:
    """The store of a server that serves, as this process opens it."""

    services: Services
    settings: Settings

    def account(self, email: str) -> Account:
        found = self.services.data.accounts.find_by_email(email)
        assert found
        return found


def file_of(backend: Backend | ServedBackend, email: str) -> PersonZip:
    """The file of this person, as the job makes it."""
    services, account, file = backend.services, backend.account(email), new_id()
    maker = open_file_maker(backend.settings, services)
    maker.files.forget(account.id)
    services.data.work.run(lambda _: maker.files.add(account.id, file))
    with TemporaryDirectory() as folder:
        made = maker.make(
            account=account,
            file=file,
            attempt=1,
            folder=Path(folder),
            progress=lambda *_: None,
        )
    content = b"".join(maker.files.read(made))
    maker.files.forget(account.id)
    return PersonZip.read(content, maker.signer)


def zipped(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def other_server(folder: Path, store: Store | None = None, **settings: Any) -> Backend:
    """One with a secret of its own."""
    given = {"jwt_secret_key": OTHER_SECRET, **settings}
    if store is None:
        made = settings_in(folder, **given)
        make_store(made)
        store = open_store(made)
    return Backend(folder, store, **given)


def canonical(file: PersonZip) -> dict[str, Any]:
    """What two files of one person say alike, on whichever server each was made: without ids,
    numbers, addresses, codes of reports, on which way a consent came, and what is of that server
    alone. Ids are named by their
    order, which stays.
    """
    names = ("account", "spots", "messages", "consents")
    told = {name: file.json(f"{name}.json") for name in names}
    findings = [file.json(path) for path in file.findings()]
    ids = [told["account"]["id"], *(one["id"] for one in told["spots"]["spots"])]
    for finding in sorted(findings, key=lambda one: str(one["id"])):
        ids += [finding["id"], *(one["id"] for one in finding["reviews"])]
        ids += [one["id"] for one in finding["letters"]]
    ids += [one["id"] for one in told["messages"]["messages"]]
    numbers = sorted(one["number"] for one in findings)
    for finding in findings:
        for name in ("number", "again_of", "judged_again"):
            finding[name] = numbers.index(finding[name]) if finding[name] in numbers else None
        finding["reports"] = []
    account = {name: told["account"][name] for name in ("name", "email", "locale", "notices")}
    return {
        **named(
            {
                "findings": findings,
                "spots": told["spots"],
                "messages": told["messages"],
                "consents": [{**one, "way": ""} for one in told["consents"]["history"]],
            },
            {one: f"id {place}" for place, one in enumerate(ids)},
        ),
        "account": account,
        "photos": [hashlib.sha256(file.files[path]).hexdigest() for path in file.photos()],
    }


def named(value: Any, names: Mapping[str, str]) -> Any:
    """With these names for ids, also in paths."""
    if isinstance(value, dict):
        return {key: named(part, names) for key, part in value.items() if part is not None}
    if isinstance(value, list):
        return [named(part, names) for part in value]
    if isinstance(value, str):
        return "/".join(names.get(part, part) for part in value.split("/"))
    return value


# --- mutations ---

ODD: tuple[Any, ...] = (
    *(None, "", 0, -1, 1.5, True, [], {}, 10**30, -(2**62), "\x00", "\u202e", "a" * 30_000),
    *("../../etc/passwd", "$where", "melanoma", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"),
    *("1969-01-01T00:00:00Z", "2026-01-01T00:00:00", "f" * 32, "me", "x", [[]], "\ud800"),
    "person-" + "0" * 32,
)


def mutated(file: PersonZip, seed: int) -> bytes:
    """A file that is wrong in one way or another: in its bytes, or in what a trusted server has
    signed.
    """
    chance = random.Random(seed)
    kind = chance.choice((_bytes_changed, _file_changed, *[_value_changed] * 3))
    return kind(file, chance)


def _bytes_changed(file: PersonZip, chance: random.Random) -> bytes:
    content = bytearray(file.packed())
    at = chance.randrange(len(content))
    match chance.randrange(4):
        case 0:
            content[at] ^= 1 << chance.randrange(8)
        case 1:
            del content[at:]
        case 2:
            del content[at : at + chance.randrange(1, 2000)]
        case _:
            content[at:at] = chance.randbytes(chance.randrange(1, 2000))
    return bytes(content)


def _value_changed(file: PersonZip, chance: random.Random) -> bytes:
    read = ("account.json", "consents.json", "spots.json", "messages.json")
    path = chance.choice([*read, *file.findings(), *file.findings()])
    told = file.json(path)
    places = [*_places(told)]
    holder, key = chance.choice(places)
    match chance.randrange(6):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, list):
            holder.append(holder[key])
        case 2:
            holder[key] = [holder[key]]
        case 3:
            other, other_key = chance.choice(places)
            holder[key] = other[other_key]
        case _:
            holder[key] = chance.choice(ODD)
    try:
        return file.having(path, told).packed()
    except ValueError:  # it holds itself now
        return file.having(path, b"[" * 100_000).packed()


def _places(value: Any) -> Any:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in items:
        yield value, key
        if isinstance(part, dict | list):
            yield from _places(part)


def _file_changed(file: PersonZip, chance: random.Random) -> bytes:
    path = chance.choice([*file.files])
    match chance.randrange(4):
        case 0:
            return file.having(path, None).packed()
        case 1:
            return file.having(path, chance.randbytes(2000)).packed()
        case 2:
            other = chance.choice([*file.files])
            return file.having(path, file.files[other]).packed()
        case _:
            photo = chance.choice(file.photos())
            content = file.files[photo]
            cut = content[: chance.randrange(len(content))] + chance.randbytes(100)
            return file.having(photo, cut).packed()
