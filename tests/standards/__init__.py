"""FHIR and DICOM, in and out."""
