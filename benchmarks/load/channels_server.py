"""A server of Django Channels whose clients are members of one group.

It takes the orders that the servers of package load take, on its standard input, and
answers each with a number; the first number that it says is its port.
"""

import asyncio
import os
import platform
import resource
import socket
import sys

import channels
import channels_redis
import django
import uvicorn
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from django.conf import settings

try:
    import uvloop
except ImportError:
    uvloop = None

LAYERS = {
    "channels/pubsub": "channels_redis.pubsub.RedisPubSubChannelLayer",
    "channels/core": "channels_redis.core.RedisChannelLayer",
}
GROUP = "all"
members = 0
news = 0


class Member(AsyncWebsocketConsumer):
    """The chat consumer of Channels' tutorial, without what clients say."""

    async def connect(self):
        global members
        await self.channel_layer.group_add(GROUP, self.channel_name)
        await self.accept()
        members += 1

    async def disconnect(self, code):
        await self.channel_layer.group_discard(GROUP, self.channel_name)

    async def news(self, event):
        await self.send(text_data=event["data"])


async def publish(count, size):
    global news
    layer = get_channel_layer()
    for _ in range(count):
        data = f'"@{news:09d}'.ljust(size - 1, "x") + '"'
        await layer.group_send(GROUP, {"type": "news", "data": data})
        news += 1


async def obey(order, numbers):
    if order == "cpu":
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return int((usage.ru_utime + usage.ru_stime) * 1e9)
    if order == "members":
        return members
    if order == "publish":
        await publish(numbers[0], numbers[1])
    return 0


async def take_orders(port):
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    print(port, flush=True)
    while line := await reader.readline():
        order, *numbers = line.decode().split()
        print(await obey(order, [int(number) for number in numbers]), flush=True)
    os._exit(0)


async def serve():
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        Member.as_asgi(), lifespan="off", log_level="warning", ws="websockets", ws_ping_interval=None
    )
    server = uvicorn.Server(config)
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    await take_orders(listener.getsockname()[1])
    await serving


def main():
    if sys.argv[1:] == ["version"]:
        loop = f"uvloop {uvloop.__version__}" if uvloop else "asyncio"
        print(
            f"Django {django.__version__}, channels {channels.__version__}, channels_redis"
            f" {channels_redis.__version__}, uvicorn {uvicorn.__version__} with websockets on {loop},"
            f" Python {platform.python_version()}"
        )
        return
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(os.environ["PARLEY_LOAD_CORE"])})
    config = {"hosts": ["redis://" + os.environ["PARLEY_LOAD_BROKER"]]}
    kind = os.environ["PARLEY_LOAD_SERVER"]
    if kind == "channels/core":  # 100 unless told otherwise; beyond it messages are dropped
        config["capacity"] = 10_000
    settings.configure(CHANNEL_LAYERS={"default": {"BACKEND": LAYERS[kind], "CONFIG": config}})
    django.setup()
    if uvloop:
        uvloop.install()
    asyncio.run(serve())


main()
