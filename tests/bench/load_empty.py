"""A grpc.aio server whose handlers do nothing: what the machine and the library leave to anyone. `python load_empty.py`
prints its address."""

import asyncio
import sys
import time

import grpc

EVERY_S = 0.5


async def _unary(request: bytes, context: grpc.aio.ServicerContext) -> bytes:
    return b""


async def _stream(request: bytes, context: grpc.aio.ServicerContext):
    """All streams send at the same moments: the time when they should have."""
    moment = time.time()
    while True:
        moment += EVERY_S - moment % EVERY_S
        await asyncio.sleep(moment - time.time())
        yield b"%.6f" % moment


async def _serve() -> None:
    handlers = {"Unary": grpc.unary_unary_rpc_method_handler(_unary), "Stream": grpc.unary_stream_rpc_method_handler(_stream)}
    server = grpc.aio.server()
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("empty", handlers)])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"127.0.0.1:{port}", flush=True)
    await asyncio.to_thread(sys.stdin.read)  # until who started this closes it


if __name__ == "__main__":
    asyncio.run(_serve())
