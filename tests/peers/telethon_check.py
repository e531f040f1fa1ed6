"""An independent client at the simulator: other language, own TL code, own cryptography.

Reads one JSON line from stdin (where to connect, the public key, whom to log in, which channel), answers with one JSON line
a step, and fetches what the test makes happen between the steps. Any error ends it with its traceback.
"""

import asyncio
import json
import sys

from telethon import TelegramClient, events
from telethon.crypto import rsa
from telethon.errors import SessionPasswordNeededError
from telethon.network import ConnectionTcpFull
from telethon.sessions import MemorySession
from telethon.tl import functions, types

BOUND_S = 60


def say(step, **facts):
    print(json.dumps({"step": step, **facts}), flush=True)


async def next_line():
    return json.loads(await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline))


def texts(messages):
    return [getattr(message, "message", None) for message in messages]


async def log_in(client, wish):
    sent = await client.send_code_request(wish["phone"])
    try:
        await client.sign_in(wish["phone"], wish["code"], phone_code_hash=sent.phone_code_hash)
    except SessionPasswordNeededError:
        say("password-needed")
        await client.sign_in(password=wish["password"])
    me = await client.get_me()
    say("logged-in", userId=str(me.id), firstName=me.first_name)


async def read_world(client, wish):
    channel = types.InputChannel(int(wish["channelId"]), int(wish["accessHash"]))
    peer = types.InputPeerChannel(channel.channel_id, channel.access_hash)
    state = await client(functions.updates.GetStateRequest())
    say("state", pts=state.pts, seq=state.seq)

    history = await client(functions.messages.GetHistoryRequest(peer, 0, None, 0, 100, 0, 0, 0))
    first = history.messages[0]
    say(
        "history",
        texts=texts(history.messages),
        pts=history.pts,
        groups=[str(message.grouped_id) for message in history.messages if getattr(message, "grouped_id", None)],
        media=type(first.media).__name__,
        reactions=[item.count for item in first.reactions.results] if first.reactions else [],
    )

    by_id = await client(functions.channels.GetMessagesRequest(channel, [types.InputMessageID(n) for n in wish["ids"]]))
    say("by-id", kinds=[type(message).__name__ for message in by_id.messages])

    everything = types.ChannelMessagesFilterEmpty()
    difference = await client(functions.updates.GetChannelDifferenceRequest(channel, everything, 1, 100))
    say(
        "difference",
        kind=type(difference).__name__,
        texts=texts(difference.new_messages),
        others=[type(update).__name__ for update in difference.other_updates],
        pts=difference.pts,
        final=difference.final,
        timeout=difference.timeout,
    )

    common = await client(functions.updates.GetDifferenceRequest(1, state.date, 0))
    say("common", kind=type(common).__name__, texts=texts(getattr(common, "new_messages", [])))

    full = await client(functions.channels.GetFullChannelRequest(channel))
    say("full", title=full.chats[0].title, pts=full.full_chat.pts)

    dialogs = await client(functions.messages.GetDialogsRequest(None, 0, types.InputPeerEmpty(), 100, 0))
    say("dialogs", channels=sorted(str(dialog.peer.channel_id) for dialog in dialogs.dialogs))


async def main():
    wish = await next_line()
    rsa.add_key(wish["publicKeyPem"], old=False)
    session = MemorySession()
    session.set_dc(2, wish["host"], wish["port"])
    client = TelegramClient(
        session, 1, "hash", connection=ConnectionTcpFull, connection_retries=3, flood_sleep_threshold=0, catch_up=False
    )
    pushed = asyncio.Queue()

    async def on_update(update):
        if isinstance(update, (types.UpdateNewChannelMessage, types.UpdateEditChannelMessage)):
            await pushed.put(
                {"kind": type(update).__name__, "text": update.message.message, "pts": update.pts, "id": update.message.id}
            )
        elif isinstance(update, types.UpdateDeleteChannelMessages):
            await pushed.put({"kind": type(update).__name__, "ids": update.messages, "pts": update.pts})

    client.add_event_handler(on_update, events.Raw)
    await client.connect()
    say("connected", keyBytes=len(client.session.auth_key.key))
    await log_in(client, wish)
    await read_world(client, wish)
    say("listening")
    for _ in range(wish["pushes"]):
        say("pushed", **await asyncio.wait_for(pushed.get(), BOUND_S))
    await client.disconnect()


asyncio.run(asyncio.wait_for(main(), 3 * BOUND_S))
