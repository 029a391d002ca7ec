#!/usr/bin/python3
"""What a client that behaves waits for while others flood the server; README.md says what the rows mean."""

import argparse
import contextlib
import multiprocessing
import pathlib
import sys
import threading
import time

import msgpack
import zmq

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration")]

from bench import machine, percentile  # noqa: E402
from farm import Farm  # noqa: E402
from wire import Client  # noqa: E402

PAUSE = 0.02


def message(type_, id_=1, **body):
    return msgpack.packb({"magic": "deployminator", "version": 1, "type": type_, "id": id_, "epoch": 0, "body": body})


def socket_to(kind, address):
    socket = zmq.Context().socket(kind)
    socket.linger = 0
    socket.connect(address)
    return socket


def send_all(socket, data, sent):
    """Sends `data` as fast as the other side takes it, for ever."""
    while True:
        try:
            socket.send(data, zmq.NOBLOCK, copy=False)
            with sent.get_lock():
                sent.value += 1
        except zmq.Again:
            time.sleep(0.0005)


def queries(addresses, sent):
    socket = socket_to(zmq.DEALER, addresses["listen"])
    socket.send(message("hello", role="client", software="flood"))
    socket.recv()
    # The answers are not read.
    send_all(socket, message("query"), sent)


def broken_frames(addresses, sent):
    send_all(socket_to(zmq.DEALER, addresses["listen"]), b"\xc1" * 200, sent)


def progress(size, count=0):
    event = {"seq": 0, "time": "2026-01-01T00:00:00.000000Z", "type": "download.progress", "namespace": "n",
             "group": "g", "version": 1, "machine": "flood", "artifact": "x" * size, "instances": [],
             "bytes": count, "total": 10**9, "bytes_per_second": 1.0, "eta": 1.0}
    return message("progress", 0, list=[event])


def large_progress(addresses, sent):
    """Of a machine that has no session."""
    socket = socket_to(zmq.XPUB, addresses["collect"])
    # Without this what the server does not take is dropped here.
    socket.setsockopt(zmq.XPUB_NODROP, 1)
    socket.recv()
    send_all(socket, progress(3_900_000), sent)


def agent_progress(addresses, sent):
    """Of a machine that has one, so that it is published."""
    session = socket_to(zmq.DEALER, addresses["listen"])
    session.send(message("hello", role="agent", agent={"name": "flood", "identity": "x", "incarnation": "1",
                                                       "groups": ["none"], "memory_mb": 1}))
    events = socket_to(zmq.PUB, addresses["collect"])
    beat = 0
    while True:
        if time.monotonic() > beat + 0.5:
            session.send(message("heartbeat", 0))
            beat = time.monotonic()
        while session.poll(0):
            session.recv()
        events.send(progress(4_000, sent.value))
        with sent.get_lock():
            sent.value += 1
        time.sleep(0.0005)


def stalled_watchers(addresses, sent):
    """50 of them, who read nothing of what an agent tells."""
    watchers = []
    for _ in range(50):
        watchers.append(socket_to(zmq.SUB, addresses["publish"]))
        watchers[-1].rcvhwm = 1
        watchers[-1].subscribe(b"")
    agent_progress(addresses, sent)


FLOODS = {"nobody": None, "queries": queries, "broken frames": broken_frames, "progress of 3.9 MB": large_progress,
          "50 stalled watchers": stalled_watchers}


def anon_mb(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0]) / 1024


@contextlib.contextmanager
def flooding(flood, addresses):
    sent = multiprocessing.Value("q", 0)
    if flood is None:
        yield sent
        return
    process = multiprocessing.Process(target=flood, args=(addresses, sent), daemon=True)
    process.start()
    try:
        end = time.monotonic() + 20
        while sent.value == 0:
            assert time.monotonic() < end, "the flood does not begin"
            time.sleep(0.01)
        yield sent
    finally:
        process.kill()
        process.join()


def answers(client, seconds):
    """How long each of the questions of these seconds waits."""
    out, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        asked = time.monotonic()
        client.ask("query")
        out.append(time.monotonic() - asked)
        time.sleep(PAUSE)
    return out


def most_memory(pid, over):
    most = [0]

    def look():
        while not over.wait(0.05):
            most[0] = max(most[0], anon_mb(pid))
    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    return most, thread


def measure(binaries, flood, seconds):
    with Farm(binaries, keys=False) as farm:
        farm.start([])
        client = Client(farm.server_url)
        addresses = {"listen": farm.server_url, "publish": client.welcome["publish"],
                     "collect": client.welcome["collect"]}
        pid = farm.processes["deployminator"].pid
        over = threading.Event()
        most, thread = most_memory(pid, over)
        with flooding(flood, addresses) as sent:
            before = sent.value
            waited = answers(client, seconds)
            rate = (sent.value - before) / seconds
        after = answers(client, 3)
        over.set()
        thread.join()
        return rate, waited, after, most[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    print(machine())
    print("| flood | sent/s | answers p50 | p99 | worst | worst after its end | server's memory at most |")
    print("|---|---|---|---|---|---|---|")
    for name, flood in FLOODS.items():
        rate, waited, after, memory = measure(options.bin, flood, options.seconds)
        times = [percentile(waited, 0.5), percentile(waited, 0.99), max(waited), max(after)]
        print(f"| {name} | {rate:,.0f} | " + " | ".join(f"{t * 1000:.1f} ms" for t in times)
              + f" | {memory:.0f} MB |", flush=True)


if __name__ == "__main__":
    main()
