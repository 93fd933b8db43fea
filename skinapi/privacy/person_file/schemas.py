"""What crosses the wire about a person's file."""

from dataclasses import asdict
from datetime import datetime
from typing import Self

from pydantic import Field

from skinapi.platform.web.schemas import Answer
from skinapi.privacy.person_file.service import FileState, State
from skinapi.privacy.signature import Signer


class FileView(Answer):
    state: State = Field(
        description="`none`; `waiting` for a worker; `making`; `ready`, to be fetched once; "
        "`fetched`, and deleted then; `outdated`: deleted, because it told of a finding that was "
        "deleted; `failed`; `cancelled`"
    )
    workers: bool = Field(
        description="whether this server runs job workers; else they are elsewhere, or nowhere"
    )
    no_worker: bool = Field(
        description="no worker takes jobs, here or elsewhere: it waits until one is started"
    )
    progress: float = Field(description="0 to 100")
    asked_at: datetime | None
    waits_seconds: int | None = Field(description="since it was asked for")
    made_at: datetime | None
    fetched_at: datetime | None
    until: datetime | None = Field(
        description="when it is deleted, also where nobody has fetched it; before it is made, when "
        "it is given up"
    )
    bytes: int = Field(description="of what is there so far")
    error: str | None
    error_code: str | None

    @classmethod
    def of(cls, state: FileState) -> Self:
        return cls(**asdict(state))


class PublicKeyView(Answer):
    public_key: str = Field(description="Ed25519: 32 bytes in base64")
    fingerprint: str = Field(description="SHA-256 of these bytes, in hex")


class SigningKeyView(PublicKeyView):
    algorithm: str = "Ed25519"
    former: list[PublicKeyView] = Field(description="keys of former secrets, which still verify")

    @classmethod
    def of(cls, signer: Signer) -> Self:
        current, *former = [
            {"public_key": one.encoded, "fingerprint": one.fingerprint} for one in signer.known_keys
        ]
        return cls(**current, former=[PublicKeyView(**one) for one in former])
