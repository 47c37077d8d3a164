"""Where money is, and where it may go."""
