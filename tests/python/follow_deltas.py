"""Follows auctions as a solver that is told only what changes, written from docs/SOLVER-STREAM.md, and compares.

Usage: follow_deltas.py ENGINE KEYFILE
The key file holds the seed of a solver's key. Applies deltas, asks for the whole after each, and compares byte for byte;
prints "followed" after two deltas that gave the whole.
"""

import importlib
import pathlib
import queue
import sys
import tempfile

import grpc
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from submit_and_watch import compile_protos

FOLLOW_SECONDS_MAX = 60
DELTAS = 2
TABLES = ("denominations", "reserves", "intents", "venues")


def applied(base, delta, message):
    """The input that comes of a delta."""
    found = message()
    found.CopyFrom(delta.rows)
    places = {}
    for table in TABLES:
        before, given = getattr(base, table), iter(getattr(delta.rows, table))
        if delta.HasField(table):
            runs, changed = getattr(delta, table).runs, set(getattr(delta, table).changed)
        else:
            runs, changed = None, set()
        sources = list(range(len(before))) if runs is None else []
        for run in runs or ():
            sources += list(range(run.first, run.first + run.kept)) + [None] * run.added
        places[table] = {at: place for place, at in enumerate(sources) if at is not None}
        rows = []
        for place, at in enumerate(sources):
            if at is None or place in changed:
                rows.append(next(given))
            else:
                rows.append(moved(before[at], table, places))
        del getattr(found, table)[:]
        getattr(found, table).extend(rows)
    for change in delta.floors:
        intent = found.intents[change.intent]
        if not change.HasField("floor"):
            intent.ClearField("floor")
            continue
        intent.floor.option = change.floor.option
        intent.floor.sold = change.floor.sold or intent.floor.sold
        intent.floor.bought = change.floor.bought or intent.floor.bought
    return found


def moved(row, table, places):
    """A row that is kept, with what it names where that is now."""
    kept = type(row)()
    kept.CopyFrom(row)
    coins = places["denominations"]
    if table == "reserves":
        kept.denomination = coins[row.denomination]
    for option in kept.options if table == "intents" else ():
        option.give, option.get = coins[option.give], coins[option.get]
        option.reserve = places["reserves"][option.reserve]
    if table == "venues":
        kept.coins[:] = [coins[coin] for coin in row.coins]
    return kept


def follow(messages, say, solver, auction, key):
    """Registers, applies what comes, and compares; the number of deltas that gave the whole."""
    held, expected, equal = None, None, 0
    for told in messages:
        kind = told.WhichOneof("message")
        if kind == "hello":
            public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
            signature = key.sign(b"clearlane.v1.register\0" + told.hello.nonce)
            register = solver.Register(key=public, signature=signature, strategy="python", deltas=True)
            say(solver.SolverMessage(register=register))
        elif kind == "delta":
            if held is None or held.auction != told.delta.base:
                sys.exit("expected a delta against what was told before")
            held = expected = applied(held, told.delta, auction.AuctionInput)
            say(solver.SolverMessage(snapshot=solver.SnapshotRequest()))
        elif kind == "opened":
            held = told.opened
            if expected is not None and expected.auction == held.auction:
                if expected.SerializeToString(deterministic=True) != held.SerializeToString(deterministic=True):
                    sys.exit(f"expected the whole of auction {held.auction}, found {expected}")
                equal += 1
            if equal == DELTAS:
                return
    sys.exit("expected more deltas, found the end of the stream")


def main(engine, key_file):
    """Follows one engine's auctions."""
    with tempfile.TemporaryDirectory() as folder:
        compile_protos(folder)
        names = ("solver_service_pb2", "solver_service_pb2_grpc", "auction_pb2")
        solver, stubs, auction = (importlib.import_module(f"clearlane.v1.{name}") for name in names)
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(pathlib.Path(key_file).read_text().strip()))
    said = queue.SimpleQueue()
    with grpc.insecure_channel(engine) as channel:
        messages = stubs.SolverServiceStub(channel).Compete(iter(said.get, None), timeout=FOLLOW_SECONDS_MAX)
        follow(messages, said.put, solver, auction, key)
        said.put(None)
        print("followed")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
