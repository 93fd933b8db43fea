"""The settings of the lab: data sets, and the jobs that import them and train."""

from pathlib import Path

from pydantic import Field, PositiveInt, SecretStr

from skinapi.base.settings.installation import InstallationSettings
from skinapi.base.settings.sizing import usable_memory
from skinapi.base.settings.value_checks import read_broker_uri


class DatasetSettings(InstallationSettings):
    max_dataset_bytes: PositiveInt = Field(
        default=2 * 1024**3,
        description="Largest data set in bytes, as it is sent and unpacked. While it is checked, "
        "INSTANCE_DIR needs about three times as much free space. In each process, uploads under "
        "way take at most twice as much.",
    )
    dataset_quota_bytes: PositiveInt = Field(
        default=20 * 1024**3,
        description="Bytes of data sets and unfinished uploads that one account may keep.",
    )


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
    jobs_broker: SecretStr | None = Field(
        default=None,
        description="A message broker that tells job workers on many machines of new jobs: "
        "`amqp://user:password@host/` or `amqps://` (RabbitMQ), `redis://` or `rediss://`. Needs "
        "requirements-broker.txt. If empty: workers ask the store.",
    )
    starting_weights: Path | None = Field(
        default=None,
        description="Folder with ImageNet weights of architectures that the model in service does "
        "not have: trainings in the lab begin from them. Without: from random weights.",
    )
    not_skin_pictures: Path | None = Field(
        default=None,
        description="Folder of photographs of anything but skin. Trainings in the lab fit the "
        "detector that refuses such pictures to them; a model without it does not pass the gates.",
    )
    normal_skin_pictures: Path | None = Field(
        default=None,
        description="Folder of pictures of healthy skin, which trainings in the lab learn too.",
    )

    @property
    def job_memory(self) -> int:
        """Bytes that a process of a job may use."""
        return self.job_memory_bytes or usable_memory()

    @property
    def broker_uri(self) -> str | None:
        """The address of the message broker of jobs; None without one."""
        named = self.secret("jobs_broker")
        return read_broker_uri(named) if named else None
