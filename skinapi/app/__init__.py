"""The processes: web application, worker, command line."""
