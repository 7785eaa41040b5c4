"""A local server that imitates Agora's Dashboard RESTful API and push-stream API.

Start it with `python -m sandbox`. It consists of these modules and packages:

dashboard, push_stream    the vendor's endpoints
control                   the sandbox's own endpoints under /_sandbox/
page, openapi             the page at / and the OpenAPI document
faults                    scripted faults: the kinds, the script parser and the active faults
traffic                   the apps and their points, generated or recorded
account                   the state that all endpoints share
http                      the server, request bodies, responses, HTTPS
proxy                     a TCP proxy that simulates network faults: `python -m sandbox.proxy`

The package imports none of the product's code.
"""
