# SPDX-License-Identifier: MIT
"""ask.py - ask: a task asks another N times; the question carries a future for its answer."""
import asyncio
import sys
import time


async def successor(mailbox):
    while True:
        n, reply = await mailbox.get()
        reply.set_result(n + 1)


async def ask_many(mailbox, n):
    loop = asyncio.get_running_loop()
    total = 0
    for i in range(n):
        reply = loop.create_future()
        mailbox.put_nowait((i, reply))
        total += await reply
    return total


async def main(n):
    mailbox = asyncio.Queue()
    server = asyncio.create_task(successor(mailbox))
    await ask_many(mailbox, n // 10)
    start = time.monotonic_ns()
    total = await ask_many(mailbox, n)
    print(f"ask {(time.monotonic_ns() - start) / n:.3f} ns {total}")
    server.cancel()


asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 500000))
