"""The LLM that may add a few sentences to a report, through OpenRouter. All its text is checked."""
