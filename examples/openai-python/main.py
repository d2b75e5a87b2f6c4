import os

from openai import OpenAI

client = OpenAI(
    base_url=os.environ.get("YUMEN_URL", "http://localhost:3000") + "/v1",
    api_key=os.environ["YUMEN_KEY"],
)

stream = client.chat.completions.create(
    model=os.environ.get("YUMEN_MODEL", "gpt-4o-mini"),
    messages=[{"role": "user", "content": "Say hello."}],
    stream=True,
)
for chunk in stream:
    if chunk.choices and chunk.choices[0].delta.content:
        print(chunk.choices[0].delta.content, end="", flush=True)
print()
