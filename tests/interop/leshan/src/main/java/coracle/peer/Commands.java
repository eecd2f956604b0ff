package coracle.peer;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.eclipse.leshan.core.observation.CompositeObservation;
import org.eclipse.leshan.core.observation.Observation;
import org.eclipse.leshan.core.observation.SingleObservation;
import org.eclipse.leshan.core.request.CancelCompositeObservationRequest;
import org.eclipse.leshan.core.request.CancelObservationRequest;
import org.eclipse.leshan.core.request.DownlinkRequest;
import org.eclipse.leshan.core.response.LwM2mResponse;
import org.eclipse.leshan.server.registration.Registration;
import org.eclipse.leshan.server.security.InMemorySecurityStore;
import org.eclipse.leshan.server.security.NonUniqueSecurityInfoException;
import org.eclipse.leshan.server.security.SecurityInfo;

/** The command set: finds the command by its {@code op} and runs it. */
final class Commands {
    private interface Action {
        void run(Command command, Reply reply);
    }

    private final Servers servers;
    private final Output output;
    private final Sender sender;
    private final Map<String, Action> actions = new TreeMap<>();

    Commands(Servers servers, Output output) {
        this.servers = servers;
        this.output = output;
        this.sender = new Sender(servers.server, servers.observations);
        actions.put("psk", this::psk);
        actions.put("rpk", this::rpk);
        actions.put("x509", this::x509);
        actions.put("forget", this::forget);
        actions.put("refuse", this::refuse);
        actions.put("clients", this::clients);
        actions.put("drop", this::drop);
        actions.put("cancel", this::cancel);
        actions.put("bootstrap-config", this::bootstrapConfig);
        actions.put("bootstrap-script", this::bootstrapScript);
    }

    /** Runs one line of the input. Whatever happens, exactly one line answers it. */
    void run(String line) {
        Reply reply = new Reply(output, null);
        try {
            Command command = Command.parse(line);
            reply = new Reply(output, command.id());
            String operation = command.text("op");
            Action action = actions.get(operation);
            if (action != null) {
                action.run(command, reply);
            } else if (Requests.knows(operation)) {
                request(operation, command, reply);
            } else {
                TreeSet<String> known = new TreeSet<>(actions.keySet());
                known.addAll(Requests.names());
                throw new BadCommand("unknown op \"%s\"; known: %s", operation, String.join(", ", known));
            }
        } catch (RuntimeException e) {
            reply.fail(e);
        }
    }

    private void request(String operation, Command command, Reply reply) {
        String endpoint = command.text("ep");
        Sender.Tweaks tweaks = Sender.Tweaks.of(command);
        DownlinkRequest<? extends LwM2mResponse> request = Requests.of(operation, command);
        String path = command.text("path", null);
        command.finish();
        sender.send(sender.registration(endpoint), request, path, tweaks, reply);
    }

    /** Active: a request to the device. Passive: the server forgets, so that the next notification gets a reset. */
    private void cancel(Command command, Reply reply) {
        String endpoint = command.text("ep");
        Sender.Tweaks tweaks = Sender.Tweaks.of(command);
        boolean passive = command.flag("passive");
        Registration registration = sender.registration(endpoint);
        Observation observation = servers.observations.find(endpoint, command);
        command.finish();
        if (passive) {
            servers.observations.remove(observation);
            servers.server.getObservationService().cancelObservation(observation);
            reply.done();
        } else if (observation instanceof CompositeObservation composite) {
            sender.send(registration, new CancelCompositeObservationRequest(composite), null, tweaks, reply);
        } else if (observation instanceof SingleObservation single) {
            sender.send(registration, new CancelObservationRequest(single), single.getPath().toString(), tweaks,
                    reply);
        }
    }

    private void psk(Command command, Reply reply) {
        String endpoint = command.text("ep");
        String identity = command.text("identity");
        addSecurity(command, SecurityInfo.newPreSharedKeyInfo(endpoint, identity, command.bytes("key")), reply);
    }

    private void rpk(Command command, Reply reply) {
        addSecurity(command, SecurityInfo.newRawPublicKeyInfo(command.text("ep"),
                Credentials.publicKey(command.bytes("key"))), reply);
    }

    private void x509(Command command, Reply reply) {
        addSecurity(command, SecurityInfo.newX509CertInfo(command.text("ep")), reply);
    }

    private void addSecurity(Command command, SecurityInfo info, Reply reply) {
        InMemorySecurityStore store = store(command);
        command.finish();
        try {
            store.add(info);
        } catch (NonUniqueSecurityInfoException e) {
            throw new BadCommand("%s", e.getMessage());
        }
        reply.done();
    }

    private void forget(Command command, Reply reply) {
        String endpoint = command.text("ep");
        InMemorySecurityStore store = store(command);
        command.finish();
        store.remove(endpoint, true);
        reply.done();
    }

    private InMemorySecurityStore store(Command command) {
        return command.flag("bootstrap") ? servers.bootstrapSecurity : servers.security;
    }

    private void refuse(Command command, Reply reply) {
        String endpoint = command.text("ep");
        boolean on = !Boolean.FALSE.equals(command.optionalFlag("on"));
        command.finish();
        servers.admission.refuse(endpoint, on);
        reply.done();
    }

    private void clients(Command command, Reply reply) {
        command.finish();
        List<Object> clients = new ArrayList<>();
        servers.server.getRegistrationService().getAllRegistrations()
                .forEachRemaining(registration -> clients.add(Registrations.facts(registration)));
        reply.give(Json.object("clients", clients));
    }

    /** The server forgets a registration without a word to the device: its next Update is answered 4.04. */
    private void drop(Command command, Reply reply) {
        String endpoint = command.text("ep");
        command.finish();
        Registration registration = sender.registration(endpoint);
        servers.server.getRegistrationStore().removeRegistration(registration.getId());
        reply.done();
    }

    private void bootstrapConfig(Command command, Reply reply) {
        String endpoint = command.text("ep");
        JsonNode config = command.node("config");
        command.finish();
        if (config == null) {
            servers.bootstrapTasks.forget(endpoint);
        } else {
            servers.bootstrapTasks.configure(endpoint, config);
        }
        reply.done();
    }

    private void bootstrapScript(Command command, Reply reply) {
        String endpoint = command.text("ep");
        JsonNode steps = command.required("steps");
        Command objects = command.object("objects");
        command.finish();
        servers.bootstrapTasks.script(endpoint, steps, objects);
        reply.done();
    }
}
