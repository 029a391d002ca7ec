"""How soon agents are back after the server was killed, with keys and without.

Plays the agents' side of hello over ZeroMQ sockets of its own, all in this process."""

import argparse
import pathlib
import signal
import sys
import time
import uuid

import msgpack
import zmq

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
from farm import Farm  # noqa: E402


def message(type_, **body):
    return msgpack.packb({"magic": "deployminator", "version": 1, "type": type_,
                          "id": uuid.uuid4().int >> 65, "epoch": 0, "body": body})


class Agents:
    def __init__(self, farm, count):
        self.context = zmq.Context()
        self.context.set(zmq.MAX_SOCKETS, count + 100)
        self.names = [f"m{n}" for n in range(count)]
        keys = self.make_keys(farm) if farm.keys else {}
        self.poller = zmq.Poller()
        self.sockets = {}
        for name in self.names:
            socket = self.context.socket(zmq.DEALER)
            socket.linger, socket.immediate = 0, 1
            socket.reconnect_ivl, socket.reconnect_ivl_max = 100, 1000
            if name in keys:
                socket.curve_publickey, socket.curve_secretkey = keys[name]
                socket.curve_serverkey = farm.key()["server_key"].encode()
            socket.connect(farm.server_url)
            self.poller.register(socket, zmq.POLLIN)
            self.sockets[socket] = name

    def make_keys(self, farm):
        """A key for each agent, known to the server."""
        keys = {name: zmq.curve_keypair() for name in self.names}
        orders = farm.encrypt(self.context.socket(zmq.DEALER))
        orders.linger = 0
        orders.connect(farm.server_url)
        orders.send(message("hello", role="client"))
        orders.recv()
        for name, (public, _) in keys.items():
            orders.send(message("add_key", order_id=uuid.uuid4().hex,
                                grant={"name": name, "role": "agent", "public_key": public.decode()}))
            while msgpack.unpackb(orders.recv())["type"] != "accepted":
                pass
        orders.close()
        return keys

    def say_hello(self, socket):
        hello = message("hello", role="agent", agent={"name": self.sockets[socket], "identity": "x",
                                                      "incarnation": "1", "groups": ["worker"], "memory_mb": 100})
        try:
            socket.send(hello, zmq.NOBLOCK)
        except zmq.Again:
            pass

    def wait_until_welcome(self, deadline=60):
        """Seconds until every agent has its welcome."""
        begun = time.monotonic()
        waiting, said = set(self.sockets), {}
        while waiting:
            now = time.monotonic()
            assert now < begun + deadline, f"{len(waiting)} agents are not back"
            for socket in waiting:
                if now - said.get(socket, 0) > 0.5 and socket.getsockopt(zmq.EVENTS) & zmq.POLLOUT:
                    self.say_hello(socket)
                    said[socket] = now
            for socket, _ in self.poller.poll(5):
                while socket.getsockopt(zmq.EVENTS) & zmq.POLLIN:
                    if msgpack.unpackb(socket.recv())["type"] == "welcome":
                        waiting.discard(socket)
        return time.monotonic() - begun

    def close(self):
        self.context.destroy(0)


def measure(binaries, count, keys):
    with Farm(binaries, keys=keys) as farm:
        farm.start_server()
        agents = Agents(farm, count)
        connect = agents.wait_until_welcome()
        farm.end("deployminator", signal.SIGKILL)
        process = farm.start_server
        begun = time.monotonic()
        process()
        agents.wait_until_welcome()
        restart = time.monotonic() - begun
        cpu = sum(map(int, pathlib.Path(f"/proc/{farm.processes['deployminator'].pid}/stat")
                      .read_text().rsplit(")", 1)[1].split()[11:13])) / 100
        agents.close()
        return connect, restart, cpu


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", default="build/release/bin")
    parser.add_argument("--agents", type=int, default=1000)
    options = parser.parse_args()
    print(f"| {options.agents} agents | all connected | all back after a restart | the server's CPU seconds for it |")
    print("|---|---|---|---|")
    for keys in (False, True):
        connect, restart, cpu = measure(pathlib.Path(options.bin).resolve(), options.agents, keys)
        print(f"| {'with' if keys else 'without'} keys | {connect:.2f} s | {restart:.2f} s | {cpu:.2f} |", flush=True)


if __name__ == "__main__":
    main()
