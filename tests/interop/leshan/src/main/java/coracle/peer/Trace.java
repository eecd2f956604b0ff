package coracle.peer;

import java.util.Map;
import org.eclipse.californium.core.coap.CoAP;
import org.eclipse.californium.core.coap.EmptyMessage;
import org.eclipse.californium.core.coap.Message;
import org.eclipse.californium.core.coap.Request;
import org.eclipse.californium.core.coap.Response;
import org.eclipse.californium.core.network.CoapEndpoint;
import org.eclipse.californium.core.network.interceptors.MessageInterceptor;

/** Reports every CoAP message, after decryption and before encryption, as an event {@code coap}. */
final class Trace implements MessageInterceptor {
    private final Output output;
    private final String server;

    private Trace(Output output, String server) {
        this.output = output;
        this.server = server;
    }

    static void on(CoapEndpoint endpoint, Output output, String server) {
        endpoint.addInterceptor(new Trace(output, server));
    }

    private void report(String way, String code, Message message) {
        Map<String, Object> facts = Json.object("server", server, "way", way, "code", code);
        facts.putAll(CoapFacts.message(message));
        facts.put("options", message.getOptions().toString());
        output.event("coap", facts);
    }

    /** 0x45 as "2.05". */
    private static String code(int value) {
        return String.format("%d.%02d", CoAP.getCodeClass(value), CoAP.getCodeDetail(value));
    }

    @Override
    public void sendRequest(Request request) {
        report("out", code(request.getCode().value), request);
    }

    @Override
    public void sendResponse(Response response) {
        report("out", code(response.getCode().value), response);
    }

    @Override
    public void sendEmptyMessage(EmptyMessage message) {
        report("out", "0.00", message);
    }

    @Override
    public void receiveRequest(Request request) {
        report("in", code(request.getCode().value), request);
    }

    @Override
    public void receiveResponse(Response response) {
        report("in", code(response.getCode().value), response);
    }

    @Override
    public void receiveEmptyMessage(EmptyMessage message) {
        report("in", "0.00", message);
    }
}
