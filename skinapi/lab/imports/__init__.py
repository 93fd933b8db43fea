"""A network of one's own that becomes a model version, as a job."""
