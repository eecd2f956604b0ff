package coracle.peer;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.eclipse.leshan.core.CertificateUsage;
import org.eclipse.leshan.core.MatchingType;
import org.eclipse.leshan.core.SecurityMode;
import org.eclipse.leshan.core.request.BindingMode;
import org.eclipse.leshan.core.util.datatype.ULong;
import org.eclipse.leshan.server.bootstrap.BootstrapConfig;
import org.eclipse.leshan.server.bootstrap.BootstrapConfig.ACLConfig;
import org.eclipse.leshan.server.bootstrap.BootstrapConfig.ServerConfig;
import org.eclipse.leshan.server.bootstrap.BootstrapConfig.ServerSecurity;

/** Leshan's own kind of bootstrap configuration, read from the field {@code config} of a command. */
final class BootstrapConfigs {
    private BootstrapConfigs() {
    }

    static BootstrapConfig read(JsonNode json) {
        Command command = Command.of(json, "\"config\"");
        BootstrapConfig config = new BootstrapConfig();
        if (command.has("delete")) {
            config.toDelete.addAll(command.texts("delete"));
        }
        config.contentFormat = command.format("format");
        config.autoIdForSecurityObject = command.flag("auto_id");
        each(command, "security", (id, entry) -> config.security.put(id, security(entry)));
        each(command, "servers", (id, entry) -> config.servers.put(id, server(entry)));
        each(command, "acls", (id, entry) -> config.acls.put(id, acl(entry)));
        command.finish();
        return config;
    }

    private static ServerSecurity security(Command entry) {
        ServerSecurity security = new ServerSecurity();
        security.uri = entry.text("uri");
        security.bootstrapServer = entry.flag("bootstrap");
        security.securityMode = constant(SecurityMode.class, entry, "mode", SecurityMode.NO_SEC);
        security.serverId = entry.optionalInteger("server_id", 1, 65534);
        if (entry.has("identity")) {
            security.publicKeyOrId = entry.text("identity").getBytes(StandardCharsets.UTF_8);
        } else if (entry.has("public_key")) {
            security.publicKeyOrId = entry.bytes("public_key");
        }
        ifPresent(entry.has("server_key"), () -> security.serverPublicKey = entry.bytes("server_key"));
        ifPresent(entry.has("key"), () -> security.secretKey = entry.bytes("key"));
        ifPresent(entry.has("hold_off"),
                () -> security.clientOldOffTime = entry.optionalInteger("hold_off", 0, Integer.MAX_VALUE));
        ifPresent(entry.has("account_timeout"), () -> security.bootstrapServerAccountTimeout = entry
                .optionalInteger("account_timeout", 0, Integer.MAX_VALUE));
        security.matchingType = constant(MatchingType.class, entry, "matching_type", null);
        security.certificateUsage = constant(CertificateUsage.class, entry, "certificate_usage", null);
        security.sni = entry.text("sni", null);
        return security;
    }

    private static ServerConfig server(Command entry) {
        ServerConfig server = new ServerConfig();
        server.shortId = (int) entry.integer("short_id", 1, 65534);
        ifPresent(entry.has("lifetime"),
                () -> server.lifetime = entry.optionalInteger("lifetime", 1, Integer.MAX_VALUE));
        ifPresent(entry.has("pmin"),
                () -> server.defaultMinPeriod = entry.optionalInteger("pmin", 0, Integer.MAX_VALUE));
        server.defaultMaxPeriod = entry.optionalInteger("pmax", 0, Integer.MAX_VALUE);
        server.disableTimeout = entry.optionalInteger("disable_timeout", 0, Integer.MAX_VALUE);
        ifPresent(entry.has("store_notifications"), () -> server.notifIfDisabled = entry.flag("store_notifications"));
        ifPresent(entry.has("binding"), () -> server.binding = BindingMode.parse(entry.text("binding")));
        server.registrationPriority = unsigned(entry, "priority");
        server.initialDelay = unsigned(entry, "initial_delay");
        server.registrationFailure = entry.optionalFlag("failure_block");
        server.bootstrapOnRegistrationFailure = entry.optionalFlag("bootstrap_on_failure");
        server.communicationRetryCount = unsigned(entry, "retry_count");
        server.CommunicationRetryTimer = unsigned(entry, "retry_timer");
        server.SequenceDelayTimer = unsigned(entry, "sequence_delay");
        server.SequenceRetryCount = unsigned(entry, "sequence_count");
        server.trigger = entry.optionalFlag("trigger");
        server.preferredTransport = constant(BindingMode.class, entry, "preferred_transport", null);
        server.muteSend = entry.optionalFlag("mute_send");
        return server;
    }

    private static ACLConfig acl(Command entry) {
        ACLConfig acl = new ACLConfig();
        acl.objectId = (int) entry.integer("object", 0, 65535);
        acl.objectInstanceId = (int) entry.integer("instance", 0, 65535);
        acl.AccessControlOwner = entry.optionalInteger("owner", 0, 65535);
        Command rights = entry.object("rights");
        if (rights != null) {
            Map<Integer, Long> byServer = new HashMap<>();
            rights.keys().forEach(key -> byServer.put(id(key), rights.integer(key, 0, 31)));
            acl.acls = byServer;
        }
        return acl;
    }

    /** Calls the taker with each entry of an object whose keys are instance ids. */
    private static void each(Command command, String key, java.util.function.BiConsumer<Integer, Command> taker) {
        Command entries = command.object(key);
        if (entries == null) {
            return;
        }
        for (String id : entries.keys()) {
            Command entry = entries.object(id);
            taker.accept(id(id), entry);
            entry.finish();
        }
    }

    private static int id(String key) {
        try {
            return Integer.parseUnsignedInt(key);
        } catch (NumberFormatException e) {
            throw new BadCommand("an instance id must be an integer, not \"%s\"", key);
        }
    }

    private static ULong unsigned(Command entry, String key) {
        return entry.has(key) ? ULong.valueOf(entry.integer(key, 0, Long.MAX_VALUE)) : null;
    }

    private static <E extends Enum<E>> E constant(Class<E> type, Command entry, String key, E otherwise) {
        if (!entry.has(key)) {
            return otherwise;
        }
        try {
            return Enum.valueOf(type, entry.text(key));
        } catch (IllegalArgumentException e) {
            throw entry.wrong(key, "one of " + java.util.Arrays.toString(type.getEnumConstants()), entry.node(key));
        }
    }

    private static void ifPresent(boolean present, Runnable action) {
        if (present) {
            action.run();
        }
    }
}
