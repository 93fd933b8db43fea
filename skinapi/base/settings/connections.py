from pathlib import Path

from pydantic import Field, SecretStr

from skinapi.base.settings.installation import InstallationSettings
from skinapi.base.settings.value_checks import MailAddress, read_smtp_url


class ConnectionSettings(InstallationSettings):
    smtp_url: SecretStr | None = Field(
        default=None,
        description="The mail server: `smtp://user:password@host:587` (STARTTLS) or "
        "`smtps://`. If empty: no mail is sent.",
    )
    mail_from: str | None = Field(
        default=None,
        max_length=254,
        description="The address that mails come from. Required with SMTP_URL.",
    )
    trusted_authorities: Path | None = Field(
        default=None,
        description="PEM file of certificate authorities, such as the clinic's, that the "
        "server trusts in addition to the public ones.",
    )

    @property
    def mail_server(self) -> MailAddress | None:
        named = self.secret("smtp_url")
        return read_smtp_url(named) if named else None
