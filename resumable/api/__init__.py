"""One exchange with the API, seen through: token, pace, retry, statuses."""
