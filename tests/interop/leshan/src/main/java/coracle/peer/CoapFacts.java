package coracle.peer;

import java.util.Map;
import org.eclipse.californium.core.coap.Message;
import org.eclipse.californium.core.coap.OptionSet;
import org.eclipse.californium.core.coap.Response;
import org.eclipse.californium.elements.DtlsEndpointContext;
import org.eclipse.californium.elements.EndpointContext;
import org.eclipse.californium.elements.util.Bytes;

/** What a CoAP message looked like on the wire and where it came from. */
final class CoapFacts {
    private CoapFacts() {
    }

    /** Null when there is no Californium response, so that the field stays out of the answer. */
    static Map<String, Object> of(Object response) {
        return response instanceof Response message ? message(message) : null;
    }

    static Map<String, Object> message(Message message) {
        OptionSet options = message.getOptions();
        return Json.object("type", String.valueOf(message.getType()), //
                "mid", message.hasMID() ? message.getMID() : null, //
                "token", message.getTokenBytes() == null ? null : Hex.encode(message.getTokenBytes()), //
                "format", options.hasContentFormat() ? options.getContentFormat() : null, //
                "accept", options.hasAccept() ? options.getAccept() : null, //
                "observe", options.hasObserve() ? options.getObserve() : null, //
                "max_age", options.hasMaxAge() ? options.getMaxAge() : null, //
                "size", message.getPayloadSize(), //
                "payload", Hex.encode(message.getPayload()), //
                "source", address(message.getSourceContext()), //
                "dtls", dtls(message.getSourceContext()));
    }

    private static String address(EndpointContext context) {
        return context == null ? null : address(context.getPeerAddress());
    }

    static String address(java.net.InetSocketAddress address) {
        return address == null ? null : address.getAddress().getHostAddress() + ":" + address.getPort();
    }

    private static Map<String, Object> dtls(EndpointContext context) {
        if (context == null || context.get(DtlsEndpointContext.KEY_CIPHER) == null) {
            return null;
        }
        return Json.object("cipher", context.get(DtlsEndpointContext.KEY_CIPHER), //
                "epoch", context.get(DtlsEndpointContext.KEY_EPOCH), //
                "session", hex(context.get(DtlsEndpointContext.KEY_SESSION_ID)), //
                "handshake_time", context.get(DtlsEndpointContext.KEY_HANDSHAKE_TIMESTAMP), //
                "read_cid", hex(context.get(DtlsEndpointContext.KEY_READ_CONNECTION_ID)), //
                "write_cid", hex(context.get(DtlsEndpointContext.KEY_WRITE_CONNECTION_ID)), //
                "previous_source", address(context.get(DtlsEndpointContext.KEY_PREVIOUS_ADDRESS)), //
                "peer", context.getPeerIdentity() == null ? null : context.getPeerIdentity().getName());
    }

    private static String hex(Bytes bytes) {
        return bytes == null ? null : Hex.encode(bytes.getBytes());
    }
}
