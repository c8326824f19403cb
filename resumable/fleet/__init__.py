"""Many jobs of many clients, run together on an engine."""
