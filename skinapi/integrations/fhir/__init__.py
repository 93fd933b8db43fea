"""FHIR R4 for electronic health records: https://hl7.org/fhir/R4/

What a health record reads: `routes` and `service`, with `search` and `bundles`. `kinds` is the
table of resources, of which `capabilities` writes the CapabilityStatement; `reports`, `patients`,
`devices` and `audit_events` make them of `elements`.

What it sends: `intake_routes` and `intake`, with `json_reading`, `sent_bundles` and
`sent_resources` for what came, and `orders` and `told_facts` for what it asks and tells.

`outcomes` writes errors as OperationOutcome, for both.
"""
