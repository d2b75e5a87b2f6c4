import functools
import os

from google import genai
from google.genai import errors, types

from journey import run, wait_for

URL = os.environ["YUMEN_URL"]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [
    types.Tool(
        function_declarations=[
            types.FunctionDeclaration(name=name, parameters_json_schema=SCHEMA) for name in ("weather", "news")
        ]
    )
]


@functools.cache
def client_with(key):
    """A client that nobody holds any more closes its connections, amid an answer too."""
    return genai.Client(api_key=key, http_options=types.HttpOptions(base_url=URL))


def client(ask):
    return client_with(ask["key"])


def asked(ask):
    config = types.GenerateContentConfig(tools=TOOLS) if "tools" in ask["model"] else None
    return {"model": ask["model"], "contents": "Hi", "config": config}


def nothing():
    return {"text": "", "thoughts": "", "calls": [], "finish": None, "model": None, "usage": None}


def add(said, answer):
    for candidate in answer.candidates or []:
        for part in (candidate.content.parts if candidate.content else None) or []:
            if part.function_call is not None:
                said["calls"].append({"name": part.function_call.name, "args": part.function_call.args})
            else:
                said["thoughts" if part.thought else "text"] += part.text or ""
        if candidate.finish_reason is not None:
            said["finish"] = candidate.finish_reason.value
    said["model"] = answer.model_version
    said["usage"] = answer.usage_metadata.total_token_count if answer.usage_metadata else said["usage"]
    return said


def whole(ask):
    answer = client(ask).models.generate_content(**asked(ask))
    return {**add(nothing(), answer), "requestId": answer.sdk_http_response.headers.get("x-request-id")}


def streamed(ask):
    said = nothing()
    for chunk in client(ask).models.generate_content_stream(**asked(ask)):
        add(said, chunk)
    return said


def asynchronous(ask):
    async def collect():
        said = nothing()
        async for chunk in await client(ask).aio.models.generate_content_stream(**asked(ask)):
            add(said, chunk)
        return said

    return wait_for(collect())


def others(ask):
    asker = client(ask)
    model = ask["model"]
    return {
        "counted": asker.models.count_tokens(model=model, contents="Hi").total_tokens,
        "lengths": [len(row.values) for row in asker.models.embed_content(model=model, contents=["a", "b"]).embeddings],
        "listed": f"models/{model}" in [row.name for row in asker.models.list()],
        "retrieved": asker.models.get(model=model).name,
    }


def retrieve(ask):
    return {"name": client(ask).models.get(model=ask["model"]).name}


def oversized(ask):
    return add(nothing(), client(ask).models.generate_content(model=ask["model"], contents="x" * (1024 * 1024)))


def raised(error):
    if not isinstance(error, errors.APIError):
        return None
    return {"status": error.code, "type": error.status, "message": error.message}


ACTIONS = {
    "whole": whole,
    "streamed": streamed,
    "async": asynchronous,
    "others": others,
    "retrieve": retrieve,
    "oversized": oversized,
}

run(ACTIONS, raised)
