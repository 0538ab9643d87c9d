"""A help desk: people write to the bot, the staff answers in a group.

    export BOT_KEY=... WINDLASS_TRANSPORT=mqtt://localhost HELP_DESK_STAFF=wl1...,wl1...
    python help_desk.py

One of the staff makes a group and invites the bot and the others. What people write to the bot stands in the group
then; a member of the staff who replies to it there answers the person, who sees only the bot.

The bot has no notes: whom an answer is for stands in its own message that the answer replies to.
"""

import os

from windlass_chat.bot import Bot, GroupInvitation, Message

STAFF = os.environ["HELP_DESK_STAFF"].split(",")
bot = Bot("help_desk.wl", key_env="BOT_KEY", transport="mqtt://localhost")


def desk() -> str | None:
    """Address of the staff's group, once there is one."""
    for conversation in bot.client.conversations():
        if conversation.group_name is not None and bot.client.conversation(conversation.address).is_joined():
            return conversation.address
    return None


@bot.on_group_invitation
async def invited(invitation: GroupInvitation) -> None:
    # By itself a bot that answers everybody joins for those alone whom its owner verified or added.
    if invitation.by in STAFF and desk() is None:
        await invitation.join()
    else:
        await invitation.decline()


@bot.on_message
async def carry(message: Message) -> None:
    if message.in_group:
        await bring_back(message)
    elif not message.text:
        await message.reply("Only words come through here, no files.")
    elif (group := desk()) is None:
        await message.reply("Nobody is at the desk yet. Please try again later.")
    else:
        await bot.send(group, f"{message.author} asks:\n{message.text}")
        await message.react("📨")


async def bring_back(message: Message) -> None:
    """An answer of the staff. What they say to each other stays in the group."""
    request = await message.replied_to()
    # What somebody else wrote does not say whom an answer is for.
    if request is None or request.author != bot.address or request.text is None or not message.text:
        return
    await bot.send(request.text.split(" ", 1)[0], message.text)
    await message.react("✅")


print(bot.invite(), flush=True)
bot.run()
