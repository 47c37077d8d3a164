"""Check an export of Copytrade's audit record. Needs nothing but Python 3.10 or later.

    python verify_audit_export.py FILE [--public-key HEX] [--head SEQUENCE:HASH ...]

FILE is a CSV or JSON export. Exit 0: every record is as it was sealed, none is missing between the first
and the last, and the last one is the signed head. Otherwise the first record that is broken is named, by
its sequence.

The file names the key that signed it, which proves little: compare it with the key that you were given, or
pass that one as --public-key. --head takes a head that was given out before (by mail or with another
export): the record must still contain it.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

ZEROS = "0" * 64
NOT_HASHED = ("hash", "ip", "user_agent", "salt")
NULL_WHEN_EMPTY = ("ip", "token_id", "salt")
NEUTRALISED = re.compile("'+[=+\\-@\t\r]")
HEAD_MARK = "# head: "
Record = dict[str, Any]


class Broken(Exception):
    def __init__(self, sequence: object, reason: str) -> None:
        super().__init__(f"Broken at sequence {sequence}: {reason}.")


def main() -> int:
    parser = argparse.ArgumentParser(description="Check an export of the audit record.")
    parser.add_argument("file")
    parser.add_argument("--public-key", metavar="HEX", help="the key that must have signed the head")
    parser.add_argument(
        "--head", action="append", default=[], metavar="SEQUENCE:HASH", help="given out before"
    )
    options = parser.parse_args()
    csv.field_size_limit(10**8)
    try:
        given = dict(parse_head(text) for text in options.head)
        with open(options.file, encoding="utf-8-sig", newline="") as file:
            head, records = read(file)
            print(check(head, records, options.public_key, given))
    except Broken as broken:
        print(broken)
        return 1
    except (OSError, ValueError, csv.Error, RecursionError) as error:
        print(f"This file cannot be read as an export: {error}")
        return 2
    return 0


def parse_head(text: str) -> tuple[int, str]:
    sequence, _, digest = text.partition(":")
    return int(sequence), digest.lower()


# --- Reading -------------------------------------------------------------------------------------------


def read(file: TextIO) -> tuple[Any, Iterable[Any]]:
    """The head, or None, and the records."""
    start = file.read(1)
    file.seek(0)
    if start != "{":
        return read_csv(file)
    export = json.load(file, object_pairs_hook=strict_object)
    if not isinstance(export.get("records"), list):
        raise ValueError("it has no records")
    return export.get("head"), export["records"]


def strict_object(pairs: list[tuple[str, Any]]) -> Record:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name occurs twice in one object")
    return value


def read_csv(file: TextIO) -> tuple[Any, Iterable[Any]]:
    head = None
    for line in file:
        if line.startswith(HEAD_MARK):
            head = json.loads(line[len(HEAD_MARK) :], object_pairs_hook=strict_object)
        elif not line.startswith("#"):
            names = next(csv.reader([line]), [])
            if {"sequence", "hash"} <= set(names):
                return head, csv_records(csv.reader(file), names)
            break
    raise ValueError("it has no header row")


def csv_records(rows: Iterable[list[str]], names: list[str]) -> Iterator[Record]:
    for row in rows:
        if row and len(row) != len(names):
            raise Broken(row[0], f"a row of {len(row)} cells instead of {len(names)}")
        if row:
            yield from_cells(dict(zip(names, row, strict=True)))


def from_cells(cells: dict[str, str]) -> Record:
    record: Record = {name: cell[1:] if NEUTRALISED.match(cell) else cell for name, cell in cells.items()}
    try:
        record["sequence"] = int(record["sequence"])
        record["detail"] = json.loads(record["detail"], object_pairs_hook=strict_object)
    except (KeyError, ValueError) as error:
        raise Broken(cells["sequence"], f"a cell cannot be read ({error})") from error
    for name in NULL_WHEN_EMPTY:
        record[name] = record.get(name) or None
    if record["salt"] is None:  # Erased.
        record["user_agent"] = record.get("user_agent") or None
    return record


# --- The chain -----------------------------------------------------------------------------------------


def check(head: Any, records: Iterable[Any], public_key: str | None, given: dict[int, str]) -> str:
    """What to tell; Broken otherwise."""
    first = last = 0
    previous = None
    for record in records:
        sequence = last + 1 if last else sequence_of(record)
        check_record(record, sequence, ZEROS if sequence == 1 else previous)
        if given.get(sequence, record["hash"]) != record["hash"]:
            raise Broken(sequence, "another head was given out for it")
        first = first or sequence
        last, previous = sequence, record["hash"]
    if previous is None:
        if head is not None:
            raise Broken(head.get("sequence"), "the head is there, its records are not")
        return "0 records: nothing to check."
    signer = check_head(head, last, previous, public_key)
    told = f"{last - first + 1} records checked, from {first} to {last}."
    if public_key is None:
        told += f"\nSigned by {signer}: compare it with the key that you were given."
    beyond = [str(sequence) for sequence in sorted(given) if not first <= sequence <= last]
    return told + (f"\nNot in this export, so not checked: head {', '.join(beyond)}." if beyond else "")


def sequence_of(record: Any) -> int:
    sequence = record.get("sequence") if isinstance(record, dict) else None
    if type(sequence) is not int or sequence < 1:
        raise Broken(sequence, "this is no record")
    return sequence


def check_record(record: Any, sequence: int, previous: str | None) -> None:
    if sequence_of(record) != sequence:
        raise Broken(sequence, "this record is missing")
    for name in ("previous_hash", "hash", "personal"):
        if not isinstance(record.get(name), str):
            raise Broken(sequence, f"it has no {name}")
    if previous is not None and record["previous_hash"] != previous:
        raise Broken(sequence, "it does not follow the record before it")
    person = {"ip": record.get("ip"), "user_agent": record.get("user_agent")}
    hashed = {name: value for name, value in record.items() if name not in NOT_HASHED}
    salt = record.get("salt")
    try:
        if salt is None:
            if person != {"ip": None, "user_agent": None}:
                raise Broken(sequence, "address and program came back after they were erased")
        elif sha256(str(salt) + canonical(person)) != record["personal"]:
            raise Broken(sequence, "address or program is not what was sealed")
        if sha256(canonical(hashed)) != record["hash"]:
            raise Broken(sequence, "its contents are not what was sealed")
    except ValueError as error:
        raise Broken(sequence, f"it cannot be what was sealed ({error})") from error


def check_head(head: Any, sequence: int, digest: str, public_key: str | None) -> str:
    """The key that signed it."""
    if not isinstance(head, dict):
        raise Broken(sequence, "there is no signed head")
    if head.get("sequence") != sequence:
        raise Broken(sequence + 1, f"the signed head is {head.get('sequence')}")
    if head.get("hash") != digest:
        raise Broken(sequence, "the signed head has another hash")
    signer = str(public_key or head.get("public_key")).lower()
    message = f"copytrade audit head {sequence} {digest}"
    try:
        signed = is_signed(bytes.fromhex(signer), message.encode(), bytes.fromhex(str(head.get("signature"))))
    except ValueError:
        signed = False
    if not signed:
        raise Broken(sequence, f"the signature of the head is not by {signer}")
    return signer


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def canonical(value: Any) -> str:
    """RFC 8785, of all that a record may hold; ValueError for anything else."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: str(name).encode("utf-16-be"))
        return "{" + ",".join(f"{canonical(name)}:{canonical(value[name])}" for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if value is None or isinstance(value, (bool, int, str)):
        return json.dumps(value, ensure_ascii=False)
    raise ValueError("a number that is not whole")


# --- Ed25519 (RFC 8032), to check a signature only -----------------------------------------------------

Point = tuple[int, int, int, int]
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)


