"""/studio/: a master's pages."""
