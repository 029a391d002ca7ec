"""A client and a watcher that speak the protocol themselves, so that no other program is timed."""

import datetime
import threading
import time
import uuid

import msgpack
import zmq


def seconds_of(timestamp):
    """Seconds since 1970 of the protocol's time."""
    return datetime.datetime.fromisoformat(timestamp.replace("Z", "+00:00")).timestamp()


class Client:
    """Asks the server; `hello` is said first."""

    def __init__(self, server):
        self.orders = zmq.Context.instance().socket(zmq.DEALER)
        self.orders.linger = 0
        self.orders.connect(server)
        self.welcome = self.ask("hello", role="client", software="bench")

    def ask(self, type, **body):
        question = {"magic": "deployminator", "version": 1, "type": type, "id": uuid.uuid4().int >> 65,
                    "body": body}
        self.orders.send(msgpack.packb(question))
        while self.orders.poll(30_000):
            answer = msgpack.unpackb(self.orders.recv())
            if answer["type"] == "refusal":
                raise AssertionError(answer["body"]["error"]["message"])
            if answer["type"] == "unknown_peer":
                # Its session ended in a pause; the question was not looked at.
                self.ask("hello", role="client", software="bench")
                self.orders.send(msgpack.packb(question))
            elif answer["id"] == question["id"]:
                return answer["body"]
        raise AssertionError(f"the server does not answer {type}")

    def submit(self, text, build):
        return self.ask("submit_build", order_id=str(uuid.uuid4()), file_name="deploy.yaml", file=text,
                        build=build)

    def close(self):
        self.orders.close()


class Watcher:
    """Collects all published events with the time of their arrival, on a thread of its own."""

    def __init__(self, publish):
        self.seen = []  # (seconds since 1970 of the arrival, event)
        self.news = threading.Condition()
        self.subscribed = threading.Event()
        self.over = False
        self.thread = threading.Thread(target=self.listen, args=(publish,), daemon=True)
        self.thread.start()
        assert self.subscribed.wait(10), "the server does not confirm the subscription"

    def listen(self, publish):
        socket = zmq.Context.instance().socket(zmq.SUB)
        socket.linger = 0
        socket.rcvhwm = 0
        socket.connect(publish)
        socket.subscribe(b"")
        while not self.over:
            if not socket.poll(200):
                continue
            data, now = socket.recv(), time.time()
            message = msgpack.unpackb(data)
            if message is None:
                self.subscribed.set()
            elif message["type"] == "events":
                with self.news:
                    self.seen += [(now, event) for event in message["body"]["list"]]
                    self.news.notify()
        socket.close()

    def wait_for(self, wanted, since=0, deadline=120):
        """Index, arrival and event of the first one from index `since` on that is `wanted(event)`."""
        end, at = time.monotonic() + deadline, since
        with self.news:
            while True:
                while at < len(self.seen):
                    arrival, event = self.seen[at]
                    if wanted(event):
                        return at, arrival, event
                    at += 1
                if not self.news.wait(max(0, end - time.monotonic())):
                    raise AssertionError(f"an event did not come within {deadline} s")

    def close(self):
        self.over = True
        self.thread.join()
