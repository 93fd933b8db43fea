"""Reading what a caller sends: JSON, forms, streams, queries."""
