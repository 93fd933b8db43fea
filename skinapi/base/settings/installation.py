from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from skinapi.base.settings.value_checks import is_odd_key, refuse_weak_key, stored_secret


class InstallationSettings(BaseSettings):
    """The settings of each area are a class that builds on this one. `Settings` combines all."""

    model_config = SettingsConfigDict(defer_build=True)  # only `Settings` itself is ever built

    environment: Literal["development", "production"] = Field(
        default="development",
        description="In `production` the server refuses to start with unsafe settings.",
    )
    instance_dir: Path = Field(
        default=Path("instance"),
        description="Database, files and the development secret of this machine. Required in "
        "production without MONGO_URI, on a disk that survives restarts.",
    )
    mongo_uri: SecretStr | None = Field(
        default=None,
        description="Address of a MongoDB for documents and files: `mongodb://` or "
        "`mongodb+srv://`. If empty: SQLite and files in INSTANCE_DIR.",
    )
    jwt_secret_key: SecretStr | None = Field(
        default=None,
        description="Signs access tokens and encrypts the key of patients' numbers. At least "
        "32 random characters; required in production.",
    )
    former_jwt_secret_keys: SecretStr | None = Field(
        default=None,
        description="Earlier values of JWT_SECRET_KEY, the newest first, comma-separated. They "
        "verify old audit rows and keep second factors working, but verify no token.",
    )

    @property
    def production(self) -> bool:
        return self.environment == "production"

    def secret(self, name: str) -> str | None:
        value: SecretStr | None = getattr(self, name)
        return value.get_secret_value() if value else None

    def list_outlets(self) -> list[str]:
        return []

    @classmethod
    def list_folders(cls) -> list[str]:
        return ["model_path"]

    def list_faults(self) -> Iterator[str]:
        yield from ()

    def list_notes(self, photos: str) -> Iterator[str]:  # noqa: ARG002 (for those of areas)
        yield from ()

    def signing_key(self) -> str:
        """The key that signs the tokens. In development it is created once and stored in
        INSTANCE_DIR. In production raises UnsafeSettings if the key is missing or weak.
        """
        if self.jwt_secret_key is None and not self.production:
            return stored_secret(self.instance_dir / "jwt-secret")
        key = self.secret("jwt_secret_key") or ""
        if self.production:
            refuse_weak_key(key)
        return key

    def audit_secrets(self) -> list[str]:
        text = self.secret("former_jwt_secret_keys") or ""
        former = [key.strip() for key in text.split(",") if key.strip()]
        # A former secret may contain a comma, or begin or end with a space.
        return [self.signing_key(), *former, *([text] if is_odd_key(text) else [])]


class AreaSettings(InstallationSettings):
    """The base class for the `settings.py` of an area. Each method must include the results of the
    others.
    """
