"""The base of what a service works out and a route answers as it is."""

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    model_config = ConfigDict(frozen=True, populate_by_name=True)
