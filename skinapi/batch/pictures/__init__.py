"""Which pictures a run judges: their names, the plan of the run, their bytes."""
