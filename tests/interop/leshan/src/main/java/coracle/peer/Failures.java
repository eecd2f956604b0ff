package coracle.peer;

import java.util.Map;
import org.eclipse.leshan.core.node.InvalidLwM2mPathException;
import org.eclipse.leshan.core.node.codec.CodecException;
import org.eclipse.leshan.core.request.exception.ClientSleepingException;
import org.eclipse.leshan.core.request.exception.InvalidRequestException;
import org.eclipse.leshan.core.request.exception.InvalidResponseException;
import org.eclipse.leshan.core.request.exception.RequestCanceledException;
import org.eclipse.leshan.core.request.exception.RequestRejectedException;
import org.eclipse.leshan.core.request.exception.SendFailedException;
import org.eclipse.leshan.core.request.exception.TimeoutException;
import org.eclipse.leshan.core.request.exception.UnconnectedPeerException;

/** Why a command has no answer from the device: a kind for programs and a sentence for people. */
final class Failures {
    private static final Map<Class<? extends Throwable>, String> KINDS = Map.ofEntries( //
            Map.entry(BadCommand.class, "bad-command"), //
            Map.entry(NotRegistered.class, "not-registered"), //
            Map.entry(RequestRejectedException.class, "reset"), //
            Map.entry(RequestCanceledException.class, "cancelled"), //
            Map.entry(SendFailedException.class, "send-failed"), //
            Map.entry(UnconnectedPeerException.class, "unconnected"), //
            Map.entry(ClientSleepingException.class, "sleeping"), //
            Map.entry(InvalidResponseException.class, "invalid-response"), //
            Map.entry(InvalidRequestException.class, "invalid-request"), //
            Map.entry(InvalidLwM2mPathException.class, "invalid-request"), //
            Map.entry(CodecException.class, "invalid-request"));

    private Failures() {
    }

    static String kind(Throwable failure) {
        if (failure instanceof TimeoutException timeout) {
            return switch (timeout.getType()) {
            case RESPONSE_TIMEOUT -> "no-response";
            case COAP_TIMEOUT -> "no-acknowledgement";
            case DTLS_HANDSHAKE_TIMEOUT -> "no-handshake";
            };
        }
        return KINDS.getOrDefault(failure.getClass(), "internal");
    }

    /** The message and those of its causes: Leshan hides the reason two levels down. */
    static String text(Throwable failure) {
        StringBuilder text = new StringBuilder();
        for (Throwable t = failure; t != null; t = t.getCause()) {
            String message = t.getMessage() == null ? t.getClass().getSimpleName() : t.getMessage();
            if (text.isEmpty()) {
                text.append(message);
            } else if (!text.toString().contains(message)) {
                text.append(": ").append(message);
            }
        }
        return text.toString();
    }

    /** The command names an endpoint without a registration. */
    static final class NotRegistered extends RuntimeException {
        NotRegistered(String endpoint) {
            super("endpoint \"" + endpoint + "\" is not registered");
        }
    }
}
