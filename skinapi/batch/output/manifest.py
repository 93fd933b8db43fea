"""What a run judges, and with what: written beside its parts and into its output."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from skinapi.settings import VERSION


class Manifest(BaseModel):
    """Two runs with equal manifests have equal rows for equal files.

    Relative paths begin at `root`: the folder of pictures or, for a list, the folder where the
    command was started.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    software: str = VERSION
    model_version: str
    model_sha256: str
    precision: str
    largest_bytes: int
    # Of a run that was begun before there were operating points: unknown.
    operating_point: str = "unknown"
    prevalence: str = "empty"
    kind: Literal["folder", "list"]
    root: str
    pictures: int
    plan_sha256: str

    def difference(self, begun: "Manifest") -> str | None:
        """What is different from the run that began the output, in words; None if nothing is."""
        return next(
            (
                words.format(begun=getattr(begun, name), now=getattr(self, name))
                for name, words in _DIFFERENCES.items()
                if getattr(self, name) != getattr(begun, name)
            ),
            None,
        )


# A folder's plan is not compared: it stays as it was when the run began.
_DIFFERENCES = {
    "root": "its paths begin at {begun}, and not at {now}",
    "kind": "it was begun with a {begun}, and this is a {now}",
    "plan_sha256": "the list has changed since",
    "model_version": "it was begun with the model {begun}, and this is {now}",
    "model_sha256": "the files of the model have changed since, although its version has not",
    "precision": "it was begun with the precision {begun}, and this is {now}",
    "largest_bytes": "it was begun with MAX_UPLOAD_BYTES={begun}, and this is {now}",
    "operating_point": "its operating point was {begun}, and is {now}",
    "prevalence": "it was begun with PREVALENCE {begun}, and this is {now}",
    "software": "it was begun with SkinAPI {begun}, and this is {now}",
}
