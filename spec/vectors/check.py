#!/usr/bin/env python3
"""Reads grants.json and frames.json with nothing of Stratus: an independent reader of
spec/capability.md and spec/protocol.md.

CBOR is read by cbor2, signatures are checked by cryptography (OpenSSL), hashes by hashlib and hmac.
Every sound grant, frame and invite must be accepted and say what the file says that it says, and
every broken one must be refused with the code in the file. Not looked at: how keys are derived
(BLAKE3, which Python does not bring), and what depends on the state of a node, such as windows and
sessions. Run it as `python3 spec/vectors/check.py`; it ends with status 1 if anything differs.
"""

import base64
import hashlib
import hmac
import io
import itertools
import json
import pathlib
import re
import sys
import unicodedata

try:
    import cbor2
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )
except ImportError as error:
    sys.exit(f"{error}: pip install cbor2 cryptography")

GRANT_BYTES_MAX = 2048
SCOPE_BYTES_MAX = 1536
NAME_BYTES_MAX = 128
TYPE = "stratus-grant+cwt"
ALGORITHM = -19
RATE, GENERATION, DEPTH, PARENT = -70001, -70002, -70003, -70004


class Refused(Exception):
    """A grant is refused; the argument is the code."""


def require(condition, code="grant-malformed"):
    if not condition:
        raise Refused(code)


# --- CBOR in its one form (RFC 8949 section 4.2.1), written here so that cbor2 only reads ---


def head(major, argument):
    if argument < 24:
        return bytes([major << 5 | argument])
    for information, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if argument < 1 << 8 * size:
            return bytes([major << 5 | information]) + argument.to_bytes(size, "big")
    raise Refused("grant-malformed")


def encode(item):
    if item is None or item is True or item is False:
        return {None: b"\xf6", True: b"\xf5", False: b"\xf4"}[item]
    if isinstance(item, int):
        return head(0, item) if item >= 0 else head(1, -1 - item)
    if isinstance(item, bytes):
        return head(2, len(item)) + item
    if isinstance(item, str):
        text = item.encode()
        return head(3, len(text)) + text
    if isinstance(item, list):
        return head(4, len(item)) + b"".join(map(encode, item))
    if isinstance(item, dict):
        entries = sorted((encode(key), encode(value)) for key, value in item.items())
        return head(5, len(item)) + b"".join(key + value for key, value in entries)
    # Floats, dates, tags, undefined: a grant has none within.
    raise Refused("grant-malformed")


def decode(data):
    """The item that the bytes are the one encoding of."""
    stream = io.BytesIO(data)
    try:
        item = cbor2.CBORDecoder(stream).decode()
    except (cbor2.CBORDecodeError, RecursionError, ValueError, OverflowError, TypeError):
        raise Refused("grant-malformed") from None
    require(stream.read() == b"")
    require(encode(item) == data)
    return item


# --- Ed25519 keys that are acceptable (spec/capability.md, Algorithms) ---

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P


