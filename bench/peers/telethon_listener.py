"""What a careful program that reads Telegram with Telethon is: a session file, the usual NewMessage handler, and the
library's own recovery (catch_up=True). Reads one JSON line from stdin, writes one for each message that the handler was given.
"""

import asyncio
import json
import os
import sys

from telethon import TelegramClient, events
from telethon.crypto import AuthKey, rsa
from telethon.network import ConnectionTcpFull
from telethon.sessions import SQLiteSession
from telethon.tl import types


def say(**line):
    print(json.dumps(line), flush=True)


def open_session(wish):
    path = os.path.join(wish["folder"], "telethon")
    known = os.path.exists(path + ".session")
    session = SQLiteSession(path)
    session.set_dc(2, "127.0.0.1", wish["port"])
    if not known:
        session.auth_key = AuthKey(bytes.fromhex(wish["authKeyHex"]))
        session.save()
    return session


async def main():
    wish = json.loads(sys.stdin.readline())
    rsa.add_key(wish["publicKeyPem"], old=False)
    client = TelegramClient(
        open_session(wish), 1, "hash", connection=ConnectionTcpFull, connection_retries=None, catch_up=True
    )

    @client.on(events.NewMessage)
    async def on_message(event):
        peer = event.message.peer_id
        if isinstance(peer, types.PeerChannel):
            say(channelId=str(peer.channel_id), messageId=str(event.message.id))

    await client.connect()
    await client.get_me()
    # As its documents advise: so it knows the channels, and where they stand.
    await client.get_dialogs()
    say(ready=True)
    await client.run_until_disconnected()


asyncio.run(main())
