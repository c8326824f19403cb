"""What can be downloaded, and by which contract: one module, or one TOML file, a contract."""
