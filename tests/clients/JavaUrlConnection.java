// Java's HttpURLConnection, which keeps a connection when its answer has been read.
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.stream.Stream;

class JavaUrlConnection {
    static void get(String name, int status, String text) throws Exception {
        URI uri = URI.create("http://localhost:" + System.getenv("PORT") + "/secretsmanager/get?secretId=" + name);
        HttpURLConnection connection = (HttpURLConnection) uri.toURL().openConnection();
        connection.setRequestProperty("X-Aws-Parameters-Secrets-Token", System.getenv("AWS_SESSION_TOKEN"));
        int answered = connection.getResponseCode();
        try (InputStream body = answered < 400 ? connection.getInputStream() : connection.getErrorStream()) {
            String read = new String(body.readAllBytes());
            if (answered != status || !read.contains(text)) throw new AssertionError(answered + " " + read);
        }
    }

    static Void read() throws Exception {
        get("example/plain", 200, "\"SecretString\":\"not-a-secret\"");
        return null;
    }

    public static void main(String[] arguments) throws Exception {
        read();
        read();
        get("missing", 400, "an unexpected error occurred while executing request");
        var pool = Executors.newFixedThreadPool(64);
        Callable<Void> reading = JavaUrlConnection::read;
        for (var done : pool.invokeAll(Stream.generate(() -> reading).limit(64).toList())) done.get();
        pool.shutdown();
        for (int count = 0; count < 200; count++) read();
    }
}
