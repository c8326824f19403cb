"""What the simulated organisation holds: its people, its conversations, its truth."""
