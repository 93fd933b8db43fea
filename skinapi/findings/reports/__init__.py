"""Makes reports from findings: facts, narrative, pages, and the verification of issued reports."""
