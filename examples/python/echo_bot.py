from windlass_chat.bot import Bot, Message

bot = Bot("echo.wl", key_env="BOT_KEY", transport="mqtt://localhost")


@bot.on_message
async def echo(message: Message) -> None:
    await message.reply(message.text)


print(bot.invite(), flush=True)
bot.run()
