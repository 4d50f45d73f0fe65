# SPDX-License-Identifier: MPL-2.0
"""Succeeds when all models named are ready at a server's port for REST.

Of a server as such that says little: MLServer calls itself ready before it has loaded any.

usage: ready.py ADDRESS:PORT MODEL ...
"""

import http.client
import sys


def ready(address, model):
    connection = http.client.HTTPConnection(address, timeout=2)
    try:
        connection.request("GET", f"/v2/models/{model}/ready")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    address, *models = sys.argv[1:]
    raise SystemExit(not all(ready(address, model) for model in models))
