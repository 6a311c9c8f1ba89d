// Node's http, with an agent of its own that keeps one connection.
import assert from "node:assert";
import http from "node:http";

const headers = { "X-Aws-Parameters-Secrets-Token": process.env.AWS_SESSION_TOKEN };
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function get(name, options) {
    return new Promise((resolve, reject) => {
        const path = `/secretsmanager/get?secretId=${name}`;
        http.get({ host: "localhost", port: process.env.PORT, path, headers, ...options }, (response) => {
            let body = "";
            response.setEncoding("utf8").on("data", (chunk) => (body += chunk));
            response.on("end", () => resolve({ status: response.statusCode, body }));
        }).on("error", reject);
    });
}

async function read(options) {
    const { status, body } = await get("example/plain", options);
    assert.equal(status, 200);
    assert.equal(JSON.parse(body).SecretString, "not-a-secret");
}

await Promise.all(Array.from({ length: 64 }, () => read({})));
await read({ agent });
await read({ agent });
const failed = await get("missing", { agent });
assert.equal(failed.status, 400);
assert.match(failed.body, /^an unexpected error occurred while executing request/);
for (let count = 0; count < 200; count++) await read({ agent });
agent.destroy();
