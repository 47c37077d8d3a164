"""The record: what was done, by whom, with what outcome. Knows nobody: actors are ids."""
