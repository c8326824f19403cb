"""The command line: one thin module a command; what a command does not need is not imported."""
