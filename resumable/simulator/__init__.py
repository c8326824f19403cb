"""A Genesys Cloud on loopback, seeded, limited and faulty as told; it imports nothing of the rest of the package."""
