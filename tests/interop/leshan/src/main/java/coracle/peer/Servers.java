package coracle.peer;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.eclipse.californium.core.network.CoapEndpoint;
import org.eclipse.leshan.core.endpoint.Protocol;
import org.eclipse.leshan.core.model.ObjectModel;
import org.eclipse.leshan.server.LeshanServer;
import org.eclipse.leshan.server.LeshanServerBuilder;
import org.eclipse.leshan.server.bootstrap.LeshanBootstrapServer;
import org.eclipse.leshan.server.bootstrap.LeshanBootstrapServerBuilder;
import org.eclipse.leshan.server.californium.bootstrap.endpoint.CaliforniumBootstrapServerEndpoint;
import org.eclipse.leshan.server.californium.bootstrap.endpoint.CaliforniumBootstrapServerEndpointsProvider;
import org.eclipse.leshan.server.californium.bootstrap.endpoint.coap.CoapBootstrapServerProtocolProvider;
import org.eclipse.leshan.server.californium.bootstrap.endpoint.coaps.CoapsBootstrapServerProtocolProvider;
import org.eclipse.leshan.server.californium.endpoint.CaliforniumServerEndpoint;
import org.eclipse.leshan.server.californium.endpoint.CaliforniumServerEndpointsProvider;
import org.eclipse.leshan.server.californium.endpoint.coap.CoapServerProtocolProvider;
import org.eclipse.leshan.server.californium.endpoint.coaps.CoapsServerProtocolProvider;
import org.eclipse.leshan.server.model.VersionedBootstrapModelProvider;
import org.eclipse.leshan.server.model.VersionedModelProvider;
import org.eclipse.leshan.server.queue.StaticClientAwakeTimeProvider;
import org.eclipse.leshan.server.security.BootstrapSecurityStoreAdapter;
import org.eclipse.leshan.server.security.InMemorySecurityStore;

/** The LwM2M server and the bootstrap server, built from the options. */
final class Servers {
    final InMemorySecurityStore security = new InMemorySecurityStore();
    final InMemorySecurityStore bootstrapSecurity = new InMemorySecurityStore();
    final Admission admission = new Admission(security);
    final BootstrapTasks bootstrapTasks = new BootstrapTasks();
    final Observations observations = new Observations();
    final LeshanServer server;
    final LeshanBootstrapServer bootstrapServer;

    Servers(Options options, Output output) {
        List<ObjectModel> models = Models.load(options.has("models") ? options.models() : null);
        Credentials credentials = Credentials.of(options);
        server = server(options, output, models, credentials);
        bootstrapServer = bootstrapServer(options, output, models, credentials);
        listen(output);
        if (options.has("trace")) {
            coapEndpoints().forEach((name, endpoint) -> Trace.on(endpoint, output, name));
        }
    }

    private LeshanServer server(Options options, Output output, List<ObjectModel> models, Credentials credentials) {
        CaliforniumServerEndpointsProvider.Builder endpoints = new CaliforniumServerEndpointsProvider.Builder(
                new CoapServerProtocolProvider(),
                new CoapsServerProtocolProvider(Handshakes.reporter(output, "coaps")));
        endpoints.setConfiguration(Settings.apply(options, endpoints.createDefaultConfiguration()));
        endpoints.addEndpoint(options.address("coap"), Protocol.COAP);
        endpoints.addEndpoint(options.address("coaps"), Protocol.COAPS);

        LeshanServerBuilder builder = new LeshanServerBuilder();
        builder.setObjectModelProvider(new VersionedModelProvider(models));
        builder.setSecurityStore(security);
        builder.setAuthorizer(admission);
        builder.setEndpointsProviders(endpoints.build());
        if (options.has("awake-ms")) {
            builder.setClientAwakeTimeProvider(
                    new StaticClientAwakeTimeProvider(options.integer("awake-ms", 1, Integer.MAX_VALUE)));
        }
        if (credentials != null) {
            builder.setPrivateKey(credentials.key());
            builder.setPublicKey(credentials.publicKey());
            builder.setCertificateChain(credentials.chain());
            builder.setTrustedCertificates(credentials.trusted());
        }
        return builder.build();
    }

    private LeshanBootstrapServer bootstrapServer(Options options, Output output, List<ObjectModel> models,
            Credentials credentials) {
        CaliforniumBootstrapServerEndpointsProvider.Builder endpoints = new CaliforniumBootstrapServerEndpointsProvider.Builder(
                new CoapBootstrapServerProtocolProvider(),
                new CoapsBootstrapServerProtocolProvider(Handshakes.reporter(output, "bs_coaps")));
        endpoints.setConfiguration(Settings.apply(options, endpoints.createDefaultConfiguration()));
        endpoints.addEndpoint(options.address("bs-coap"), Protocol.COAP);
        endpoints.addEndpoint(options.address("bs-coaps"), Protocol.COAPS);

        LeshanBootstrapServerBuilder builder = new LeshanBootstrapServerBuilder();
        builder.setObjectModelProvider(new VersionedBootstrapModelProvider(models));
        builder.setSecurityStore(new BootstrapSecurityStoreAdapter(bootstrapSecurity));
        builder.setTaskProvider(bootstrapTasks);
        builder.setEndpointsProviders(endpoints.build());
        if (credentials != null) {
            builder.setPrivateKey(credentials.key());
            builder.setPublicKey(credentials.publicKey());
            builder.setCertificateChain(credentials.chain());
            builder.setTrustedCertificates(credentials.trusted());
        }
        return builder.build();
    }

    private void listen(Output output) {
        Reports reports = new Reports(output);
        server.getRegistrationService().addListener(new Registrations(output, admission, observations));
        server.getObservationService().addListener(reports);
        server.getSendService().addListener(reports);
        server.getPresenceService().addListener(reports);
        bootstrapServer.addListener(new BootstrapReports(output));
    }

    /** Binds the ports and tells which. */
    Map<String, Object> start() {
        server.start();
        bootstrapServer.start();
        Map<String, CoapEndpoint> endpoints = coapEndpoints();
        if (endpoints.size() != 4) {
            throw new BadCommand("only %s can be served: the DTLS settings contradict each other (see the log)",
                    endpoints.keySet());
        }
        Map<String, Object> ports = new LinkedHashMap<>();
        endpoints.forEach((name, endpoint) -> {
            // A port that is taken is only logged by Californium, as long as another one is free.
            if (!endpoint.isStarted()) {
                throw new BadCommand("cannot bind the port of --%s: is it in use?", name.replace('_', '-'));
            }
            ports.put(name, endpoint.getAddress().getPort());
        });
        return ports;
    }

    private Map<String, CoapEndpoint> coapEndpoints() {
        Map<String, CoapEndpoint> endpoints = new LinkedHashMap<>();
        server.getEndpoints().forEach(endpoint -> endpoints.put(name(endpoint.getProtocol()),
                ((CaliforniumServerEndpoint) endpoint).getCoapEndpoint()));
        bootstrapServer.getEndpoints().forEach(endpoint -> endpoints.put("bs_" + name(endpoint.getProtocol()),
                ((CaliforniumBootstrapServerEndpoint) endpoint).getCoapEndpoint()));
        return endpoints;
    }

    private static String name(Protocol protocol) {
        return protocol.getUriScheme();
    }
}
