"""Reads one ask per line as JSON, does what it says, and prints one line of JSON for each: a result, or the error raised."""

import asyncio
import json
import sys

LOOP = asyncio.new_event_loop()


def wait_for(coroutine):
    """One loop for all asks: the asynchronous clients are bound to theirs."""
    return LOOP.run_until_complete(coroutine)


def run(actions, raised):
    """`actions`: by name, what takes an ask and gives a result. `raised`: an SDK's error as members to print, else None."""
    for line in sys.stdin:
        ask = json.loads(line)
        try:
            print(json.dumps({"result": actions[ask["action"]](ask)}), flush=True)
        except Exception as error:
            told = raised(error)
            if told is None:
                raise
            classes = [parent.__name__ for parent in type(error).__mro__]
            print(json.dumps({"error": {"classes": classes, **told}}), flush=True)
