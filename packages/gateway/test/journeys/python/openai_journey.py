import functools
import os

import openai

from journey import run, wait_for

URL = os.environ["YUMEN_URL"] + "/v1"
MESSAGES = [{"role": "user", "content": "Hi"}]
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"type": "function", "function": {"name": name, "parameters": PARAMETERS}} for name in ("weather", "news")]


@functools.cache
def client_with(kind, key):
    return kind(api_key=key, base_url=URL, max_retries=0)


def client(ask):
    return client_with(openai.OpenAI, ask["key"])


def chat(ask, **more):
    tools = {"tools": TOOLS} if "tools" in ask["model"] else {}
    return {"model": ask["model"], "messages": MESSAGES, **tools, **more}


def whole(ask):
    answer = client(ask).chat.completions.create(**chat(ask))
    message = answer.choices[0].message
    calls = [{"name": call.function.name, "arguments": call.function.arguments} for call in message.tool_calls or []]
    return {
        "text": message.content or "",
        "calls": calls,
        "finish": answer.choices[0].finish_reason,
        "model": answer.model,
        "usage": answer.usage.total_tokens,
        "requestId": answer._request_id,
    }


def fold(chunks):
    said = {"text": "", "calls": [], "finish": None, "usage": None, "models": []}
    for chunk in chunks:
        if chunk.model not in said["models"]:
            said["models"].append(chunk.model)
        if chunk.usage is not None:
            said["usage"] = chunk.usage.total_tokens
        for choice in chunk.choices:
            said["text"] += choice.delta.content or ""
            said["finish"] = choice.finish_reason or said["finish"]
            for piece in choice.delta.tool_calls or []:
                while len(said["calls"]) <= piece.index:
                    said["calls"].append({"name": "", "arguments": ""})
                said["calls"][piece.index]["name"] += piece.function.name or ""
                said["calls"][piece.index]["arguments"] += piece.function.arguments or ""
    return said


def streamed(ask):
    options = {"stream_options": {"include_usage": True}} if ask.get("usage") else {}
    return fold(client(ask).chat.completions.create(**chat(ask, stream=True, **options)))


def asynchronous(ask):
    async def collect():
        asker = client_with(openai.AsyncOpenAI, ask["key"])
        return [chunk async for chunk in await asker.chat.completions.create(**chat(ask, stream=True))]

    return fold(wait_for(collect()))


def responses_whole(ask):
    answer = client(ask).responses.create(model=ask["model"], input="Hi")
    return {"text": answer.output_text, "status": answer.status, "model": answer.model, "requestId": answer._request_id}


def responses_streamed(ask):
    with client(ask).responses.stream(model=ask["model"], input="Hi") as stream:
        types = [event.type for event in stream]
        final = stream.get_final_response()
    return {"text": final.output_text, "status": final.status, "model": final.model, "last": types[-1]}


def responses_events(ask):
    events = list(client(ask).responses.create(model=ask["model"], input="Hi", stream=True))
    last = events[-1]
    return {"last": last.type, "code": last.response.error.code if last.response.error else None}


def embeddings(ask):
    answer = client(ask).embeddings.create(model=ask["model"], input=["a", "b"])
    return {"lengths": [len(row.embedding) for row in answer.data], "model": answer.model}


def others(ask):
    asker = client(ask)
    return {
        "legacy": asker.completions.create(model=ask["model"], prompt="Hi").choices[0].text,
        "flagged": asker.moderations.create(input="such violence").results[0].flagged,
        "listed": ask["model"] in [model.id for model in asker.models.list()],
        "retrieved": asker.models.retrieve(ask["model"]).id,
    }


def retrieve(ask):
    return {"id": client(ask).models.retrieve(ask["model"]).id}


def oversized(ask):
    messages = [{"role": "user", "content": "x" * (1024 * 1024)}]
    return {"model": client(ask).chat.completions.create(model=ask["model"], messages=messages).model}


def raised(error):
    if not isinstance(error, openai.APIError):
        return None
    return {
        "status": getattr(error, "status_code", None),
        "requestId": getattr(error, "request_id", None),
        "type": error.type,
        "code": error.code,
        "message": error.message,
    }


ACTIONS = {
    "whole": whole,
    "streamed": streamed,
    "async": asynchronous,
    "responses": responses_whole,
    "responses-streamed": responses_streamed,
    "responses-events": responses_events,
    "embeddings": embeddings,
    "others": others,
    "retrieve": retrieve,
    "oversized": oversized,
}

run(ACTIONS, raised)
