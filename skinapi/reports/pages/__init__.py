"""The content of a report's pages, and the page as HTML."""
