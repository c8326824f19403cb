"""What goes wrong, as told."""
