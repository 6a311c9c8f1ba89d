<?php
// PHP's curl: one handle that keeps its connection, and many at once.
function handle(string $name): CurlHandle
{
    $handle = curl_init('http://localhost:' . getenv('PORT') . '/secretsmanager/get?secretId=' . $name);
    curl_setopt_array($handle, [
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_PROXY => '', // the token must not leave this machine
        CURLOPT_HTTPHEADER => ['X-Aws-Parameters-Secrets-Token: ' . getenv('AWS_SESSION_TOKEN')],
    ]);
    return $handle;
}

function check(CurlHandle $handle, string|false|null $body, int $status, string $text): void
{
    $answered = curl_getinfo($handle, CURLINFO_RESPONSE_CODE);
    if ($answered !== $status || !str_contains((string) $body, $text)) {
        fwrite(STDERR, $answered . ' ' . $body . curl_error($handle));
        exit(1);
    }
}

function read(CurlHandle $handle): void
{
    check($handle, curl_exec($handle), 200, '"SecretString":"not-a-secret"');
}

$kept = handle('example/plain');
read($kept);
read($kept);
$missing = handle('missing');
check($missing, curl_exec($missing), 400, 'an unexpected error occurred while executing request');

$burst = curl_multi_init();
$handles = array_map(fn () => handle('example/plain'), range(1, 64));
array_map(fn ($handle) => curl_multi_add_handle($burst, $handle), $handles);
do {
    curl_multi_exec($burst, $running);
    curl_multi_select($burst);
} while ($running > 0);
foreach ($handles as $handle) {
    check($handle, curl_multi_getcontent($handle), 200, '"SecretString":"not-a-secret"');
}

for ($count = 0; $count < 200; $count++) {
    read($kept);
}
