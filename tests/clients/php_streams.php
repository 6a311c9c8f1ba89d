<?php
// PHP's streams: file_get_contents, a new connection for each request.
function get(string $name, int $status, string $text): void
{
    $context = stream_context_create(['http' => [
        'header' => 'X-Aws-Parameters-Secrets-Token: ' . getenv('AWS_SESSION_TOKEN'),
        'ignore_errors' => true, // the body of an error says why
    ]]);
    $body = file_get_contents('http://localhost:' . getenv('PORT') . '/secretsmanager/get?secretId=' . $name, false, $context);
    if (!str_contains($http_response_header[0] ?? '', " $status ") || !str_contains((string) $body, $text)) {
        fwrite(STDERR, print_r($http_response_header ?? null, true) . $body);
        exit(1);
    }
}

function read(): void
{
    get('example/plain', 200, '"SecretString":"not-a-secret"');
}

read();
read();
get('missing', 400, 'an unexpected error occurred while executing request');

// A process each: PHP has no threads.
$burst = [];
for ($count = 0; $count < 64; $count++) {
    $child = pcntl_fork();
    if ($child === 0) {
        read();
        exit(0);
    }
    $burst[] = $child;
}
foreach ($burst as $child) {
    pcntl_waitpid($child, $status);
    if ($status !== 0) {
        exit(1);
    }
}

for ($count = 0; $count < 200; $count++) {
    read();
}
