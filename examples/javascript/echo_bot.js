import { Client } from "windlass-chat";
import { Bot } from "windlass-chat/bot";
import { MqttTransport } from "windlass-chat/mqtt";

const client = await Client.openOrCreate("echo", { content: process.env.BOT_KEY });
const bot = new Bot(client, new MqttTransport(process.env.BOT_TRANSPORT ?? "mqtt://localhost"));

bot.onMessage((message) => message.text || "I repeat text alone.");

console.log(await bot.invite());
await bot.run();
