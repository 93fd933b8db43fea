"""The routes about the server itself: start page, health, metrics, API documentation."""
