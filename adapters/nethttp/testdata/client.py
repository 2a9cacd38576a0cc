"""Talks to the echo of clients_test.go with websockets and prints what it saw."""

import asyncio
import sys

import websockets

BASE = sys.argv[1]


async def talk():
    async with websockets.connect(BASE + "/echo", subprotocols=["v1", "v2"]) as ws:
        print("open", ws.subprotocol)
        await ws.send("text \u00e9")
        print("text", await ws.recv())
        await ws.send(b"\x00\x01\xff")
        print("binary", (await ws.recv()).hex())
        await ws.send("close me")
        try:
            await ws.recv()
        except websockets.ConnectionClosed as closed:
            print("closed", closed.rcvd.code, closed.rcvd.reason)


async def leave():
    ws = await websockets.connect(BASE + "/left")
    await ws.close(4002, "had enough")
    print("left", ws.close_code)


async def denied():
    try:
        await websockets.connect(BASE + "/denied")
    except websockets.InvalidHandshake as refusal:
        status = getattr(refusal, "status_code", None) or refusal.response.status_code
        print("denied", status)


async def main():
    await talk()
    await leave()
    await denied()


asyncio.run(main())
