package coracle.peer;

import java.lang.reflect.Field;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.eclipse.californium.core.config.CoapConfig;
import org.eclipse.californium.elements.config.Configuration;
import org.eclipse.californium.elements.config.DocumentedDefinition;
import org.eclipse.californium.elements.config.SystemConfig;
import org.eclipse.californium.elements.config.UdpConfig;
import org.eclipse.californium.scandium.config.DtlsConfig;

/** The settings of CoAP and DTLS, from the options. */
final class Settings {
    private static final List<Class<?>> MODULES = List.of(CoapConfig.class, UdpConfig.class, SystemConfig.class,
            DtlsConfig.class);

    private Settings() {
    }

    static Configuration apply(Options options, Configuration configuration) {
        configuration.set(DtlsConfig.DTLS_RECOMMENDED_CIPHER_SUITES_ONLY, !options.has("old-ciphers"));
        if (options.has("cid")) {
            configuration.set(DtlsConfig.DTLS_CONNECTION_ID_LENGTH, options.integer("cid", 0, 8));
        }
        if (options.has("extended-master-secret")) {
            configuration.set(DtlsConfig.DTLS_EXTENDED_MASTER_SECRET_MODE, options.extendedMasterSecret());
        }
        if (options.has("handshake-timeout-ms")) {
            configuration.set(DtlsConfig.DTLS_RETRANSMISSION_TIMEOUT,
                    options.integer("handshake-timeout-ms", 1, Integer.MAX_VALUE), TimeUnit.MILLISECONDS);
        }
        for (String key : options.californium.stringPropertyNames()) {
            set(configuration, definition(key), options.californium.getProperty(key));
        }
        return configuration;
    }

    private static <T> void set(Configuration configuration, DocumentedDefinition<T> definition, String value) {
        try {
            configuration.setFromText(definition, value);
        } catch (IllegalArgumentException e) {
            throw new BadCommand("--set: %s", e.getMessage());
        }
    }

    /** Californium keeps its table of definitions to itself and ignores what is not in it; so it is searched here. */
    private static DocumentedDefinition<?> definition(String key) {
        for (Class<?> module : MODULES) {
            for (Field field : module.getFields()) {
                try {
                    if (DocumentedDefinition.class.isAssignableFrom(field.getType())
                            && field.get(null) instanceof DocumentedDefinition<?> definition
                            && definition.getKey().equals(key)) {
                        return definition;
                    }
                } catch (IllegalAccessException e) {
                    throw new IllegalStateException(e);
                }
            }
        }
        throw new BadCommand("--set: Californium has no setting %s", key);
    }
}
