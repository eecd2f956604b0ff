package coracle.peer;

import java.util.HexFormat;

/** Octets as lower-case hexadecimal digits without separators. */
final class Hex {
    private Hex() {
    }

    static String encode(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }

    static byte[] decode(String digits, String where) {
        try {
            return HexFormat.of().parseHex(digits);
        } catch (IllegalArgumentException e) {
            throw new BadCommand("%s must be an even number of hexadecimal digits, not \"%s\"", where, digits);
        }
    }
}
