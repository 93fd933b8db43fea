"""FHIR R4 for electronic health records: https://hl7.org/fhir/R4/"""
