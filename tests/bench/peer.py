"""The least that Flask can do: one JSON route. The peer that the backend is compared with."""

from flask import Flask, Response, jsonify

app = Flask(__name__)


@app.get("/healthz")
def healthz() -> Response:
    return jsonify(status="ok")
