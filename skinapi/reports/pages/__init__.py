"""A report as a reader holds it: PDF on A4, and a page for browsers."""
