// Java's HttpClient in its default version: its first request to a host offers HTTP/2.
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;

class JavaHttpClient {
    static final HttpClient CLIENT = HttpClient.newHttpClient();

    static HttpRequest request(String name) {
        return HttpRequest.newBuilder(URI.create(
                        "http://localhost:" + System.getenv("PORT") + "/secretsmanager/get?secretId=" + name))
                .header("X-Aws-Parameters-Secrets-Token", System.getenv("AWS_SESSION_TOKEN"))
                .build();
    }

    static void check(HttpResponse<String> response, int status, String text) {
        if (response.statusCode() != status || !response.body().contains(text)) {
            throw new AssertionError(response.statusCode() + " " + response.body());
        }
    }

    static void read() throws Exception {
        check(CLIENT.send(request("example/plain"), HttpResponse.BodyHandlers.ofString()),
                200, "\"SecretString\":\"not-a-secret\"");
    }

    public static void main(String[] arguments) throws Exception {
        read();
        read();
        check(CLIENT.send(request("missing"), HttpResponse.BodyHandlers.ofString()),
                400, "an unexpected error occurred while executing request");
        if (arguments.length == 0) {
            CompletableFuture.allOf(IntStream.range(0, 64)
                    .mapToObj(n -> CLIENT.sendAsync(request("example/plain"), HttpResponse.BodyHandlers.ofString())
                            .thenAccept(response -> check(response, 200, "not-a-secret")))
                    .toArray(CompletableFuture[]::new)).join();
        }
        for (int count = 0; count < 200; count++) read();
    }
}
