package coracle.peer;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.eclipse.leshan.core.request.ContentFormat;

/** One JSON object of the input. It remembers which fields were asked for, so that a misspelt one is an error. */
final class Command {
    private final ObjectNode fields;
    private final String where;
    private final Set<String> known = new HashSet<>();

    private Command(ObjectNode fields, String where) {
        this.fields = fields;
        this.where = where;
    }

    static Command parse(String line) {
        try {
            return of(Json.MAPPER.readTree(line), "command");
        } catch (JsonProcessingException e) {
            throw new BadCommand("not JSON: %s", e.getOriginalMessage());
        }
    }

    static Command of(JsonNode node, String where) {
        if (!(node instanceof ObjectNode object)) {
            throw new BadCommand("%s must be a JSON object, not %s", where, node);
        }
        return new Command(object, where);
    }

    /** The id of the command as it was given (any JSON value), null without one. */
    JsonNode id() {
        return node("id");
    }

    boolean has(String key) {
        return node(key) != null;
    }

    /** The field, or null when it is absent or null. */
    JsonNode node(String key) {
        known.add(key);
        JsonNode node = fields.get(key);
        return node == null || node.isNull() ? null : node;
    }

    JsonNode required(String key) {
        JsonNode node = node(key);
        if (node == null) {
            throw new BadCommand("%s lacks the field \"%s\"", where, key);
        }
        return node;
    }

    String text(String key) {
        JsonNode node = required(key);
        if (!node.isTextual()) {
            throw wrong(key, "a string", node);
        }
        return node.textValue();
    }

    String text(String key, String otherwise) {
        return has(key) ? text(key) : otherwise;
    }

    long integer(String key, long least, long most) {
        JsonNode node = required(key);
        if (!node.isIntegralNumber() || !node.canConvertToLong() || node.longValue() < least
                || node.longValue() > most) {
            throw wrong(key, "an integer from " + least + " to " + most, node);
        }
        return node.longValue();
    }

    /** Like {@link #integer(String, long, long)}, null when the field is absent. */
    Integer optionalInteger(String key, int least, int most) {
        return has(key) ? (int) integer(key, least, most) : null;
    }

    Boolean optionalFlag(String key) {
        JsonNode node = node(key);
        if (node == null) {
            return null;
        }
        if (!node.isBoolean()) {
            throw wrong(key, "true or false", node);
        }
        return node.booleanValue();
    }

    boolean flag(String key) {
        return Boolean.TRUE.equals(optionalFlag(key));
    }

    byte[] bytes(String key) {
        return Hex.decode(text(key), where + " field \"" + key + "\"");
    }

    List<String> texts(String key) {
        List<String> texts = new ArrayList<>();
        for (JsonNode node : required(key)) {
            if (!node.isTextual()) {
                throw wrong(key, "an array of strings", node);
            }
            texts.add(node.textValue());
        }
        return texts;
    }

    /** A nested object, null when absent. */
    Command object(String key) {
        return has(key) ? of(node(key), "field \"" + key + "\"") : null;
    }

    /** A content format by name or by number; null when absent. */
    ContentFormat format(String key) {
        JsonNode node = node(key);
        if (node == null) {
            return null;
        }
        if (node.isInt() && node.intValue() >= 0 && node.intValue() <= 65535) {
            return ContentFormat.fromCode(node.intValue());
        }
        ContentFormat format = ContentFormat.fromName(node.asText());
        if (format == null) {
            throw wrong(key, "TLV, JSON, TEXT, OPAQUE, CBOR, SENML_JSON, SENML_CBOR, LINK or a number", node);
        }
        return format;
    }

    /** The keys of this object, for objects whose keys are ids. All count as known. */
    List<String> keys() {
        List<String> keys = new ArrayList<>();
        fields.fieldNames().forEachRemaining(keys::add);
        known.addAll(keys);
        return keys;
    }

    /** Call when the command is understood: a field that nobody asked for is an error. */
    void finish() {
        fields.fieldNames().forEachRemaining(name -> {
            if (!known.contains(name)) {
                throw new BadCommand("%s has an unknown field \"%s\"; known here: %s", where, name,
                        String.join(", ", known.stream().sorted().toList()));
            }
        });
    }

    BadCommand wrong(String key, String allowed, Object found) {
        return new BadCommand("%s field \"%s\" must be %s, not %s", where, key, allowed, found);
    }
}
