"""The simulator's sockets and bytes."""
