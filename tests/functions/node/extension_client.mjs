// Asks the extension as much code in the wild does: fetch, the token from the environment.

const port = process.env.PARAMETERS_SECRETS_EXTENSION_HTTP_PORT ?? "2773";

/** The status and the body; an error status is an answer like any other. */
export async function get(path) {
  const reply = await fetch(`http://localhost:${port}${path}`, {
    headers: { "X-Aws-Parameters-Secrets-Token": process.env.AWS_SESSION_TOKEN },
  });
  return [reply.status, await reply.text()];
}
