"""The gunicorn worker: it reads and answers in one loop, so that no slow client holds a thread."""
