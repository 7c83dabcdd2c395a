# One of BentoML's clients, by what standard input says; answers on standard output.
import json
import sys

import bentoml

told = json.load(sys.stdin)
bad = {**told["applications"][0], "income": "much"}

if told["kind"] == "sync":
    client = bentoml.SyncHTTPClient(told["url"])
    ready = client.is_ready()
    call = lambda application: client.classify(**application)
else:
    from bentoml.client import HTTPClient

    client = HTTPClient.from_url(told["url"])
    ready = client.health().status_code == 200 if hasattr(client, "health") else True
    call = client.classify

decisions = [call(application) for application in told["applications"]]
try:
    refused = f"not refused: {call(bad)}"
except Exception as error:
    refused = f"{error} {getattr(error, 'body', '')}"
print("\n" + json.dumps({"ready": ready, "decisions": decisions, "refused": refused}))
