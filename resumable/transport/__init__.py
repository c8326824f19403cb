"""Carries requests to one origin and brings back whole answers: the only package that imports requests and urllib3.

http        HttpTransport: one request, one whole answer or one fault
address     where requests may go: the origin, the proxy, the paths
wire        urllib3 and http.client with their holes closed
exchange    the deadline of one exchange, and sockets that keep it
body        one body: capped, decoded, whole
reasons     every exception of the libraries as one fault with a short reason
"""
