"""A report as PDF: its layout, fonts and charts."""
