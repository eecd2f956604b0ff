package coracle.peer;

import java.util.Map;
import org.eclipse.leshan.core.peer.LwM2mPeer;
import org.eclipse.leshan.core.request.BootstrapDownlinkRequest;
import org.eclipse.leshan.core.request.BootstrapRequest;
import org.eclipse.leshan.core.response.LwM2mResponse;
import org.eclipse.leshan.server.bootstrap.BootstrapFailureCause;
import org.eclipse.leshan.server.bootstrap.BootstrapSession;
import org.eclipse.leshan.server.bootstrap.BootstrapSessionListener;

/** Reports each step of a bootstrap session as an event {@code bootstrap}. */
final class BootstrapReports implements BootstrapSessionListener {
    private final Output output;

    BootstrapReports(Output output) {
        this.output = output;
    }

    @Override
    public void sessionInitiated(BootstrapRequest request, LwM2mPeer client) {
        output.event("bootstrap", Json.object("ep", request.getEndpointName(), "step", "start", "preferred_format",
                request.getPreferredContentFormat() == null ? null : request.getPreferredContentFormat().getCode(),
                "attributes", request.getAdditionalAttributes()));
    }

    @Override
    public void unAuthorized(BootstrapRequest request, LwM2mPeer client) {
        output.event("bootstrap", Json.object("ep", request.getEndpointName(), "step", "unauthorized"));
    }

    @Override
    public void authorized(BootstrapSession session) {
        report("authorized", session, Json.object());
    }

    @Override
    public void noConfig(BootstrapSession session) {
        report("no-config", session, Json.object());
    }

    @Override
    public void sendRequest(BootstrapSession session, BootstrapDownlinkRequest<? extends LwM2mResponse> request) {
        // Its answer is reported.
    }

    @Override
    public void onResponseSuccess(BootstrapSession session, BootstrapDownlinkRequest<? extends LwM2mResponse> request,
            LwM2mResponse response) {
        report("response", session, answer(request, response));
    }

    @Override
    public void onResponseError(BootstrapSession session, BootstrapDownlinkRequest<? extends LwM2mResponse> request,
            LwM2mResponse response) {
        report("response", session, answer(request, response));
    }

    @Override
    public void onRequestFailure(BootstrapSession session, BootstrapDownlinkRequest<? extends LwM2mResponse> request,
            Throwable cause) {
        Map<String, Object> facts = request(request);
        facts.put("error", Failures.kind(cause));
        facts.put("message", Failures.text(cause));
        report("failure", session, facts);
    }

    @Override
    public void end(BootstrapSession session) {
        report("end", session, Json.object());
    }

    @Override
    public void failed(BootstrapSession session, BootstrapFailureCause cause) {
        report("failed", session, Json.object("cause", cause.name()));
    }

    private static Map<String, Object> request(BootstrapDownlinkRequest<? extends LwM2mResponse> request) {
        String name = request.getClass().getSimpleName();
        return Json.object("request", name.substring("Bootstrap".length(), name.length() - "Request".length()), //
                "path", request.getPath() == null ? null : request.getPath().toString());
    }

    private static Map<String, Object> answer(BootstrapDownlinkRequest<? extends LwM2mResponse> request,
            LwM2mResponse response) {
        Map<String, Object> facts = request(request);
        facts.putAll(Responses.facts(request.getPath() == null ? null : request.getPath().toString(), response));
        return facts;
    }

    private void report(String step, BootstrapSession session, Map<String, Object> more) {
        Map<String, Object> facts = Json.object("ep", session.getEndpoint(), "step", step);
        facts.putAll(more);
        output.event("bootstrap", facts);
    }
}
