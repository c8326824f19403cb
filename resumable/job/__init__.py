"""The library's face: make a job, run it, look at it, read what it brought."""
