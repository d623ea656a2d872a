# SPDX-License-Identifier: MIT
"""timers.py - timers: N tasks sleep for 0 to 999 ms."""
import asyncio
import sys
import time

SPREAD_MS = 1000


async def main(n):
    start = time.monotonic_ns()
    slept = await asyncio.gather(*(asyncio.sleep(i % SPREAD_MS / 1000, 1) for i in range(n)))
    print(f"timers {(time.monotonic_ns() - start) / 1e6:.3f} ms {sum(slept)}")


asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100000))
