"""The LLM that may choose sentences of a report and draft letters, through OpenRouter."""
