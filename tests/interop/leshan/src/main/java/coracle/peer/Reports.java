package coracle.peer;

import java.util.Map;
import org.eclipse.californium.core.coap.Request;
import org.eclipse.leshan.core.node.TimestampedLwM2mNodes;
import org.eclipse.leshan.core.observation.CompositeObservation;
import org.eclipse.leshan.core.observation.Observation;
import org.eclipse.leshan.core.observation.SingleObservation;
import org.eclipse.leshan.core.request.SendRequest;
import org.eclipse.leshan.core.response.LwM2mResponse;
import org.eclipse.leshan.core.response.ObserveCompositeResponse;
import org.eclipse.leshan.core.response.ObserveResponse;
import org.eclipse.leshan.server.observation.ObservationListener;
import org.eclipse.leshan.server.queue.PresenceListener;
import org.eclipse.leshan.server.registration.Registration;
import org.eclipse.leshan.server.send.SendListener;

/** Reports what devices say by themselves: notifications, Send, and when queue mode devices sleep and wake. */
final class Reports implements ObservationListener, SendListener, PresenceListener {
    private final Output output;

    Reports(Output output) {
        this.output = output;
    }

    @Override
    public void newObservation(Observation observation, Registration registration) {
        // The answer to the command tells it.
    }

    @Override
    public void cancelled(Observation observation) {
        output.event("cancelled", observation(observation));
    }

    @Override
    public void onResponse(SingleObservation observation, Registration registration, ObserveResponse response) {
        notify(observation, registration, observation.getPath().toString(), response);
    }

    @Override
    public void onResponse(CompositeObservation observation, Registration registration,
            ObserveCompositeResponse response) {
        notify(observation, registration, null, response);
    }

    private void notify(Observation observation, Registration registration, String path, LwM2mResponse response) {
        Map<String, Object> facts = Json.object("ep", registration.getEndpoint());
        facts.putAll(observation(observation));
        facts.putAll(Responses.facts(path, response));
        output.event("notify", facts);
    }

    @Override
    public void onError(Observation observation, Registration registration, Exception error) {
        Map<String, Object> facts = Json.object("ep", registration == null ? null : registration.getEndpoint(),
                "message", Failures.text(error));
        facts.putAll(observation(observation));
        output.event("notify-error", facts);
    }

    private static Map<String, Object> observation(Observation observation) {
        return Json.object("observation", Observations.id(observation), //
                "path", observation instanceof SingleObservation single ? single.getPath().toString() : null, //
                "paths", observation instanceof CompositeObservation composite
                        ? composite.getPaths().stream().map(Object::toString).toList()
                        : null);
    }

    @Override
    public void dataReceived(Registration registration, TimestampedLwM2mNodes data, SendRequest request) {
        output.event("send", Json.object("ep", registration.getEndpoint(), "timestamped", Responses.timestamped(data),
                "coap", request.getCoapRequest() instanceof Request coap ? CoapFacts.message(coap) : null));
    }

    @Override
    public void onError(Registration registration, String message, Exception error) {
        output.event("send-error", Json.object("ep", registration == null ? null : registration.getEndpoint(),
                "message", message + ": " + Failures.text(error)));
    }

    @Override
    public void onSleeping(Registration registration) {
        output.event("sleeping", Json.object("ep", registration.getEndpoint()));
    }

    @Override
    public void onAwake(Registration registration) {
        output.event("awake", Json.object("ep", registration.getEndpoint()));
    }
}
