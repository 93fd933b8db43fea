"""What every stored record is made of."""

from pydantic import BaseModel, ConfigDict


class StoredRecord(BaseModel):
    """The base of each record that the store keeps, and of each record inside one.

    Fields that it does not know are left out: in a rolling upgrade, servers of the version before
    read what the next one has stored.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")
