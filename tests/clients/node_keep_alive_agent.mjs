// Node's http, with an agent that keeps one connection: a burst waits for it.
import http from "node:http";

http.globalAgent = new http.Agent({ keepAlive: true, maxSockets: 1 });
await import("./node_http.mjs");
http.globalAgent.destroy();
