"""Who copies whom, and with how much."""
