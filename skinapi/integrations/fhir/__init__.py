"""FHIR R4 for electronic health records: https://hl7.org/fhir/R4/

What a health record reads: `service`, with `search`; `kinds` is the table of resources, which
`reports` and `other_resources` make of `elements`.

What it sends: `intake`, with `sent_resources` for what came and `orders` for what that asks.
"""
