"""The chat's load generator: a process of its own, one loop over all sockets, no library.

``python -m benchmarks.chatload`` reads what to do from its input and writes what it measured, both JSON.
Who sends what is order by each message's body: a letter for the side, and when it was sent.
"""

from __future__ import annotations

import json
import os
import resource
import selectors
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import websocket

_BODY = b'"body":"'
MICRO = 1_000_000
DRAIN = 5.0  # seconds after the end in which late ones still count as delivered


@dataclass
class Peer:
    """One connection: a side of a conversation.

    Args:
        side: ``v`` or ``a``.
        packet: what it sends, without the changing parts.
        every: seconds between its messages; 0: the next as soon as the last is acknowledged.
    """

    side: str
    namespace: str
    packet: dict[str, Any]
    every: float
    sock: socket.socket
    frames: websocket.Frames
    number: int = 0
    next_at: float = 0.0
    waiting: bool = False
    template: tuple[str, str, str] = field(default=("", "", ""))

    def __post_init__(self) -> None:
        text = json.dumps({**self.packet, "client_id": "@id@", "body": "@body@"}, separators=(",", ":"))
        before, rest = text.split("@id@")
        between, after = rest.split("@body@")
        self.template = (before, between, after)

    def say(self, now: float) -> None:
        """Send the next message."""
        self.number += 1
        before, between, after = self.template
        body = f"{self.side}{int(now * MICRO)}"  # digits after a letter are no PIN to anybody
        event = (
            f'42{self.namespace},{self.number}["message:send",{before}{self.side}{self.number}{between}{body}{after}]'
        )
        self.waiting = True
        self.sock.sendall(websocket.frame(event))


@dataclass
class Count:
    """What happened."""

    sent: int = 0
    acknowledged: int = 0
    refused: int = 0
    delivered: int = 0
    processor: float = 0.0  # seconds that the watched processes used meanwhile
    latencies: list[float] = field(default_factory=list)


def connect(order: dict[str, Any]) -> Peer:
    """Open one connection and join its namespace."""
    sock, rest = websocket.connect(order["url"] + "/socket.io/?EIO=4&transport=websocket", order["headers"], timeout=60)
    peer = Peer(order["side"], order["namespace"], order["packet"], order["every"], sock, websocket.Frames(rest))
    sock.sendall(websocket.frame(f"40{order['namespace']},{json.dumps(order['auth'])}"))
    _until(peer, f"40{order['namespace']},".encode())
    for event in order.get("first", ()):
        sock.sendall(websocket.frame(f"42{order['namespace']},{json.dumps(event)}".replace(",[", ",900000[", 1)))
        _until(peer, f"43{order['namespace']},900000".encode())
    return peer


def _until(peer: Peer, beginning: bytes) -> None:
    while True:
        for _opcode, payload in peer.frames.take():
            if payload.startswith(beginning):
                return
            if payload.startswith(b"44"):
                raise RuntimeError(payload.decode())
        data = peer.sock.recv(65_536)
        if not data:
            raise RuntimeError("closed")
        peer.frames.feed(data)


def processor_of(processes: Sequence[int]) -> float:
    """Return the seconds of processor that these have used: utime, stime of proc(5)."""
    used = 0
    for process in processes:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        used += int(fields[11]) + int(fields[12])
    return used / os.sysconf("SC_CLK_TCK")


def talk(peers: list[Peer], seconds: float, warm_up: float, *, latencies: bool, watched: Sequence[int] = ()) -> Count:
    """Let all speak for ``seconds``; what is delivered in that time counts, and what the watched processes use."""
    selector = selectors.DefaultSelector()
    for peer in peers:
        peer.sock.setblocking(False)
        selector.register(peer.sock, selectors.EVENT_READ, peer)
    count = Count()
    begun = now = time.monotonic()
    measured_from, end = begun + warm_up, begun + warm_up + seconds
    _begin(peers, begun)
    paced = [peer for peer in peers if peer.every]
    before = after = 0.0
    while now < end + DRAIN and (now < end or count.delivered < count.sent):
        if now < end:
            _speak(paced, now, measured_from, count)
        for key, _events in selector.select(0.002):
            _read(key.data, count, measured_from, end, latencies=latencies)
        now = time.monotonic()
        if now >= measured_from and not before:
            before = processor_of(watched)
        if now >= end and not after:
            after = processor_of(watched)
    count.processor = after - before
    for peer in peers:
        peer.sock.close()
    return count


def _begin(peers: list[Peer], begun: float) -> None:
    for place, peer in enumerate(peers):
        peer.next_at = begun + peer.every * place / len(peers)
        if not peer.every:
            peer.say(begun)


def _speak(paced: list[Peer], now: float, measured_from: float, count: Count) -> None:
    for peer in paced:
        if peer.next_at <= now and not peer.waiting:
            peer.next_at += peer.every
            count.sent += now >= measured_from
            peer.say(now)


def _read(peer: Peer, count: Count, measured_from: float, end: float, *, latencies: bool) -> None:
    try:
        peer.frames.feed(peer.sock.recv(262_144))
    except BlockingIOError:
        return
    for _opcode, payload in peer.frames.take():
        kind = payload[:2]
        if kind == b"42":
            _delivered(peer, payload, count, measured_from, end, latencies=latencies)
        elif kind == b"43":
            _acknowledged(peer, payload, count, measured_from, end)
        elif payload == b"2":
            peer.sock.sendall(websocket.frame("3"))


def _delivered(peer: Peer, payload: bytes, count: Count, measured_from: float, end: float, *, latencies: bool) -> None:
    at = payload.find(_BODY)
    if at < 0:
        return
    at += len(_BODY)
    if payload[at : at + 1] == peer.side.encode() or payload[at : at + 1] not in (b"a", b"v"):
        return  # one's own, or no message of ours
    sent_at = int(payload[at + 1 : payload.index(b'"', at)]) / MICRO
    now = time.monotonic()
    if latencies:
        if measured_from <= sent_at < end:
            count.delivered += 1
            count.latencies.append(now - sent_at)
    elif measured_from <= now < end:
        count.delivered += 1


def _acknowledged(peer: Peer, payload: bytes, count: Count, measured_from: float, end: float) -> None:
    peer.waiting = False
    now = time.monotonic()
    if b'"ok":true' in payload:
        count.acknowledged += measured_from <= now < end
    else:
        count.refused += 1
    if not peer.every and now < end:
        peer.say(now)


def main() -> None:
    """Do what the input says."""
    order = json.load(sys.stdin)
    begun = time.monotonic()
    peers = [connect(one) for one in order["peers"]]
    connecting = time.monotonic() - begun
    answer: dict[str, Any] = {"connecting": connecting}
    if order["mode"] == "connect":
        print(json.dumps(answer), flush=True)  # noqa: T201  (the answer)
        time.sleep(order["hold"])
        return
    cpu, wall = time.process_time(), time.monotonic()
    count = talk(
        peers, order["seconds"], order["warm_up"], latencies=order["mode"] == "latency", watched=order["watched"]
    )
    answer |= {
        "sent": count.sent,
        "acknowledged": count.acknowledged,
        "refused": count.refused,
        "delivered": count.delivered,
        "processor": count.processor,
        "latencies": sorted(count.latencies),
        "busy": (time.process_time() - cpu) / (time.monotonic() - wall),
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }
    print(json.dumps(answer))  # noqa: T201  (the answer)


if __name__ == "__main__":
    main()
