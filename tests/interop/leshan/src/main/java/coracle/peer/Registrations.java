package coracle.peer;

import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;
import org.eclipse.californium.core.coap.Request;
import org.eclipse.leshan.core.observation.Observation;
import org.eclipse.leshan.core.peer.LwM2mIdentity;
import org.eclipse.leshan.core.peer.PskIdentity;
import org.eclipse.leshan.core.peer.RpkIdentity;
import org.eclipse.leshan.core.peer.X509Identity;
import org.eclipse.leshan.core.request.BindingMode;
import org.eclipse.leshan.core.request.ContentFormat;
import org.eclipse.leshan.server.registration.Registration;
import org.eclipse.leshan.server.registration.RegistrationListener;
import org.eclipse.leshan.server.registration.RegistrationUpdate;

/** Reports registrations, updates and their ends. */
final class Registrations implements RegistrationListener {
    private final Output output;
    private final Admission admission;
    private final Observations observations;

    Registrations(Output output, Admission admission, Observations observations) {
        this.output = output;
        this.admission = admission;
        this.observations = observations;
    }

    @Override
    public void registered(Registration registration, Registration previous, Collection<Observation> cancelled) {
        Map<String, Object> facts = facts(registration);
        facts.putAll(request(registration));
        facts.put("replaces", previous == null ? null : previous.getId());
        output.event("registered", facts);
    }

    @Override
    public void updated(RegistrationUpdate update, Registration registration, Registration previous) {
        Map<String, Object> facts = facts(registration);
        facts.putAll(request(registration));
        facts.put("previous_address", CoapFacts.address(previous.getSocketAddress()));
        output.event("updated", facts);
    }

    @Override
    public void unregistered(Registration registration, Collection<Observation> cancelled, boolean expired,
            Registration replacement) {
        observations.removeAll(cancelled);
        admission.takeRequest(registration.getId());
        output.event("unregistered", Json.object("ep", registration.getEndpoint(), "id", registration.getId(),
                "expired", expired, "replaced_by", replacement == null ? null : replacement.getId()));
    }

    /** The registration as the server keeps it. */
    static Map<String, Object> facts(Registration registration) {
        Map<String, Object> objects = new TreeMap<>();
        registration.getSupportedObject().forEach((id, version) -> objects.put(id.toString(), version.toString()));
        return Json.object("ep", registration.getEndpoint(), //
                "id", registration.getId(), //
                "version", registration.getLwM2mVersion().toString(), //
                "lifetime", registration.getLifeTimeInSec(), //
                "binding", BindingMode.toString(registration.getBindingMode()), //
                "queue", registration.usesQueueMode(), //
                "sms", registration.getSmsNumber(), //
                "root", registration.getRootPath(), //
                "links", Contents.links(registration.getObjectLinks()), //
                "objects", objects, //
                "formats", registration.getSupportedContentFormats() == null ? null
                        : registration.getSupportedContentFormats().stream().map(ContentFormat::getCode).sorted()
                                .toList(), //
                "attributes", registration.getAdditionalRegistrationAttributes(), //
                "address", CoapFacts.address(registration.getSocketAddress()), //
                "secure", registration.getClientTransportData().getIdentity().isSecure(), //
                "identity", identity(registration.getClientTransportData().getIdentity()));
    }

    /** What the device sent, as it sent it. */
    private Map<String, Object> request(Registration registration) {
        Request request = admission.takeRequest(registration.getId());
        if (request == null) {
            return Json.object();
        }
        return Json.object("query", request.getOptions().getUriQuery(), //
                "payload", request.getPayloadString(), //
                "coap", CoapFacts.message(request));
    }

    private static String identity(LwM2mIdentity identity) {
        if (identity instanceof PskIdentity psk) {
            return psk.getPskIdentity();
        } else if (identity instanceof RpkIdentity rpk) {
            return Hex.encode(rpk.getPublicKey().getEncoded());
        } else if (identity instanceof X509Identity x509) {
            return x509.getX509CommonName();
        }
        return null;
    }
}
