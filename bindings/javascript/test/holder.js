/** Holds a store until it is killed. */

import { Client } from "../dist/node/index.js";
import { KEY } from "./world.js";

const client = await Client.open(process.argv[2], KEY);
console.log(client.address);
process.stdin.resume();
