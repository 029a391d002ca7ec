#!/usr/bin/python3
"""A strategy of your own, `most-memory`: each instance goes where most memory is free. Run it as a service:
most_memory.py tcp://deploy.example.org:4001 operator.key; with python3-zmq, python3-msgpack and python3-yaml."""
import sys, time, msgpack, yaml, zmq

name, server = "most-memory", zmq.Context().socket(zmq.DEALER)
server.linger = 0
if len(sys.argv) > 2:  # the key file of an operator
    keys = yaml.safe_load(open(sys.argv[2]))
    server.curve_serverkey = keys["server_key"].encode()
    server.curve_publickey, server.curve_secretkey = keys["public_key"].encode(), keys["secret_key"].encode()
server.connect(sys.argv[1])

def say(type, id=0, **body):
    server.send(msgpack.packb({"magic": "deployminator", "version": 1, "type": type, "id": id, "body": body}))

def answer(id, wanted):
    free = {m["name"]: m["memory_mb"] - m["promised_mb"] for m in wanted["machines"] if m["reachable"]}
    if not free or wanted["per_machine"]:
        return say("refusal", id, error={"code": "refused", "message": "no machine, or instances per machine"})
    chosen = []
    for _ in range(wanted["missing"]):
        chosen.append(max(sorted(free), key=free.get))
        free[chosen[-1]] -= wanted["memory_mb"]
    say("placed", id, machines=chosen, reason="most memory is free there")

heard, message = time.monotonic(), {"type": "unknown_peer"}
while time.monotonic() - heard < 4:  # ends where the server falls silent, and is to be started again
    if message["type"] == "unknown_peer":  # at the beginning, and after the server's restart
        say("hello", role="client", software=name)
        say("offer_strategy", name=name)
    elif message["type"] == "place":
        answer(message["id"], message["body"])
    elif message["type"] == "refusal":
        sys.exit(message["body"]["error"]["message"])
    say("heartbeat")
    message = {"type": "nothing"}
    if server.poll(1000):
        heard, message = time.monotonic(), msgpack.unpackb(server.recv())
