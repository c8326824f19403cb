"""One file that tells of a job, for people: it opens offline, on a phone, in the dark, and obeys nothing in it."""
