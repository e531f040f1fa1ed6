"""Makes tests/unit/simulator/golden-bytes.json: one whole handshake and one message in each direction, byte by byte.

Written from the protocol's description on Telethon's TL classes and AES, so that nothing of it comes from the code under
test. Remake it with: .stack/peers/bin/python tests/peers/golden_bytes.py > tests/unit/simulator/golden-bytes.json
"""

import hashlib
import json
import struct

import rsa
from telethon.crypto import AES
from telethon.tl import functions, types

P = int(
    "c71caeb9c6b1c9048e6c522f70f13f73980d40238e3e21c14934d037563d930f48198a0aa7c14058229493d22530f4dbfa336f6e0ac92513"
    "9543aed44cce7c3720fd51f69458705ac68cd4fe6b6b13abdc9746512969328454f18faf8c595f642477fe96bb2a941d5bcd1d4ac8cc4988"
    "0708fa9b378e3c4f3a9060bee67cf9a4a4a695811051907e162753b56b0f6b410dba74d8a84b2a14b3144e0ef1284754fd17ed950d5965b4"
    "b9dd46582db1178d169c6bc465b0d6ff9ca3928fef5b9ae4e418fc15e83ebea0f87fa9ff5eed70050ded2849f47bf959d956850ce929851f"
    "0d8115f635b105ee2e4e15d04b2454bf6f4fadf034b10403119cd8e3b92fcc5b",
    16,
)
G = 3
PQ_FACTORS = (1229739323, 1724114033)
SERVER_TIME = 1_700_000_000
PADDING = b"\x5a"


def made(label, length):
    """Bytes that look random and are the same every time."""
    blocks = (hashlib.sha256(f"{label} {n}".encode()).digest() for n in range(length // 32 + 1))
    return b"".join(blocks)[:length]


def sha1(*parts):
    return hashlib.sha1(b"".join(parts)).digest()


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def number(data):
    """As TL reads int128 and int256."""
    return int.from_bytes(data, "little", signed=True)


def tl_bytes(data):
    head = bytes([len(data)]) if len(data) < 254 else b"\xfe" + len(data).to_bytes(3, "little")
    return head + data + b"\0" * (-(len(head) + len(data)) % 4)


def big(value, length=256):
    return value.to_bytes(length, "big")


def rsa_pad(public, data):
    padded = data + made("rsa padding", 192 - len(data))
    for attempt in range(100):
        key = made(f"rsa key {attempt}", 32)
        hashed = padded[::-1] + sha256(key, padded)
        encrypted = AES.encrypt_ige(hashed, key, b"\0" * 32)
        block = bytes(a ^ b for a, b in zip(key, sha256(encrypted))) + encrypted
        if int.from_bytes(block, "big") < public.n:
            return big(pow(int.from_bytes(block, "big"), public.e, public.n))
    raise RuntimeError("no key fits")


def rsa_hashed(public, data):
    block = sha1(data) + data
    block += made("rsa tail", 255 - len(block))
    return big(pow(int.from_bytes(block, "big"), public.e, public.n))


def message(auth_key, salt, session_id, msg_id, seq_no, body, x):
    plain = struct.pack("<qqqii", salt, session_id, msg_id, seq_no, len(body)) + body
    plain += PADDING * (12 + -(len(plain) + 12) % 16)
    msg_key = sha256(auth_key[88 + x : 120 + x], plain)[8:24]
    a = sha256(msg_key, auth_key[x : x + 36])
    b = sha256(auth_key[40 + x : 76 + x], msg_key)
    encrypted = AES.encrypt_ige(plain, a[:8] + b[8:24] + a[24:], b[:8] + a[8:24] + b[24:])
    return sha1(auth_key)[12:20] + msg_key + encrypted


public, private = rsa.newkeys(2048)
fingerprint = sha1(tl_bytes(big(public.n)), tl_bytes(big(public.e, 3)))[12:20]
nonce, server_nonce, new_nonce = made("nonce", 16), made("server nonce", 16), made("new nonce", 32)
pq = big(PQ_FACTORS[0] * PQ_FACTORS[1], 8)
p, q = (big(factor, 4) for factor in PQ_FACTORS)

req_pq = bytes(functions.ReqPqMultiRequest(number(nonce)))
res_pq = bytes(types.ResPQ(number(nonce), number(server_nonce), pq, [int.from_bytes(fingerprint, "little", signed=True)]))

inner = bytes(types.PQInnerData(pq, p, q, number(nonce), number(server_nonce), number(new_nonce)))


def req_dh(encrypted):
    key = int.from_bytes(fingerprint, "little", signed=True)
    return bytes(functions.ReqDHParamsRequest(number(nonce), number(server_nonce), p, q, key, encrypted))


a_secret = made("a", 256)
g_a = pow(G, int.from_bytes(a_secret, "big"), P)
first, second, third = sha1(new_nonce, server_nonce), sha1(server_nonce, new_nonce), sha1(new_nonce, new_nonce)
temporary = (first + second[:12], second[12:] + third + new_nonce[:4])
answer = bytes(types.ServerDHInnerData(number(nonce), number(server_nonce), G, big(P), big(g_a), SERVER_TIME))
answer = sha1(answer) + answer
answer += PADDING * (-len(answer) % 16)
server_dh = bytes(types.ServerDHParamsOk(number(nonce), number(server_nonce), AES.encrypt_ige(answer, *temporary)))

b_secret = int.from_bytes(made("b", 256), "big")
client_inner = bytes(types.ClientDHInnerData(number(nonce), number(server_nonce), 0, big(pow(G, b_secret, P))))
client_inner = sha1(client_inner) + client_inner
client_inner += PADDING * (-len(client_inner) % 16)
set_client_dh = bytes(
    functions.SetClientDHParamsRequest(number(nonce), number(server_nonce), AES.encrypt_ige(client_inner, *temporary))
)
auth_key = big(pow(g_a, b_secret, P))
hash1 = sha1(new_nonce, b"\1", sha1(auth_key)[:8])[4:20]
dh_gen_ok = bytes(types.DhGenOk(number(nonce), number(server_nonce), number(hash1)))

salt, session_id = 0x0102030405060708, -0x1122334455667788
body = bytes(functions.PingRequest(0x0A0B0C0D0E0F1011))
to_server = message(auth_key, salt, session_id, 0x6553F10000000004, 1, body, 0)
to_client = message(auth_key, salt, session_id, 0x6553F10000000005, 1, bytes(types.Pong(4, 5)), 8)

vectors = {
    "rsaPrivateKeyPem": private.save_pkcs1().decode(),
    "serverNonce": server_nonce.hex(),
    "dhSecret": a_secret.hex(),
    "serverTime": SERVER_TIME,
    "reqPqMulti": req_pq.hex(),
    "resPq": res_pq.hex(),
    "reqDhParams": req_dh(rsa_pad(public, inner)).hex(),
    "reqDhParamsHashed": req_dh(rsa_hashed(public, inner)).hex(),
    "serverDhParamsOk": server_dh.hex(),
    "setClientDhParams": set_client_dh.hex(),
    "dhGenOk": dh_gen_ok.hex(),
    "authKey": auth_key.hex(),
    "message": {"salt": str(salt), "sessionId": str(session_id), "seqNo": 1},
    "toServer": {"msgId": str(0x6553F10000000004), "body": body.hex(), "packet": to_server.hex()},
    "toClient": {"msgId": str(0x6553F10000000005), "body": bytes(types.Pong(4, 5)).hex(), "packet": to_client.hex()},
}
print(json.dumps(vectors, indent=2))
