package coracle.peer;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;

/** The one line that answers a command, whoever comes first: the device, an error, or the watchdog. */
final class Reply {
    private final Output output;
    private final JsonNode id;
    private final AtomicBoolean given = new AtomicBoolean();

    Reply(Output output, JsonNode id) {
        this.output = output;
        this.id = id;
    }

    boolean isGiven() {
        return given.get();
    }

    void done() {
        give(Json.object("ok", true));
    }

    void give(Map<String, Object> facts) {
        if (given.compareAndSet(false, true)) {
            Map<String, Object> line = Json.object("id", id);
            line.putAll(facts);
            output.write(line);
        }
    }

    void fail(Throwable failure) {
        fail(Failures.kind(failure), Failures.text(failure), null);
    }

    /** @param coap what the device sent, where it sent anything that could not be understood; else null */
    void fail(String kind, String text, Map<String, Object> coap) {
        give(Json.object("error", kind, "message", text, "coap", coap));
    }
}
