"""Where pictures are judged: threads of this process, or a Dask cluster."""
