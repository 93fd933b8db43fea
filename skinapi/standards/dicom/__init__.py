"""DICOM for picture archives (PACS): https://www.dicomstandard.org/"""
