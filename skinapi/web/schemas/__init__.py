"""Base classes and types of what crosses the wire, and lists in pages."""
