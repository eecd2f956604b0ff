package coracle.peer;

import java.util.Collection;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.eclipse.leshan.core.observation.CompositeObservation;
import org.eclipse.leshan.core.observation.Observation;
import org.eclipse.leshan.core.observation.SingleObservation;

/** The observations made by commands, found by id (the token) or as the latest of an endpoint on a path. */
final class Observations {
    private record Made(String endpoint, Observation observation, long order) {
    }

    private final Map<String, Made> byId = new ConcurrentHashMap<>();
    private long made;

    synchronized void add(String endpoint, Observation observation) {
        byId.put(id(observation), new Made(endpoint, observation, made++));
    }

    void remove(Observation observation) {
        byId.remove(id(observation));
    }

    void removeAll(Collection<Observation> observations) {
        if (observations != null) {
            observations.forEach(this::remove);
        }
    }

    /** The observation a cancel command means: {@code observation}, {@code path}, or {@code composite}. */
    Observation find(String endpoint, Command command) {
        String id = command.text("observation", null);
        String path = command.text("path", null);
        boolean composite = command.flag("composite");
        return byId.values().stream().filter(m -> m.endpoint().equals(endpoint)).filter(m -> {
            if (id != null) {
                return id(m.observation()).equals(id);
            } else if (composite) {
                return m.observation() instanceof CompositeObservation;
            }
            return path != null && m.observation() instanceof SingleObservation single
                    && single.getPath().equals(Nodes.path(path));
        }).max((a, b) -> Long.compare(a.order(), b.order())).map(Made::observation).orElseThrow(
                () -> new BadCommand("no such observation of \"%s\": give \"observation\", \"path\" or \"composite\"",
                        endpoint));
    }

    static String id(Observation observation) {
        return observation.getId().getAsHexString();
    }
}
