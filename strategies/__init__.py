"""What masters publish: strategies and their signals."""