def is_signed(key: bytes, message: bytes, signature: bytes) -> bool:
    """ValueError for what is not even the form of a key or a signature."""
    if len(key) != 32 or len(signature) != 64:
        raise ValueError("a wrong length")
    point, announced = decompressed(key), decompressed(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
    return scalar < ORDER and same(times(scalar, BASE), plus(announced, times(challenge, point)))


def plus(one: Point, other: Point) -> Point:
    a = (one[1] - one[0]) * (other[1] - other[0]) % P
    b = (one[1] + one[0]) * (other[1] + other[0]) % P
    c = 2 * one[3] * other[3] * D % P
    d = 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(scalar: int, point: Point) -> Point:
    result = (0, 1, 1, 0)
    while scalar > 0:
        if scalar & 1:
            result = plus(result, point)
        point = plus(point, point)
        scalar >>= 1
    return result


def same(one: Point, other: Point) -> bool:
    across = (one[0] * other[2] - other[0] * one[2]) % P
    along = (one[1] * other[2] - other[1] * one[2]) % P
    return across == 0 and along == 0


def decompressed(text: bytes) -> Point:
    y = int.from_bytes(text, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P != 0:
        x = x * ROOT_OF_MINUS_ONE % P
    if y >= P or (x * x - square) % P != 0 or (x == 0 and sign):
        raise ValueError("not a point of the curve")
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


BASE = decompressed((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


if __name__ == "__main__":
    sys.exit(main())
