HANDLERS = {
    "training": "skinapi.lab.jobs.training_job:train",
    "import": "skinapi.lab.jobs.import_job:import_model",
}
