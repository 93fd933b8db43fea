"""What stands beside the code: pages, project files, dependencies, the generated client."""
