package coracle.peer;

import org.eclipse.californium.scandium.config.DtlsConnectorConfig;
import org.eclipse.californium.scandium.dtls.DTLSSession;
import org.eclipse.californium.scandium.dtls.HandshakeException;
import org.eclipse.californium.scandium.dtls.Handshaker;
import org.eclipse.californium.scandium.dtls.ResumingServerHandshaker;
import org.eclipse.californium.scandium.dtls.SessionAdapter;

/** Reports the end of each DTLS handshake as an event {@code handshake}. */
final class Handshakes extends SessionAdapter {
    private final Output output;
    private final String server;

    private Handshakes(Output output, String server) {
        this.output = output;
        this.server = server;
    }

    static java.util.function.Consumer<DtlsConnectorConfig.Builder> reporter(Output output, String server) {
        return builder -> builder.setSessionListener(new Handshakes(output, server));
    }

    @Override
    public void handshakeCompleted(Handshaker handshaker) {
        DTLSSession session = handshaker.getSession();
        output.event("handshake", Json.object("server", server, "ok", true, //
                "source", CoapFacts.address(handshaker.getPeerAddress()), //
                "cipher", session.getCipherSuite().name(), //
                "resumed", handshaker instanceof ResumingServerHandshaker, //
                "extended_master_secret", session.useExtendedMasterSecret(), //
                "peer", session.getPeerIdentity() == null ? null : session.getPeerIdentity().getName()));
    }

    @Override
    public void handshakeFailed(Handshaker handshaker, Throwable error) {
        output.event("handshake", Json.object("server", server, "ok", false, //
                "source", CoapFacts.address(handshaker.getPeerAddress()), //
                "alert", error instanceof HandshakeException alerted ? alerted.getAlert().getDescription().name() : null,
                "message", Failures.text(error)));
    }
}
