"""Each kind of job of the lab, and its handler, which only the process of a job imports."""

HANDLERS = {
    "training": "skinapi.lab.jobs.training_job:train",
    "import": "skinapi.lab.jobs.import_job:import_model",
}
