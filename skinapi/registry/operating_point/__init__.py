"""The operating point of the model in service: what each one costs, and which is in use."""
