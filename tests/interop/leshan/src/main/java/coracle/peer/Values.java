package coracle.peer;

import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.Date;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.eclipse.leshan.core.link.DefaultLinkParser;
import org.eclipse.leshan.core.link.Link;
import org.eclipse.leshan.core.link.LinkParseException;
import org.eclipse.leshan.core.model.ResourceModel.Type;
import org.eclipse.leshan.core.node.ObjectLink;
import org.eclipse.leshan.core.util.datatype.ULong;

/** LwM2M values as JSON, each as an object of one field that names its type: {@code {"integer": 5}}. */
final class Values {
    private static final Map<String, Type> TYPES = Map.of("string", Type.STRING, "integer", Type.INTEGER, "unsigned",
            Type.UNSIGNED_INTEGER, "float", Type.FLOAT, "boolean", Type.BOOLEAN, "opaque", Type.OPAQUE, "time",
            Type.TIME, "objlnk", Type.OBJLNK, "corelnk", Type.CORELINK);

    private Values() {
    }

    static Type type(String name) {
        Type type = TYPES.get(name);
        if (type == null) {
            throw new BadCommand("unknown type \"%s\"; known: %s", name,
                    TYPES.keySet().stream().sorted().collect(Collectors.joining(", ")));
        }
        return type;
    }

    /** The value of a command in the class Leshan wants for the type. */
    static Object read(Type type, JsonNode json) {
        return switch (type) {
        case STRING -> text(type, json);
        case INTEGER -> signed(type, json);
        case UNSIGNED_INTEGER -> unsigned(json);
        case FLOAT -> floating(json);
        case BOOLEAN -> bool(json);
        case OPAQUE -> Hex.decode(text(type, json), "an opaque value");
        case TIME -> new Date(Math.multiplyExact(signed(type, json), 1000L));
        case OBJLNK -> objectLink(text(type, json));
        case CORELINK -> coreLinks(text(type, json));
        default -> throw new BadCommand("a value of type %s cannot be written", type);
        };
    }

    /** A value Leshan decoded, with the name of its type. */
    static Map<String, Object> write(Type type, Object value) {
        return switch (type) {
        case STRING -> Json.object("string", value);
        case INTEGER -> Json.object("integer", value);
        case UNSIGNED_INTEGER -> Json.object("unsigned", new BigInteger(value.toString()));
        case FLOAT -> Json.object("float", value);
        case BOOLEAN -> Json.object("boolean", value);
        case OPAQUE -> Json.object("opaque", Hex.encode((byte[]) value));
        case TIME -> Json.object("time", Math.floorDiv(((Date) value).getTime(), 1000L));
        case OBJLNK -> Json.object("objlnk",
                ((ObjectLink) value).getObjectId() + ":" + ((ObjectLink) value).getObjectInstanceId());
        case CORELINK -> Json.object("corelnk",
                Stream.of((Link[]) value).map(Link::toString).collect(Collectors.joining(",")));
        default -> throw new IllegalStateException("a value of type " + type);
        };
    }

    private static String text(Type type, JsonNode json) {
        if (!json.isTextual()) {
            throw wrong(type, "a string", json);
        }
        return json.textValue();
    }

    private static long signed(Type type, JsonNode json) {
        if (!json.isIntegralNumber() || !json.canConvertToLong()) {
            throw wrong(type, "an integer of 64 bits", json);
        }
        return json.longValue();
    }

    private static ULong unsigned(JsonNode json) {
        if (!json.isIntegralNumber() || json.bigIntegerValue().signum() < 0
                || json.bigIntegerValue().compareTo(ULong.MAX_VALUE) > 0) {
            throw wrong(Type.UNSIGNED_INTEGER, "an integer from 0 to 2^64-1", json);
        }
        return ULong.valueOf(json.bigIntegerValue());
    }

    /** JSON has no numbers for the last three. */
    private static double floating(JsonNode json) {
        if (json.isNumber()) {
            return json.doubleValue();
        }
        return switch (json.asText()) {
        case "NaN" -> Double.NaN;
        case "Infinity" -> Double.POSITIVE_INFINITY;
        case "-Infinity" -> Double.NEGATIVE_INFINITY;
        default -> throw wrong(Type.FLOAT, "a number, \"NaN\", \"Infinity\" or \"-Infinity\"", json);
        };
    }

    private static boolean bool(JsonNode json) {
        if (!json.isBoolean()) {
            throw wrong(Type.BOOLEAN, "true or false", json);
        }
        return json.booleanValue();
    }

    private static ObjectLink objectLink(String text) {
        try {
            return ObjectLink.decodeFromString(text);
        } catch (IllegalArgumentException e) {
            throw new BadCommand("an object link is OBJECT:INSTANCE, not \"%s\"", text);
        }
    }

    private static Link[] coreLinks(String text) {
        try {
            return new DefaultLinkParser().parseCoreLinkFormat(text.getBytes(StandardCharsets.UTF_8));
        } catch (LinkParseException e) {
            throw new BadCommand("core links: %s", e.getMessage());
        }
    }

    private static BadCommand wrong(Type type, String allowed, JsonNode found) {
        return new BadCommand("a value of type %s must be %s, not %s", type, allowed, found);
    }
}