def point(key):
    """The point of a key in its one form, or none."""
    y = int.from_bytes(key, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    return (P - x if x & 1 != sign else x, y)


def add(left, right):
    (a, b), (c, d) = left, right
    product = D * a * b * c * d % P
    return (
        (a * d + b * c) * pow(1 + product, -1, P) % P,
        (b * d + a * c) * pow(1 - product, -1, P) % P,
    )


def acceptable(key):
    """Whether a key is a point that is not of small order."""
    at = point(key)
    if at is None:
        return False
    for _ in range(3):
        at = add(at, at)
    return at != (0, 1)


# --- Grants ---


def fields(item, required, optional=()):
    require(isinstance(item, dict))
    require(all(type(key) is int for key in item))
    require(all(key in item for key in required))
    require(all(key in required or key in optional for key in item))
    return [item[key] for key in required]


def unsigned(item, bits):
    require(type(item) is int and 0 <= item < 1 << bits)
    return item


def binary(item, length=None):
    require(isinstance(item, bytes) and (length is None or len(item) == length))
    return item


def text(item):
    require(isinstance(item, str))
    return item


def listed(item, length=None):
    require(isinstance(item, list) and (length is None or len(item) == length))
    return item


def name(item):
    require(0 < len(text(item).encode()) <= NAME_BYTES_MAX)
    control = [*range(32), *range(127, 160)]
    require(not any(letter.isspace() or ord(letter) in control for letter in item))
    return item


def read_limit(item):
    require(len(listed(item)) > 0)
    kind, rest = unsigned(item[0], 8), item[1:]
    require(kind <= 5 and len(rest) == (1, 1, 1, 2, 1, 0)[kind])
    if kind in (0, 1):
        return {("exact", "prefix")[kind]: text(rest[0])}
    if kind == 2:
        return {"set": [text(one) for one in listed(rest[0])]}
    if kind == 3:
        require(all(type(end) is int and -(1 << 63) <= end < 1 << 63 for end in rest))
        return {"range": rest}
    return {"length": unsigned(rest[0], 32)} if kind == 4 else "present"


def read_permit(item):
    what, how = listed(item, 2)
    domain, kind, limits = listed(what, 3)
    require(unsigned(how, 8) in (1, 2, 3))
    require(isinstance(limits, dict))
    return {
        "domain": None if domain is None else name(domain),
        "type": None if kind is None else name(kind),
        "limits": {name(attribute): read_limit(limit) for attribute, limit in limits.items()},
        "raise": bool(how & 1),
        "query": bool(how & 2),
    }


def read_scope(data):
    require(len(data) <= SCOPE_BYTES_MAX)
    scope = [read_permit(permit) for permit in listed(decode(data))]
    require(scope)
    return scope


def read_terms(payload):
    claims = decode(payload)
    require(isinstance(claims, dict))
    require(PARENT not in claims, "grant-delegated")
    required = (4, 6, 7, 8, 9, RATE, GENERATION, DEPTH)
    exp, iat, cti, cnf, scope, rate, generation, depth = fields(claims, required)
    (key,) = fields(cnf, (1,))
    key_type, curve, holder = fields(key, (1, -1, -2))
    require((key_type, curve) == (1, 6))
    burst, per_minute, event_bytes_max = (unsigned(one, 32) for one in listed(rate, 3))
    terms = {
        "id": binary(cti, 16).hex(),
        "holder": binary(holder, 32).hex(),
        "scope": read_scope(binary(scope)),
        "issued": unsigned(iat, 64),
        "expires": unsigned(exp, 64),
        "burst": burst,
        "per_minute": per_minute,
        "event_bytes_max": event_bytes_max,
        "generation": unsigned(generation, 32),
        "depth": unsigned(depth, 8),
    }
    require(depth == 0, "grant-delegated")
    require(exp > iat)
    require(acceptable(holder), "grant-key")
    return terms


def verify(data):
    """The channel's key and the terms of a grant, or Refused."""
    require(len(data) <= GRANT_BYTES_MAX, "grant-too-large")
    require(data[:1] == b"\xd2")
    protected, unprotected, payload, signature = listed(decode(data[1:]), 4)
    require(unprotected == {} and isinstance(unprotected, dict))
    algorithm, channel, kind = fields(decode(binary(protected)), (1, 4, 16))
    binary(channel, 32)
    require(type(algorithm) is int and algorithm == ALGORITHM and kind == TYPE, "grant-type")
    binary(payload), binary(signature, 64)
    terms = read_terms(payload)
    require(acceptable(channel), "grant-key")
    statement = encode(["Signature1", protected, b"", payload])
    try:
        Ed25519PublicKey.from_public_bytes(channel).verify(signature, statement)
    except InvalidSignature:
        raise Refused("grant-signature") from None
    return channel, terms


# --- What a grant permits ---


def holds(limit, attributes, attribute):
    if attribute not in attributes:
        return False
    value = attributes[attribute]
    if limit == "present":
        return True
    ((kind, meant),) = limit.items()
    if kind == "range":
        whole = type(value) is int or (type(value) is float and value.is_integer())
        return whole and meant[0] <= value <= meant[1]
    if not isinstance(value, str):
        return False
    return {
        "exact": lambda: value == meant,
        "prefix": lambda: value.startswith(meant),
        "set": lambda: value in meant,
        "length": lambda: len(value.encode()) <= meant,
    }[kind]()


def permits(terms, domain, kind, attributes, event_bytes):
    require(event_bytes <= terms["event_bytes_max"], "grant-event-too-large")
    for permit in terms["scope"]:
        fits = permit["domain"] in (None, domain) and permit["type"] in (None, kind)
        limits = permit["limits"].items()
        if permit["raise"] and fits and all(holds(limit, attributes, at) for at, limit in limits):
            return
    raise Refused("grant-scope")


# --- Frames: each field is read into what the file says, numbered from 1 ---


def hexadecimal(least, most=None):
    def read(item):
        require(least <= len(binary(item)) <= (least if most is None else most))
        return item.hex()

    return read


def number(least):
    def read(item):
        require(unsigned(item, 64) >= least)
        return item

    return read


def words(least, most):
    def read(item):
        require(least <= len(text(item).encode()) <= most)
        require(not any(unicodedata.category(letter) == "Cc" for letter in item))
        return item

    return read


def each(read_one, most=None):
    def read(item):
        require(most is None or len(listed(item)) <= most)
        return [read_one(one) for one in listed(item)]

    return read


def short_text(item):
    require(len(text(item).encode()) <= 256)
    return item


def code(item):
    require(re.fullmatch("[a-z0-9-]{1,64}", text(item)))
    return item


ID, KEY, GRANT = hexadecimal(16), hexadecimal(32), hexadecimal(0, GRANT_BYTES_MAX)
SESSION, THROUGH, SEQUENCE = number(0), number(0), number(1)
FRAMES = (
    ("hello", {"version": number(1), "nonce": KEY, "addresses": each(short_text, 16)}),
    ("prove", {"session": SESSION, "grant": GRANT, "proof": hexadecimal(64)}),
    ("opened", {"session": SESSION, "through": THROUGH}),
    ("refused", {"session": SESSION, "code": code}),
    (
        "events",
        {"session": SESSION, "first": SEQUENCE, "events": each(hexadecimal(0, 1 << 20))},
    ),
    ("ack", {"session": SESSION, "through": THROUGH}),
    ("reject", {"session": SESSION, "sequence": SEQUENCE, "code": code}),
    ("quota", {"session": SESSION, "sequence": SEQUENCE, "retry_ms": number(0)}),
    ("resume", {"session": SESSION, "sequence": SEQUENCE}),
    ("ended", {"grants": each(ID, 256)}),
    (
        "redeem",
        {"invite": ID, "link": KEY, "holder": KEY, "proof": KEY, "name": words(1, 128)},
    ),
    ("granted", {"subscription": ID, "grant": GRANT, "holder": KEY}),
    ("confirm", {"subscription": ID, "grant": GRANT}),
    ("established", {"subscription": ID}),
    ("pairing-refused", {"subscription": ID, "code": code}),
    ("wrong", {"code": code}),
)
OPTIONAL = {("redeem", "name")}


def read_frame(data):
    """The message of a frame, as the file writes it."""
    try:
        return read_message(decode(data))
    except Refused as refused:
        # What grants and frames have in common is refused by the name that grants have for it.
        known = str(refused) != "grant-malformed"
        raise Refused(str(refused) if known else "frame-malformed") from None


def read_message(item):
    require(isinstance(item, dict) and all(type(key) is int for key in item))
    kind = unsigned(item.get(0), 64)
    require(kind < len(FRAMES), "frame-unknown")
    name_of_kind, parts = FRAMES[kind]
    if name_of_kind == "hello":
        require(unsigned(item.get(1), 64) == 1, "version-unsupported")
    require(all(key == 0 or 1 <= key <= len(parts) for key in item))
    message = {}
    for key, (part, read) in enumerate(parts.items(), 1):
        if key in item:
            message[part] = read(item[key])
        else:
            require((name_of_kind, part) in OPTIONAL)
    return {name_of_kind: message}


def check_event(data):
    """That the bytes are an event in its one form; an empty string is one withdrawn."""
    if data:
        identity, domain, kind, attributes, at = fields(decode(data), range(5), (5,))
        binary(identity, 16), name(domain), name(kind)
        require(isinstance(attributes, dict) and all(isinstance(key, str) for key in attributes))
        require(type(at) is int)


def check_frame(case):
    message = read_frame(bytes.fromhex(case["frame"]))
    assert message == case["message"], message
    for event in message.get("events", {}).get("events", ()):
        check_event(bytes.fromhex(event))


# --- Invites ---

INVITE_PARTS = {
    "node": KEY,
    "addresses": each(short_text, 16),
    "invite": ID,
    "secret": KEY,
    "expires": number(0),
    "role_inviter": words(0, 256),
    "role_redeemer": words(0, 256),
    "offered": each(each(name)),
    "wanted": each(each(name)),
    "label": words(0, 256),
}


def hashed(title, *parts):
    return hashlib.sha256(title + b"".join(parts)).digest()


def read_invite(link):
    """What the bytes of a link say."""
    payload, checksum = link[:-4], link[-4:]
    require(hashed(b"stratus invite checksum v1", payload)[:4] == checksum, "invite-altered")
    version, *parts = fields(decode(payload), range(1 + len(INVITE_PARTS)))
    require(version == 1, "invite-version")
    said = {part: read(item) for (part, read), item in zip(INVITE_PARTS.items(), parts)}
    return said | {"hash": hashed(b"stratus invite v1", payload).hex()}


def check_invite(case):
    scheme, _, coded = case["link"].partition(":")
    assert scheme == "stratus"
    link = base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4))
    said = read_invite(link)
    assert said == case["says"], said
    for at in range(len(link)):
        altered = link[:at] + bytes([link[at] ^ 1]) + link[at + 1 :]
        check_code("invite-altered", lambda: read_invite(altered))


