"""Every fault of the table, on real processes, disks and clocks; README.md here says what was run and what it found."""
