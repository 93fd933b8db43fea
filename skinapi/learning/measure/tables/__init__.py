"""The figures as tables of text and of Markdown."""
