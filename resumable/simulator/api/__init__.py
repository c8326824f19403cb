"""What the simulated Genesys Cloud answers: its contracts, its tokens, its limits."""
