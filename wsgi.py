"""The application as a WSGI server imports it: `gunicorn wsgi:app`."""

from skinapi.app.application import create_app

app = create_app()
