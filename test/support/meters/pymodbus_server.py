"""Modbus TCP server of Debian's python3-pymodbus: registers from one line of JSON on stdin, its port on stdout."""

import asyncio
import json
import socket
import sys

from pymodbus.datastore import ModbusServerContext, ModbusSlaveContext, ModbusSparseDataBlock

try:
    from pymodbus.server import StartAsyncTcpServer
except ImportError:
    from pymodbus.server.async_io import StartAsyncTcpServer


def block(registers):
    # Addresses in between answer zero, as those of real meters do; the rest of the range is not there.
    words = {address: 0 for address in range(0, 0x10000)}
    words.update({int(address): word for address, word in registers.items()})
    return ModbusSparseDataBlock(words)


async def main():
    tables = json.loads(sys.stdin.readline())
    store = ModbusSlaveContext(hr=block(tables["holding"]), ir=block(tables["input"]), zero_mode=True)
    probe = socket.socket()
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
    probe.close()
    context = ModbusServerContext(slaves=store, single=True)
    server = asyncio.ensure_future(StartAsyncTcpServer(context=context, address=("127.0.0.1", port)))
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            break
        except OSError:
            await asyncio.sleep(0.02)
    print(port, flush=True)
    await server


asyncio.run(main())
