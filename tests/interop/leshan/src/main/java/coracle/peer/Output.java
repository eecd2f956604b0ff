package coracle.peer;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** Standard output: one JSON object per line, whole lines only, whichever thread writes. */
final class Output {
    private final PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);

    /** Writes an event: {@code {"event": name, ...}}. */
    void event(String name, Map<String, Object> facts) {
        Map<String, Object> line = Json.object("event", name);
        line.putAll(facts);
        write(line);
    }

    /** Writes one line. A reader that has gone ends the process: nobody would ever stop it otherwise. */
    synchronized void write(Map<String, Object> line) {
        out.println(text(line));
        if (out.checkError()) {
            Runtime.getRuntime().halt(1);
        }
    }

    private static String text(Map<String, Object> line) {
        try {
            return Json.MAPPER.writeValueAsString(line);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }
}
