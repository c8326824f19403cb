"""The job's memory: what is known of every window, and which pages are done. The only package that imports sqlite3."""
