package coracle.peer;

import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.eclipse.californium.core.coap.Request;
import org.eclipse.leshan.core.peer.LwM2mPeer;
import org.eclipse.leshan.core.request.UplinkRequest;
import org.eclipse.leshan.server.registration.Registration;
import org.eclipse.leshan.server.security.Authorization;
import org.eclipse.leshan.server.security.Authorizer;
import org.eclipse.leshan.server.security.DefaultAuthorizer;
import org.eclipse.leshan.server.security.SecurityStore;

/**
 * Decides who may register: Leshan's own rules, and the endpoints a test refuses. It also keeps the CoAP request of
 * each registration for the event, because a registration only has the links as Leshan understood them.
 */
final class Admission implements Authorizer {
    private final Authorizer rules;
    private final Set<String> refused = ConcurrentHashMap.newKeySet();
    private final Map<String, Request> requests = new ConcurrentHashMap<>();

    Admission(SecurityStore store) {
        rules = new DefaultAuthorizer(store);
    }

    void refuse(String endpoint, boolean on) {
        if (on) {
            refused.add(endpoint);
        } else {
            refused.remove(endpoint);
        }
    }

    /** The request that made or last changed a registration; given out once, null afterwards. */
    Request takeRequest(String registrationId) {
        return requests.remove(registrationId);
    }

    @Override
    public Authorization isAuthorized(UplinkRequest<?> request, Registration registration, LwM2mPeer sender) {
        if (refused.contains(registration.getEndpoint())) {
            return Authorization.declined();
        }
        if (request.getCoapRequest() instanceof Request coap) {
            requests.put(registration.getId(), coap);
        }
        return rules.isAuthorized(request, registration, sender);
    }
}
