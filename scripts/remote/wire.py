# SPDX-License-Identifier: MPL-2.0
"""A line between two network devices that it makes: what goes into one comes out of the other after half a round trip.

Says so when both are there, and goes on until it is ended. Packets keep their order; none is lost, and no rate is held.

usage: wire.py MILLISECONDS DEVICE DEVICE
"""

import collections
import fcntl
import os
import select
import struct
import sys
import time

TUNSETIFF = 0x400454CA
# A device of packets of IP, without a header of the kernel's.
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
LONGEST_PACKET = 65536


def device(name):
    file = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(file, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return file


def take(file, way, delay):
    """Takes all packets that have come."""
    try:
        while True:
            packet = os.read(file, LONGEST_PACKET)
            way.append((time.monotonic() + delay, packet))
    except BlockingIOError:
        pass


def give(file, way, now):
    """Hands on the packets whose time has come."""
    while way and way[0][0] <= now:
        try:
            os.write(file, way.popleft()[1])
        except OSError:
            # The device is down: the packet is lost, as on a line that is cut.
            pass


def main():
    delay = float(sys.argv[1]) / 2000
    near, far = device(sys.argv[2]), device(sys.argv[3])
    ways = [(near, far, collections.deque()), (far, near, collections.deque())]
    print("there", flush=True)
    while True:
        now = time.monotonic()
        for _, into, way in ways:
            give(into, way, now)
        due = [way[0][0] for _, _, way in ways if way]
        ready, _, _ = select.select([near, far], [], [], max(min(due) - time.monotonic(), 0) if due else None)
        for out_of, _, way in ways:
            if out_of in ready:
                take(out_of, way, delay)


if __name__ == "__main__":
    main()
