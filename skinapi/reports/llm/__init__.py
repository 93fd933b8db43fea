"""The LLM that may add a few sentences: asked through OpenRouter, believed in nothing."""
