"""redis-py, blocking: one thread writes, one reads, one listens."""

import sys
import threading
import time

from redis import Redis
from redis.sentinel import Sentinel

import program
from program import KEY, MASTER_NAME, SENTINELS, TIMEOUT_S, say, say_error

stopping = threading.Event()


def again(where, pause, once):
    while not stopping.is_set():
        try:
            once()
        except Exception as error:
            if not stopping.is_set():
                say_error(where, error)
        time.sleep(pause)


def main():
    sentinel = Sentinel(
        SENTINELS,
        sentinel_kwargs={**program.options("SENTINEL"), "socket_timeout": TIMEOUT_S},
        socket_timeout=TIMEOUT_S,
        **program.options("REDIS"),
    )
    master = sentinel.master_for(MASTER_NAME)
    replica = sentinel.slave_for(MASTER_NAME)
    written = 0

    def write():
        nonlocal written
        written += 1
        master.set(KEY, written)
        say("write", n=written)

    def read():
        # In a pipeline both go to the same node.
        value, role = replica.pipeline(transaction=False).get(KEY).execute_command("ROLE").execute()
        if value is not None:
            say("read", n=int(value), role=role[0])

    def listen():
        host, port = SENTINELS[0]
        with Redis(host=host, port=port, **program.options("SENTINEL")).pubsub() as events:
            events.subscribe("+switch-master")
            for message in events.listen():
                if message["type"] == "subscribe":
                    say("listening")
                elif message["type"] == "message":
                    say("switched", payload=message["data"])

    tasks = [("write", program.WRITE_PAUSE_S, write), ("read", program.READ_PAUSE_S, read), ("listener", program.READ_PAUSE_S, listen)]
    for task in tasks:
        threading.Thread(target=again, args=task, daemon=True).start()
    sys.stdin.readline()
    stopping.set()
    master.close()
    replica.close()
    say("stopped")


main()
