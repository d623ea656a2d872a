# SPDX-License-Identifier: MIT
"""skynet.py - skynet: a tree of tasks, ten to each branch, N leaves, gathered on the way back."""
import asyncio
import sys
import time

WAYS = 10


async def branch(first, leaves):
    if leaves == 1:
        return first
    part = leaves // WAYS
    return sum(await asyncio.gather(*(branch(first + i * part, part) for i in range(WAYS))))


async def main(n):
    start = time.monotonic_ns()
    total = await branch(0, n)
    print(f"skynet {(time.monotonic_ns() - start) / 1e6:.3f} ms {total}")


asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000000))
