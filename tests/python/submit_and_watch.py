"""Pays bob 1.00 EUR with nothing but the protos, a signature and gRPC, and watches until it ends.

Usage: submit_and_watch.py ENGINE KEYFILE PARTY
The key file holds a hex seed, as `clearlane keys new` writes it. Prints how the intent ended.
"""

import importlib
import os
import pathlib
import sys
import tempfile

import grpc
import grpc_tools
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from grpc_tools import protoc

PROTOS = pathlib.Path(__file__).resolve().parents[2] / "proto" / "proto"
WATCH_SECONDS_MAX = 30
HOUR_NS = 3_600_000_000_000


def compile_protos(folder):
    """Generates the Python modules of the contract into a folder and makes them importable."""
    files = [str(path) for path in sorted(PROTOS.glob("clearlane/v1/*.proto"))]
    well_known = pathlib.Path(grpc_tools.__file__).parent / "_proto"
    paths = [f"-I{PROTOS}", f"-I{well_known}", f"--python_out={folder}", f"--grpc_python_out={folder}"]
    if protoc.main(["protoc", *paths, *files]) != 0:
        sys.exit("expected protos that compile")
    sys.path.insert(0, folder)


def new_id(time_ns):
    """A UUIDv7 of the engine's time."""
    random = bytearray(os.urandom(10))
    random[0] = 0x70 | random[0] & 0x0F
    random[2] = 0x80 | random[2] & 0x3F
    return (time_ns // 1_000_000).to_bytes(6, "big") + bytes(random)


def main(engine, key_file, party):
    """Submits one payment and watches it."""
    with tempfile.TemporaryDirectory() as folder:
        compile_protos(folder)
        names = ("command_pb2", "intent_pb2", "intent_service_pb2", "intent_service_pb2_grpc")
        command, intent, service, stubs = (importlib.import_module(f"clearlane.v1.{name}") for name in names)
        log, logs = (importlib.import_module(f"clearlane.v1.log_service_pb2{end}") for end in ("", "_grpc"))
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(pathlib.Path(key_file).read_text().strip()))
    with grpc.insecure_channel(engine) as channel:
        now = logs.LogServiceStub(channel).Status(log.StatusRequest()).time_ns
        side = intent.Side(asset="EUR", module="bank", amount=intent.Amount(asset="EUR", decimal="1.00"))
        wanted = intent.Intent(
            kind=intent.KIND_EXACT_IN,
            options=[intent.Option(give=side, get=side)],
            payee="bob",
            deadline_ns=now + HOUR_NS,
        )
        asked = command.Command(id=new_id(now), intent=wanted)
        payload = command.Envelope(party=party, commands=[asked.SerializeToString()]).SerializeToString()
        signed = command.SignedEnvelope(
            payload=payload,
            key=key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw),
            signature=key.sign(b"clearlane.v1.envelope\0" + payload),
            algorithm=1,
        )
        intents = stubs.IntentServiceStub(channel)
        outcome = intents.Submit(signed).outcomes[0]
        if outcome.WhichOneof("result") != "accepted":
            sys.exit(f"{outcome.refusal.code} {outcome.refusal.field}: {outcome.refusal.message}")
        watched = service.WatchRequest(party=party, id=asked.id)
        for update in intents.Watch(watched, timeout=WATCH_SECONDS_MAX):
            if update.WhichOneof("change") == "ended":
                print(update.ended)
                return
    sys.exit("expected the intent to end, found the end of the stream")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
