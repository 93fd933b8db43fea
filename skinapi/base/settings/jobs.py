"""The settings of jobs, and of the workers that do them."""

from pydantic import Field, PositiveInt

from skinapi.base.settings.installation import InstallationSettings
from skinapi.base.settings.sizing import usable_memory


class JobSettings(InstallationSettings):
    lab_workers: int = Field(
        default=1,
        ge=0,
        le=16,
        description="Job workers that `serve` starts; each runs one job at a time, such as a "
        "training, and beside it a short one, such as an import. 0: none, jobs wait for a worker "
        "that is started elsewhere.",
    )
    job_memory_bytes: PositiveInt | None = Field(
        default=None,
        description="Bytes of memory that each process of a job may use. A job that needs more "
        "fails with a sentence. If empty: as much as the machine has, or its container may use.",
    )
    job_hours: float = Field(
        default=24,
        gt=0,
        le=24 * 31,
        description="Hours that a job such as a training may run; past them it fails with a "
        "sentence, and the next person's job begins.",
    )

    @property
    def job_memory(self) -> int:
        return self.job_memory_bytes or usable_memory()
