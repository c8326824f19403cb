"""A run of a job: plan, feed, workers, record, close, receipt."""
