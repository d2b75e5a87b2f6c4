import functools
import os

import anthropic

from journey import run, wait_for

URL = os.environ["YUMEN_URL"]
MESSAGES = [{"role": "user", "content": "Hi"}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"name": name, "input_schema": SCHEMA} for name in ("weather", "news")]


@functools.cache
def client_with(kind, key):
    return kind(api_key=key, base_url=URL, max_retries=0)


def client(ask):
    return client_with(anthropic.Anthropic, ask["key"])


def asked(ask, **more):
    tools = {"tools": TOOLS} if "tools" in ask["model"] else {}
    return {"model": ask["model"], "max_tokens": 1000, "messages": MESSAGES, **tools, **more}


def said_by(message):
    return {
        "text": "".join(block.text for block in message.content if block.type == "text"),
        "thinking": "".join(block.thinking for block in message.content if block.type == "thinking"),
        "calls": [{"name": block.name, "input": block.input} for block in message.content if block.type == "tool_use"],
        "stop": message.stop_reason,
        "model": message.model,
        "usage": [message.usage.input_tokens, message.usage.output_tokens],
    }


def whole(ask):
    message = client(ask).messages.create(**asked(ask))
    return {**said_by(message), "requestId": message._request_id}


def streamed(ask):
    with client(ask).messages.stream(**asked(ask)) as stream:
        message = stream.get_final_message()
        return {**said_by(message), "requestId": stream.request_id}


def events(ask):
    types = [event.type for event in client(ask).messages.create(**asked(ask, stream=True))]
    return {"first": types[0], "last": types[-1]}


def asynchronous(ask):
    async def collect():
        async with client_with(anthropic.AsyncAnthropic, ask["key"]).messages.stream(**asked(ask)) as stream:
            return await stream.get_final_message()

    return said_by(wait_for(collect()))


def bearer(ask):
    asker = anthropic.Anthropic(auth_token=ask["key"], base_url=URL, max_retries=0)
    return said_by(asker.messages.create(**asked(ask)))


def x_api_key(ask):
    headers = {"x-api-key": ask["key"], "authorization": anthropic.omit}
    asker = anthropic.Anthropic(api_key="unused", base_url=URL, max_retries=0, default_headers=headers)
    return said_by(asker.messages.create(**asked(ask)))


def others(ask):
    asker = client(ask)
    return {
        "counted": asker.messages.count_tokens(model=ask["model"], messages=MESSAGES).input_tokens,
        "listed": ask["model"] in [model.id for model in asker.models.list()],
        "retrieved": asker.models.retrieve(ask["model"]).id,
    }


def retrieve(ask):
    return {"id": client(ask).models.retrieve(ask["model"]).id}


def oversized(ask):
    return said_by(client(ask).messages.create(**{**asked(ask), "system": "x" * (1024 * 1024)}))


def raised(error):
    if not isinstance(error, anthropic.APIError):
        return None
    body = error.body if isinstance(error.body, dict) else {}
    return {
        "status": getattr(error, "status_code", None),
        "requestId": getattr(error, "request_id", None),
        "type": body.get("error", {}).get("type"),
        "message": error.message,
    }


ACTIONS = {
    "whole": whole,
    "streamed": streamed,
    "events": events,
    "async": asynchronous,
    "bearer": bearer,
    "x-api-key": x_api_key,
    "others": others,
    "retrieve": retrieve,
    "oversized": oversized,
}

run(ACTIONS, raised)
