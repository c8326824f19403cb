"""Repairs what verify names, and rebuilds a lost manifest from the parts."""
