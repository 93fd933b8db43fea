"""Training a network on a data set as a job, and comparing it with the model in service."""
