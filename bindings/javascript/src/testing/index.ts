/**
 * Tests of programs, in Node: bots and clients without a network and without files. All of it is the real thing; nothing is a mock.
 *
 *     const anne = await BotTestClient.create((client, transport) => todoBot(client, transport));
 *     assert.equal(await anne.say("/add mend the sail"), "1. mend the sail");
 */

export { BotTestClient } from "./bot_test_client.js";
export { type Delivery, type Faults, Simulation, type Tally } from "./simulation.js";
