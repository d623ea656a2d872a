# SPDX-License-Identifier: MIT
"""fetch.py - fetch: aiohttp gets the pages of a list, so many at a time: fetch.py FILE CONCURRENCY."""
import asyncio
import sys

import aiohttp


async def worker(session, urls):
    for url in urls:
        async with session.get(url) as response:
            body = await response.read()
            print(f"Fetched {len(body)} bytes from {url}")


async def main(path, concurrency):
    connector = aiohttp.TCPConnector(limit=concurrency)
    with open(path) as f:
        urls = (line.strip() for line in f)
        async with aiohttp.ClientSession(connector=connector) as session:
            await asyncio.gather(*(worker(session, urls) for _ in range(concurrency)))


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
