from pydantic import Field, PositiveInt

from skinapi.base.settings.installation import InstallationSettings
from skinapi.base.settings.sizing import usable_memory


class JobSettings(InstallationSettings):
    lab_workers: int = Field(
        default=1,
        ge=0,
        le=16,
        description="Job workers that `serve` starts. Each runs one job, such as a training, "
        "and beside it a short one, such as an import.",
    )
    job_memory_bytes: PositiveInt | None = Field(
        default=None,
        description="Memory in bytes of each process of a job. If empty: that of the machine "
        "or container.",
    )
    job_hours: float = Field(
        default=24,
        gt=0,
        le=24 * 31,
        description="Hours that a job such as a training may run before it fails.",
    )

    @property
    def job_memory(self) -> int:
        return self.job_memory_bytes or usable_memory()
