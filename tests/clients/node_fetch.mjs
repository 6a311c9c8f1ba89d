// Node's fetch: a pool of kept connections.
import assert from "node:assert";

const base = `http://localhost:${process.env.PORT}/secretsmanager/get?secretId=`;
const headers = { "X-Aws-Parameters-Secrets-Token": process.env.AWS_SESSION_TOKEN };

async function read() {
    const response = await fetch(`${base}example/plain`, { headers });
    assert.equal(response.status, 200);
    assert.equal((await response.json()).SecretString, "not-a-secret");
}

await read();
await read();
const failed = await fetch(`${base}missing`, { headers });
assert.equal(failed.status, 400);
assert.match(await failed.text(), /^an unexpected error occurred while executing request/);
await Promise.all(Array.from({ length: 64 }, read));
for (let count = 0; count < 200; count++) await read();
