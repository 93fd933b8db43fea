"""The model's figures by week, and whether they have changed."""
