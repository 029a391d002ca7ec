"""Answers each request with the build's number."""

import os


def application(environment, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [os.environ["DEPLOY_BUILD"].encode()]
