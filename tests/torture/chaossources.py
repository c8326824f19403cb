"""Two endpoints of the simulator, described by a file as any other API would be."""

DESCRIBED = """
[dataset]
name = "details"
token = "basic"
[request]
method = "POST"
path = "/api/v2/analytics/conversations/details/query"
[request.body]
interval = "{from}/{to}"
order = "asc"
orderBy = "conversationStart"
paging = { pageSize = "{page_size}", pageNumber = "{page}" }
[answer]
records = "conversations"
total = "totalHits"
may_lack = true
[record]
key = "conversationId"
start = "conversationStart"
[schema]
conversationId = "text"
conversationStart = "instant"
conversationEnd = "instant"
originatingDirection = "text"
divisionIds = ["text"]
participants = "json"
"""
DESCRIBED_LIST = """
[dataset]
name = "codes"
token = "basic"
[request]
path = "/api/v2/routing/wrapupcodes"
params = { pageSize = "{page_size}", pageNumber = "{page}" }
[answer]
records = "entities"
page_count = "pageCount"
total = "total"
page = "pageNumber"
[record]
key = "id"
"""
"""Its columns are inferred."""
