// Reads while the module is loaded, in Lambda's INIT phase, when the official extension is not
// ready yet, and again in the handler.

import { get } from "./extension_client.mjs";

const readInInit = await Promise.all(process.env.READ_IN_INIT.split(" ").map(get));

export async function handler(event) {
  return { "in init": readInInit, "in the handler": await Promise.all(event.paths.map(get)) };
}
