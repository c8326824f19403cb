"""The names of what can be downloaded: apart from the datasets, so that naming them imports nothing."""

CATALOGUE = {
    "conversations": "conversations with all their detail, by the public details query (100 a page)",
    "conversation-jobs": "the same by asynchronous jobs, meant for bulk (1000 a page; with participant attributes)",
    "conversations-pagecount": "the same by the contract with pageCount (1000 a page)",
    "user-details": "presence and routing status of users over time, by the details query (100 a page)",
    "user-detail-jobs": "the same by asynchronous jobs (1000 a page)",
    "users": "the list of users as it is today, whatever their state",
    "queues": "the list of queues as it is today",
    "wrapupcodes": "the list of wrap-up codes as it is today",
}
"""Names and a line each."""

BULK = {"conversations": "conversation-jobs", "user-details": "user-detail-jobs"}
"""What brings the same records in far fewer requests, 1000 a page, but hours later."""
