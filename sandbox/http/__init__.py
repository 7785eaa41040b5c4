"""HTTP: the server, request bodies, responses, the Date header and HTTPS."""
