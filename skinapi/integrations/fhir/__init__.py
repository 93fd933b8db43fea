"""FHIR R4 for electronic health records: https://hl7.org/fhir/R4/

Begin with `service.py` for what a health record reads: `kinds.py` is the table of resources, which
`reports.py` and `other_resources.py` make. What it sends begins in `order_intake.py`.
"""
