"""aiohttp, with a session that keeps its connections."""

import asyncio
import os

import aiohttp

PATH = "/secretsmanager/get?secretId="
HEADERS = {"X-Aws-Parameters-Secrets-Token": os.environ["AWS_SESSION_TOKEN"]}


async def get(session: aiohttp.ClientSession, name: str) -> tuple[int, str]:
    async with session.get(PATH + name) as response:
        return response.status, await response.text()


async def read(session: aiohttp.ClientSession) -> None:
    status, body = await get(session, "example/plain")
    assert status == 200 and '"SecretString":"not-a-secret"' in body, body


async def main() -> None:
    async with aiohttp.ClientSession(f"http://localhost:{os.environ['PORT']}", headers=HEADERS) as session:
        await read(session)
        await read(session)
        status, body = await get(session, "missing")
        assert status == 400 and body.startswith("an unexpected error occurred while executing request"), body
        await asyncio.gather(*(read(session) for _ in range(64)))
        for _ in range(200):
            await read(session)


asyncio.run(main())
