package coracle.peer;

import java.io.File;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import org.eclipse.californium.scandium.dtls.ExtendedMasterSecretMode;

/** The options of the command line, {@code --name=value} or {@code --name}. */
final class Options {
    private static final Set<String> NAMES = Set.of("host", "coap", "coaps", "bs-coap", "bs-coaps", "cid",
            "old-ciphers", "extended-master-secret", "handshake-timeout-ms", "awake-ms", "models", "key", "pub",
            "cert", "trust", "trace");

    private final Map<String, String> values = new LinkedHashMap<>();
    /** {@code --set=KEY=VALUE}: settings of Californium and Scandium by their own names. */
    final Properties californium = new Properties();

    static Options parse(String[] arguments) {
        Options options = new Options();
        for (String argument : arguments) {
            if (!argument.startsWith("--")) {
                throw new BadCommand("option \"%s\" must begin with --", argument);
            }
            String[] parts = argument.substring(2).split("=", 2);
            String value = parts.length > 1 ? parts[1] : "true";
            if (parts[0].equals("set")) {
                options.set(value);
            } else if (!NAMES.contains(parts[0])) {
                throw new BadCommand("unknown option --%s; known: set, %s", parts[0],
                        String.join(", ", NAMES.stream().sorted().toList()));
            } else if (options.values.put(parts[0], value) != null) {
                throw new BadCommand("option --%s is given twice", parts[0]);
            }
        }
        return options;
    }

    private void set(String setting) {
        String[] parts = setting.split("=", 2);
        if (parts.length != 2) {
            throw new BadCommand("--set needs KEY=VALUE, not \"%s\"", setting);
        }
        californium.setProperty(parts[0], parts[1]);
    }

    boolean has(String name) {
        return values.containsKey(name);
    }

    String text(String name) {
        String value = values.get(name);
        if (value == null) {
            throw new BadCommand("option --%s is missing", name);
        }
        return value;
    }

    int integer(String name, int least, int most) {
        try {
            int value = Integer.parseInt(text(name));
            if (value >= least && value <= most) {
                return value;
            }
        } catch (NumberFormatException e) {
            // Falls through to the message below.
        }
        throw new BadCommand("option --%s must be an integer from %d to %d, not \"%s\"", name, least, most,
                text(name));
    }

    /** The address of one of the four ports; 0, the default, takes a free port. */
    InetSocketAddress address(String port) {
        try {
            InetAddress host = has("host") ? InetAddress.getByName(text("host")) : InetAddress.getLoopbackAddress();
            if (!host.isLoopbackAddress()) {
                throw new BadCommand("option --host must be a loopback address, not \"%s\"", text("host"));
            }
            return new InetSocketAddress(host, has(port) ? integer(port, 0, 65535) : 0);
        } catch (UnknownHostException e) {
            throw new BadCommand("option --host: unknown host \"%s\"", text("host"));
        }
    }

    ExtendedMasterSecretMode extendedMasterSecret() {
        try {
            return ExtendedMasterSecretMode.valueOf(text("extended-master-secret"));
        } catch (IllegalArgumentException e) {
            throw new BadCommand("option --extended-master-secret must be NONE, OPTIONAL, ENABLED or REQUIRED");
        }
    }

    File models() {
        File folder = new File(text("models"));
        if (!folder.isDirectory()) {
            throw new BadCommand("option --models: \"%s\" is not a folder", folder);
        }
        return folder;
    }
}
