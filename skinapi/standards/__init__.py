"""FHIR and DICOM, in and out: translates, and never decides."""
