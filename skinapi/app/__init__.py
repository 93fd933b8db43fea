"""The processes: web application, worker, command line. It may import every module.

Begin with `application.py`, and with `composition` for what a service is given.
"""
