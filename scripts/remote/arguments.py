# SPDX-License-Identifier: MPL-2.0
"""What a server of ONNX models is told on its command line."""

import argparse


def parse(description):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", default="127.0.0.1", help="where it listens")
    for port in ("grpc", "http", "metrics"):
        parser.add_argument(f"--{port}", type=int, required=True, metavar="PORT")
    parser.add_argument("--max-message", type=int, metavar="BYTES", help="the longest gRPC message, where the server has such a setting")
    parser.add_argument("models", nargs="+", metavar="MODEL.onnx", help="with jpeg: before it, a decoder before the model")
    return parser.parse_args()
