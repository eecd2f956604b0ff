package coracle.peer;

import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.eclipse.californium.core.coap.BlockOption;
import org.eclipse.californium.core.coap.CoAP;
import org.eclipse.californium.core.coap.MessageObserverAdapter;
import org.eclipse.californium.core.coap.Request;
import org.eclipse.californium.core.coap.Response;
import org.eclipse.leshan.core.observation.Observation;
import org.eclipse.leshan.core.request.DownlinkRequest;
import org.eclipse.leshan.core.response.LwM2mResponse;
import org.eclipse.leshan.server.LeshanServer;
import org.eclipse.leshan.server.registration.Registration;

/** Sends requests to registered devices and answers their commands. */
final class Sender {
    /** How long after its own time-out a command is given up, whatever state the library is in. */
    private static final long GRACE_MS = 5_000;

    private final LeshanServer server;
    private final Observations observations;
    private final ScheduledExecutorService watchdog = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "watchdog");
        thread.setDaemon(true);
        return thread;
    });

    Sender(LeshanServer server, Observations observations) {
        this.server = server;
        this.observations = observations;
    }

    Registration registration(String endpoint) {
        Registration registration = server.getRegistrationService().getByEndpoint(endpoint);
        if (registration == null) {
            throw new Failures.NotRegistered(endpoint);
        }
        return registration;
    }

    /** @param path the path of the request, null for a composite one */
    <T extends LwM2mResponse> void send(Registration to, DownlinkRequest<T> request, String path, Tweaks tweaks,
            Reply reply) {
        Exchange exchange = new Exchange(tweaks);
        server.send(to, request, exchange::start, tweaks.timeoutMs, response -> {
            try {
                Observation observation = Responses.observation(response);
                if (observation != null) {
                    observations.add(to.getEndpoint(), observation);
                }
                Map<String, Object> facts = Responses.facts(path, response);
                facts.putAll(exchange.facts());
                reply.give(facts);
            } catch (RuntimeException e) {
                reply.fail(e);
            }
        }, failure -> reply.fail(exchange.kind(failure), Failures.text(failure), exchange.response()));
        watchdog.schedule(() -> reply.fail("internal", "Leshan reported no outcome", null),
                tweaks.timeoutMs + GRACE_MS, TimeUnit.MILLISECONDS);
    }

    /** How a command departs from what Leshan would send: for tests of refusals. */
    record Tweaks(long timeoutMs, boolean nonConfirmable, Integer accept, Integer contentFormat, byte[] payload,
            Integer blockSize) {
        static Tweaks of(Command command) {
            Command coap = command.object("coap");
            long timeout = command.has("timeout") ? command.integer("timeout", 1, 600_000) : 10_000;
            if (coap == null) {
                return new Tweaks(timeout, false, null, null, null, null);
            }
            Tweaks tweaks = new Tweaks(timeout, coap.flag("non"), coap.optionalInteger("accept", 0, 65535),
                    coap.optionalInteger("format", 0, 65535), coap.has("payload") ? coap.bytes("payload") : null,
                    coap.optionalInteger("block_size", 16, 1024));
            coap.finish();
            return tweaks;
        }
    }

    /** Watches one CoAP exchange, so that a response Leshan rejects can still be shown. */
    private static final class Exchange extends MessageObserverAdapter {
        private final Tweaks tweaks;
        private final AtomicInteger retransmissions = new AtomicInteger();
        private volatile Response response;

        Exchange(Tweaks tweaks) {
            this.tweaks = tweaks;
        }

        void start(Object lowerRequest) {
            Request request = (Request) lowerRequest;
            if (tweaks.nonConfirmable()) {
                request.setType(CoAP.Type.NON);
            }
            if (tweaks.accept() != null) {
                request.getOptions().setAccept(tweaks.accept());
            }
            if (tweaks.contentFormat() != null) {
                request.getOptions().setContentFormat(tweaks.contentFormat());
            }
            if (tweaks.payload() != null) {
                request.setPayload(tweaks.payload());
            }
            if (tweaks.blockSize() != null) {
                request.getOptions().setBlock2(BlockOption.size2Szx(tweaks.blockSize()), false, 0);
            }
            request.addMessageObserver(this);
        }

        @Override
        public void onRetransmission() {
            retransmissions.incrementAndGet();
        }

        @Override
        public void onResponse(Response received) {
            response = received;
        }

        /** Leshan's decoders also trip over bad payloads with exceptions of other classes. */
        String kind(Throwable failure) {
            String kind = Failures.kind(failure);
            return kind.equals("internal") && response != null ? "invalid-response" : kind;
        }

        Map<String, Object> response() {
            return CoapFacts.of(response);
        }

        Map<String, Object> facts() {
            return Json.object("retransmissions", retransmissions.get());
        }
    }
}
