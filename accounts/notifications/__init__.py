"""What people are told: the inbox, and the ways by which it reaches them elsewhere."""
