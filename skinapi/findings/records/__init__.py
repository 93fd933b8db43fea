"""Stored findings and photos: their owners, who may see them, reviews, and deletion."""
