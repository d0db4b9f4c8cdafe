"""What both programs share: their orders from the environment, their lines to the driver (see ../program.ts), the end."""

import json
import os
import sys
import threading

WRITE_PAUSE_S = 0.02
READ_PAUSE_S = 0.05
# Longer than this no answer is awaited: a hung server refuses, too.
TIMEOUT_S = 2

KEY = os.environ["KEY"]
MASTER_NAME = os.environ["MASTER_NAME"]
SENTINELS = [(host, int(port)) for host, port in (each.split(":") for each in os.environ["SENTINELS"].split(","))]

_lock = threading.Lock()


def say(event, **fields):
    """Tell the driver."""
    with _lock:
        sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
        sys.stdout.flush()


def say_error(where, error):
    """An error is told, never thrown: whether it may happen is for the driver to judge."""
    say("error", where=where, text=f"{type(error).__name__}: {error}")


def options(server):
    """Keyword arguments for connections to SENTINEL or REDIS, as the environment asks for them."""
    asked = {
        "username": os.environ.get(f"{server}_USERNAME"),
        "password": os.environ.get(f"{server}_PASSWORD"),
        "ssl_ca_certs": os.environ.get("TLS_CA"),
        "ssl_certfile": os.environ.get("TLS_CERT"),
        "ssl_keyfile": os.environ.get("TLS_KEY"),
    }
    given = {name: value for name, value in asked.items() if value is not None}
    if "ssl_ca_certs" in given:
        given["ssl"] = True
    return {**given, "protocol": int(os.environ["PROTOCOL"]), "decode_responses": True}
