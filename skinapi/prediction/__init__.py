"""Classifies the photos of accounts: /predict, from the form to the stored finding."""
