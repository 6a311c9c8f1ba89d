// Node's http, with an agent that keeps one connection: a burst waits for it.
import assert from "node:assert";
import http from "node:http";

const headers = { "X-Aws-Parameters-Secrets-Token": process.env.AWS_SESSION_TOKEN };
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function get(name) {
    return new Promise((resolve, reject) => {
        const path = `/secretsmanager/get?secretId=${name}`;
        http.get({ host: "localhost", port: process.env.PORT, path, headers, agent }, (response) => {
            let body = "";
            response.setEncoding("utf8").on("data", (chunk) => (body += chunk));
            response.on("end", () => resolve({ status: response.statusCode, body }));
        }).on("error", reject);
    });
}

async function read() {
    const { status, body } = await get("example/plain");
    assert.equal(status, 200);
    assert.equal(JSON.parse(body).SecretString, "not-a-secret");
}

await read();
await read();
const failed = await get("missing");
assert.equal(failed.status, 400);
assert.match(failed.body, /^an unexpected error occurred while executing request/);
await Promise.all(Array.from({ length: 64 }, read));
for (let count = 0; count < 200; count++) await read();
agent.destroy();
