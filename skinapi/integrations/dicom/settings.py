from collections.abc import Iterator

from pydantic import Field, SecretStr

from skinapi.base.settings.installation import AreaSettings
from skinapi.base.settings.value_checks import (
    faults_of_header,
    is_in_private_network,
    is_url,
    stays_private,
)


class ArchiveSettings(AreaSettings):
    archive_url: str | None = Field(
        default=None,
        description="The clinic's picture archive (DICOMweb): the address below which it has "
        "`/studies`. If empty: none.",
    )
    archive_token: SecretStr | None = Field(
        default=None, description="Token that the archive asks for (`Bearer`)."
    )
    archive_user: str | None = Field(
        default=None, description="Name that the archive asks for (`Basic`), instead of a token."
    )
    archive_password: SecretStr | None = Field(
        default=None, description="Password of ARCHIVE_USER at the archive."
    )

    def list_outlets(self) -> list[str]:
        return [*super().list_outlets(), *(["ARCHIVE_URL"] if self.archive_url else [])]

    def list_faults(self) -> Iterator[str]:
        yield from super().list_faults()
        yield from faults_of_header("archive_token", self.secret("archive_token"))
        url = self.archive_url
        if url is None:
            return
        safe = not self.production or stays_private(url) or is_in_private_network(url)
        if not is_url(url) or not safe:
            yield (
                "ARCHIVE_URL must be https://host/path, without user, query or fragment; in "
                "production http:// is for this machine and for IP addresses of private networks "
                "alone, because findings travel there"
            )
        if self.archive_user and ":" in self.archive_user:
            yield "ARCHIVE_USER must have no colon: the archive would read the rest as the password"

    def list_notes(self, photos: str) -> Iterator[str]:
        yield from super().list_notes(photos)
        if self.archive_url and photos == "consent":
            yield (
                "PHOTOS=consent: no photo that the picture archive sends is kept, since its "
                "patients have no log-in to consent with; PHOTOS=always keeps them, where the "
                "clinic may"
            )