def check_redeem(case, invite):
    part = {key: bytes.fromhex(value) for key, value in case.items()}
    assert case["link_hash"] == invite["hash"] and case["secret"] == invite["secret"]
    order = ("link_hash", "redeemer", "inviter", "redeemer_nonce", "inviter_nonce", "holder")
    statement = b"stratus redeem v1" + b"".join(part[key] for key in order)
    proof = hmac.digest(part["secret"], statement, "sha256")
    assert hmac.compare_digest(proof, part["proof"]), proof.hex()
    identity = hashed(
        b"stratus subscription id v1", bytes.fromhex(invite["invite"]), part["holder"]
    )
    assert identity[:16] == part["subscription"], identity.hex()


# --- The files ---


def public(seed):
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed)).public_key().public_bytes_raw()


BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def eci(key):
    """The did:key of a key, without `did:key:`."""
    number, digits = int.from_bytes(b"\xed\x01" + key, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        digits = BASE58[digit] + digits
    return "z" + digits


def check_grant(case):
    data = bytes.fromhex(case["bytes"])
    channel, terms = verify(data)
    assert terms == case["terms"], terms
    assert channel == public(case["channel_seed"])
    assert eci(channel) == case["eci"], eci(channel)
    assert hashlib.sha256(data).hexdigest() == case["hash"]


def check_code(code, action):
    try:
        action()
        assert code is None, "accepted"
    except Refused as refused:
        assert str(refused) == code, f"refused with {refused}"


def check_proof(case):
    parts = ("grant_hash", "prover", "verifier", "prover_nonce", "verifier_nonce")
    statement = b"stratus session proof v1" + b"".join(bytes.fromhex(case[part]) for part in parts)
    key = Ed25519PublicKey.from_public_bytes(public(case["holder_seed"]))
    key.verify(bytes.fromhex(case["proof"]), statement)


def frame_checks(file):
    for case in file["frames"]:
        yield f"frame {next(iter(case['message']))}", lambda: check_frame(case)
    for case in file["refused"]:
        data = bytes.fromhex(case["frame"])
        yield f"refused: {case['why']}", lambda: check_code(case["code"], lambda: read_frame(data))
    yield "invite", lambda: check_invite(file["invite"])
    yield "redeem", lambda: check_redeem(file["redeem"], file["invite"]["says"])


def grant_checks(file):
    grants = {case["name"]: case for case in file["grants"]}
    for case in file["grants"]:
        yield f"grant {case['name']}", lambda: check_grant(case)
    for case in file["decisions"]:
        _, terms = verify(bytes.fromhex(grants[case["grant"]]["bytes"]))
        event = [case[field] for field in ("domain", "type", "attributes", "event_bytes")]
        yield f"decision {event}", lambda: check_code(case["code"], lambda: permits(terms, *event))
    for case in file["proofs"]:
        yield "proof", lambda: check_proof(case)
    for case in file["refused"]:
        data = bytes.fromhex(case["bytes"])
        yield f"refused: {case['breaks']}", lambda: check_code(case["code"], lambda: verify(data))


def main():
    here = pathlib.Path(__file__)
    grants, frames = (
        json.loads(here.with_name(name).read_text()) for name in ("grants.json", "frames.json")
    )
    passed, failed = 0, 0
    # One after another: a check looks at the case at which its generator stands.
    for what, check in itertools.chain(grant_checks(grants), frame_checks(frames)):
        try:
            check()
            passed += 1
        except Exception as error:  # whatever goes wrong is a difference
            failed += 1
            print(f"{what}: {type(error).__name__} {error}")
    print(f"{passed} as written, {failed} not")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
