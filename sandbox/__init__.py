"""A local server that imitates Agora's Dashboard RESTful API and push-stream API. Start: `python -m sandbox`.

dashboard, push_stream    the vendor's endpoints
control                   the sandbox's own endpoints under /_sandbox/
page, openapi             the page at / and the OpenAPI document
faults                    scripted faults: their kinds, the script parser, the faults in force
traffic                   the apps and their points, generated or recorded
account                   the state that all endpoints share
http                      the server, request bodies, responses, HTTPS
proxy                     network faults: `python -m sandbox.proxy`

The package imports nothing of the product.
"""
