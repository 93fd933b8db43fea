"""Renders a report: as PDF on A4 and as HTML page."""
