package coracle.peer;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.eclipse.leshan.core.node.LwM2mPath;
import org.eclipse.leshan.core.request.BootstrapDeleteRequest;
import org.eclipse.leshan.core.request.BootstrapDiscoverRequest;
import org.eclipse.leshan.core.request.BootstrapDownlinkRequest;
import org.eclipse.leshan.core.request.BootstrapReadRequest;
import org.eclipse.leshan.core.request.BootstrapWriteRequest;
import org.eclipse.leshan.core.request.ContentFormat;
import org.eclipse.leshan.core.response.LwM2mResponse;
import org.eclipse.leshan.server.bootstrap.BootstrapConfigStoreTaskProvider;
import org.eclipse.leshan.server.bootstrap.BootstrapSession;
import org.eclipse.leshan.server.bootstrap.BootstrapTaskProvider;
import org.eclipse.leshan.server.bootstrap.InMemoryBootstrapConfigStore;
import org.eclipse.leshan.server.bootstrap.InvalidConfigurationException;

/** What the bootstrap server does with an endpoint: a configuration as Leshan has it, or a script of requests. */
final class BootstrapTasks implements BootstrapTaskProvider {
    private record Script(JsonNode steps, Map<Integer, String> objects) {
    }

    private final InMemoryBootstrapConfigStore configs = new InMemoryBootstrapConfigStore();
    private final BootstrapTaskProvider configured = new BootstrapConfigStoreTaskProvider(configs);
    private final Map<String, Script> scripts = new ConcurrentHashMap<>();

    void configure(String endpoint, JsonNode config) {
        scripts.remove(endpoint);
        try {
            configs.remove(endpoint);
            configs.add(endpoint, BootstrapConfigs.read(config));
        } catch (InvalidConfigurationException e) {
            throw new BadCommand("config: %s", e.getMessage());
        }
    }

    /** Steps are tried once here, so that a bad one is an error of the command and not of the session. */
    void script(String endpoint, JsonNode steps, Command objects) {
        requests(steps);
        Map<Integer, String> versions = new java.util.HashMap<>(Map.of(0, "1.1", 1, "1.1", 2, "1.0", 3, "1.1"));
        if (objects != null) {
            objects.keys().forEach(key -> versions.put(Nodes.path("/" + key).getObjectId(), objects.text(key)));
        }
        scripts.put(endpoint, new Script(steps, versions));
    }

    void forget(String endpoint) {
        scripts.remove(endpoint);
        configs.remove(endpoint);
    }

    @Override
    public Tasks getTasks(BootstrapSession session, List<LwM2mResponse> previousResponses) {
        Script script = scripts.get(session.getEndpoint());
        if (script == null) {
            return configured.getTasks(session, previousResponses);
        }
        Tasks tasks = new Tasks();
        tasks.requestsToSend = requests(script.steps());
        tasks.supportedObjects = script.objects();
        return tasks;
    }

    private static List<BootstrapDownlinkRequest<? extends LwM2mResponse>> requests(JsonNode steps) {
        List<BootstrapDownlinkRequest<? extends LwM2mResponse>> requests = new ArrayList<>();
        for (JsonNode step : steps) {
            Command command = Command.of(step, "a bootstrap step");
            requests.add(request(command));
            command.finish();
        }
        return requests;
    }

    private static BootstrapDownlinkRequest<? extends LwM2mResponse> request(Command step) {
        String operation = step.text("op");
        LwM2mPath path = Nodes.path(step.text("path", "/"));
        return switch (operation) {
        case "delete" -> new BootstrapDeleteRequest(path.toString());
        case "discover" -> new BootstrapDiscoverRequest(path.toString());
        case "read" -> new BootstrapReadRequest(step.format("format"), path.toString());
        case "write" -> new BootstrapWriteRequest(path, Nodes.read(path, step.required("node")),
                step.has("format") ? step.format("format") : ContentFormat.TLV);
        default -> throw new BadCommand("a bootstrap step is delete, discover, read or write, not \"%s\"", operation);
        };
    }
}
