#!/usr/bin/python3
"""A server as an instance runs it: tcp_server.py NAME PORT... listens on every address, IPv4 and
IPv6, greets each connection with a line of its name and port, and answers each line with the same
and that line. SIGTERM ends it when its last connection is closed."""

import asyncio
import signal
import socket
import sys

NAME, PORTS = sys.argv[1], [int(port) for port in sys.argv[2:]]
connections = set()
ending = asyncio.Event()


async def serve(reader, writer):
    connections.add(writer)
    greeting = f"{NAME} {writer.get_extra_info('sockname')[1]}"
    try:
        writer.write(f"{greeting}\n".encode())
        while line := await reader.readline():
            writer.write(f"{greeting} {line.decode()}".encode())
            await writer.drain()
    finally:
        connections.discard(writer)
        writer.close()


async def main():
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ending.set)
    for port in PORTS:
        listener = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True,
                                        backlog=512)
        await asyncio.start_server(serve, sock=listener)
    print(f"{NAME} listens on {PORTS}", flush=True)
    await ending.wait()
    while connections:
        await asyncio.sleep(0.05)


asyncio.run(main())
