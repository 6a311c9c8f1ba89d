// Many callers ask at the very same moment; the function returns what each of them got, and after
// how long.

import { get } from "./extension_client.mjs";

/** The event says how many callers each of its paths has. One thread asks for all: a connection each is open at once. */
export async function handler(event) {
  const paths = event.paths.flatMap((path) => Array(event.callers).fill(path));
  return Promise.all(paths.map(ask));
}

async function ask(path) {
  const askedAt = performance.now();
  const [status, body] = await get(path);
  return { path, status, body, seconds: (performance.now() - askedAt) / 1000 };
}
