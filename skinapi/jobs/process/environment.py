"""What programs that this server starts get of its environment: allow lists, by name."""

import os
from collections.abc import Mapping

MACHINE = (
    "HOME", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "PATH", "PYTHONHASHSEED",
    "PYTHONPATH", "TMPDIR", "TZ", "VIRTUAL_ENV",
)  # fmt: skip
# The libraries of trainings have hundreds of options, and none of these is a secret.
LIBRARIES = (
    "CUDA_", "CUDNN_", "GOMP_", "KERAS_", "KMP_", "MKL_", "NVIDIA_", "OMP_", "OPENBLAS_",
    "OPENVINO_", "OV_", "TF_", "XLA_",
)  # fmt: skip
# What a handler opens the store with, and signs its audit rows with, and the folders it reads.
SETTINGS = (
    "ENVIRONMENT", "FORMER_JWT_SECRET_KEYS", "INSTANCE_DIR", "JOB_MEMORY_BYTES", "JWT_SECRET_KEY",
    "MODEL_PATH", "MONGO_URI", "NORMAL_SKIN_PICTURES", "NOT_SKIN_PICTURES",
    "STARTING_WEIGHTS",
)  # fmt: skip
# The thread pools of the libraries that a training uses. An operator's own value stays.
THREAD_CAPS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)


def machine_environment() -> Mapping[str, str]:
    """For a program that reads a foreign file: no setting of this server, so no secret."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in MACHINE or name.startswith(LIBRARIES)
    }
    # One core stays for the server, where there are several.
    threads = str(max(1, (os.cpu_count() or 1) - 1))
    caps = {name: os.environ.get(name, threads) for name in THREAD_CAPS}
    return {**kept, **caps, "PYTHONUNBUFFERED": "1"}


def job_environment() -> Mapping[str, str]:
    """For the process of a job: the settings that handlers use besides."""
    # Settings are read whatever the case of their names.
    ours = {name: value for name, value in os.environ.items() if name.upper() in SETTINGS}
    return {**machine_environment(), **ours}
