"""What a mail says of each kind of notice. `switch_off` has a place for the `page` of the account.

None says anything of a person's health, nor of another person: who opens a mail nobody knows.
"""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from skinapi.notices.outbox import Kind


class MailWords(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    subjects: Mapping[Kind, str]
    texts: Mapping[Kind, str]
    switch_off: str
