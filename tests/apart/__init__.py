"""The product against a second Genesys Cloud, which shares no code and no assumption with it or its simulator."""
