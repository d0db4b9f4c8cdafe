"""redis-py with asyncio: three tasks write, read and listen."""

import asyncio
import sys

from redis.asyncio import Redis
from redis.asyncio.sentinel import Sentinel

import program
from program import KEY, MASTER_NAME, SENTINELS, TIMEOUT_S, say, say_error


async def again(where, pause, once):
    while True:
        try:
            await once()
        except Exception as error:
            say_error(where, error)
        await asyncio.sleep(pause)


async def main():
    sentinel = Sentinel(
        SENTINELS,
        sentinel_kwargs={**program.options("SENTINEL"), "socket_timeout": TIMEOUT_S},
        socket_timeout=TIMEOUT_S,
        **program.options("REDIS"),
    )
    master = sentinel.master_for(MASTER_NAME)
    replica = sentinel.slave_for(MASTER_NAME)
    written = 0

    async def write():
        nonlocal written
        written += 1
        await master.set(KEY, written)
        say("write", n=written)

    async def read():
        # In a pipeline both go to the same node.
        value, role = await replica.pipeline(transaction=False).get(KEY).execute_command("ROLE").execute()
        if value is not None:
            say("read", n=int(value), role=role[0])

    async def listen():
        host, port = SENTINELS[0]
        async with Redis(host=host, port=port, **program.options("SENTINEL")).pubsub() as events:
            await events.subscribe("+switch-master")
            async for message in events.listen():
                if message["type"] == "subscribe":
                    say("listening")
                elif message["type"] == "message":
                    say("switched", payload=message["data"])

    tasks = [
        asyncio.create_task(again("write", program.WRITE_PAUSE_S, write)),
        asyncio.create_task(again("read", program.READ_PAUSE_S, read)),
        asyncio.create_task(again("listener", program.READ_PAUSE_S, listen)),
    ]
    await asyncio.to_thread(sys.stdin.readline)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await master.aclose()
    await replica.aclose()
    say("stopped")


asyncio.run(main())
