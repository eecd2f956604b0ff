package coracle.peer;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * An LwM2M server and bootstrap server on loopback, driven by JSON lines on standard input; answers and events are
 * JSON lines on standard output. See README.md for the command set. Ends when standard input closes.
 */
public final class Main {
    private Main() {
    }

    public static void main(String[] arguments) throws IOException {
        Output output = new Output();
        Commands commands = start(arguments, output);
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = input.readLine()) != null;) {
            if (!line.isBlank()) {
                commands.run(line);
            }
        }
        // No orderly shutdown: nothing outlives the process, and a test must not wait for time-outs of the library.
        Runtime.getRuntime().halt(0);
    }

    private static Commands start(String[] arguments, Output output) {
        try {
            Servers servers = new Servers(Options.parse(arguments), output);
            Map<String, Object> ports = servers.start();
            Commands commands = new Commands(servers, output);
            output.event("ready", Json.object("ports", ports));
            return commands;
        } catch (RuntimeException e) {
            output.event("failed", Json.object("message", Failures.text(e)));
            Runtime.getRuntime().halt(1);
            throw e;
        }
    }
}
