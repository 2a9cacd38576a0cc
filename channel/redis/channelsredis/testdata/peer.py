"""A Channels program for tests: it does what it is told by lines of JSON, and tells what it receives."""
import asyncio
import base64
import json
import sys

from django.conf import settings

options = json.loads(sys.argv[1])
settings.configure(
    CHANNEL_LAYERS={"default": {"BACKEND": options["backend"], "CONFIG": options["config"]}}, SECRET_KEY="x"
)

import channels_redis.core
import channels_redis.pubsub
import cryptography.fernet
from asgiref.testing import ApplicationCommunicator
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.layers import get_channel_layer


class Newer:
    """What channels_redis 4.2.1 and later write: JSON, encryption for pub/sub too, and a shorter random prefix."""

    noise = kept = 0

    def serialize(self, message):
        value = super().serialize(message)[self.noise :]
        if options.get("json"):
            value = json.dumps(message).encode()
        if crypter:
            value = crypter.encrypt(value)
        return super().serialize(message)[: self.kept] + value

    def deserialize(self, message):
        message = bytes(message)[self.kept :]
        if crypter:
            message = crypter.decrypt(message)
        if options.get("json"):
            return json.loads(message)
        return super().deserialize(b"." * self.noise + message)


class PubSub(Newer, channels_redis.pubsub.RedisPubSubChannelLayer):
    pass


class Core(Newer, channels_redis.core.RedisChannelLayer):
    noise = 12
    kept = options.get("random_prefix", 12)


make = channels_redis.core.RedisChannelLayer.make_fernet
keys = [make(None, key) for key in options.get("keys", [])]
crypter = cryptography.fernet.MultiFernet(keys) if keys else None


def tell(**event):
    print(json.dumps(event, default=lambda b: {"base64": base64.b64encode(b).decode()}), flush=True)


def told(value):
    """Bytes are written {"base64": ...} in a command."""
    if isinstance(value, dict):
        return base64.b64decode(value["base64"]) if list(value) == ["base64"] else {k: told(v) for k, v in value.items()}
    return [told(v) for v in value] if isinstance(value, list) else value


class Consumer(AsyncJsonWebsocketConsumer):
    async def connect(self):
        await self.channel_layer.group_add(self.scope["group"], self.channel_name)
        await self.accept()
        await self.send_json({"channel": self.channel_name})

    async def chat_line(self, event):
        await self.send_json({"handled": event["line"]})


class Peer:
    def __init__(self):
        self.layer = get_channel_layer()
        self.tasks = []

    async def open(self, groups=(), name=None):
        if not name:
            name = await self.layer.new_channel()
            await self.subscribed(name, 1)
        for group in groups:
            before = await self.subscribers(group)
            await self.layer.group_add(group, name)
            await self.subscribed(group, before + 1)
        self.tasks.append(asyncio.ensure_future(self.receive(name)))
        return name

    async def absent(self, group):
        """Is a member that does not receive."""
        await self.layer.group_add(group, await self.layer.new_channel())

    async def subscribers(self, name):
        """Asks Redis, of pub/sub: group_add there returns when it has only asked to subscribe."""
        if "pubsub" not in options["backend"].lower():
            return 0
        layer = self.layer._get_layer()
        key = name if name in layer.channels else layer._get_group_channel_name(name)
        shard = layer._get_shard(key)
        shard._ensure_redis()
        return dict(await shard._redis.pubsub_numsub(key))[key.encode()]

    async def subscribed(self, name, count):
        while "pubsub" in options["backend"].lower() and await self.subscribers(name) < count:
            await asyncio.sleep(0.01)

    async def receive(self, name):
        while True:
            try:
                message = await self.layer.receive(name)
                tell(name=name, message=message)
            except Exception as error:  # the host is lost
                if "InvalidToken" in repr(error):
                    tell(name=name, invalid=True)
                await asyncio.sleep(0.05)

    async def consumer(self, group):
        async def with_group(scope, receive, send):
            return await Consumer.as_asgi()(dict(scope, group=group), receive, send)

        socket = ApplicationCommunicator(with_group, {"type": "websocket", "path": "/"})
        await socket.send_input({"type": "websocket.connect"})
        assert (await socket.receive_output())["type"] == "websocket.accept"
        first = json.loads((await socket.receive_output())["text"])
        self.tasks.append(asyncio.ensure_future(self.forward(socket)))
        await self.subscribed(first["channel"], 1)
        await self.subscribed(group, 1)
        return first["channel"]

    async def forward(self, socket):
        while True:
            output = await socket.receive_output(timeout=600)
            tell(name="socket", message=json.loads(output["text"]))

    async def group_send(self, group, message, count=0):
        for i in range(count):
            await self.layer.group_send(group, dict(told(message), n=i))
        if not count:
            await self.layer.group_send(group, told(message))

    async def send(self, name, message, count=0):
        for i in range(count):
            await self.layer.send(name, dict(told(message), n=i))
        if not count:
            await self.layer.send(name, told(message))

    async def publish(self, name, data):
        """Writes to Redis past the layer."""
        from redis import asyncio as aioredis

        host = options["config"]["hosts"][0]
        redis = aioredis.Redis.from_url(host)
        if "pubsub" in options["backend"].lower():
            await redis.publish(name, told(data))
        else:
            await redis.zadd(name, {told(data): 1})
        await redis.close()


async def main():
    peer = Peer()
    loop = asyncio.get_running_loop()
    while True:
        line = await loop.run_in_executor(None, sys.stdin.readline)
        if not line:
            break
        command = json.loads(line)
        do = getattr(peer, command.pop("do"))
        try:
            tell(did=await do(**command))
        except Exception as error:
            tell(did=None, error=repr(error))
    for task in peer.tasks:
        task.cancel()


if __name__ == "__main__":
    sys.modules["peer"] = sys.modules["__main__"]
    asyncio.run(main())
