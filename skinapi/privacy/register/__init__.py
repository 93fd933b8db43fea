"""The register of processing (Article 30 of the GDPR), and what leaves this server."""
