package coracle.peer;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.eclipse.leshan.core.node.TimestampedLwM2mNode;
import org.eclipse.leshan.core.node.TimestampedLwM2mNodes;
import org.eclipse.leshan.core.observation.Observation;
import org.eclipse.leshan.core.response.BootstrapDiscoverResponse;
import org.eclipse.leshan.core.response.BootstrapReadResponse;
import org.eclipse.leshan.core.response.CreateResponse;
import org.eclipse.leshan.core.response.DiscoverResponse;
import org.eclipse.leshan.core.response.LwM2mResponse;
import org.eclipse.leshan.core.response.ObserveCompositeResponse;
import org.eclipse.leshan.core.response.ObserveResponse;
import org.eclipse.leshan.core.response.ReadCompositeResponse;
import org.eclipse.leshan.core.response.ReadResponse;

/** A response of the device as JSON: code, content, links, location, and the CoAP message it came in. */
final class Responses {
    private Responses() {
    }

    /** @param path the path of the request, null for a composite one */
    static Map<String, Object> facts(String path, LwM2mResponse response) {
        Map<String, Object> facts = Json.object("code", code(response), "message", response.getErrorMessage());
        content(path, response, facts);
        facts.put("coap", CoapFacts.of(response.getCoapResponse()));
        return facts;
    }

    /** 205 as "2.05". */
    static String code(LwM2mResponse response) {
        int code = response.getCode().getCode();
        return String.format("%d.%02d", code / 100, code % 100);
    }

    private static void content(String path, LwM2mResponse response, Map<String, Object> facts) {
        if (response instanceof ReadResponse read) {
            if (read.getContent() != null) {
                put(facts, Contents.of(path, read.getContent()));
            }
            if (read.getTimestampedLwM2mNode() != null) {
                facts.put("timestamped", timestamped(path, List.of(read.getTimestampedLwM2mNode())));
            }
        } else if (response instanceof BootstrapReadResponse read && read.getContent() != null) {
            put(facts, Contents.of(path, read.getContent()));
        } else if (response instanceof ReadCompositeResponse read && read.getContent() != null) {
            put(facts, Contents.of(read.getContent()));
        } else if (response instanceof DiscoverResponse discover && discover.getObjectLinks() != null) {
            facts.put("links", Contents.links(discover.getObjectLinks()));
        } else if (response instanceof BootstrapDiscoverResponse discover && discover.getObjectLinks() != null) {
            facts.put("links", Contents.links(discover.getObjectLinks()));
        } else if (response instanceof CreateResponse create && create.getLocation() != null) {
            facts.put("location", create.getLocation());
        }
        if (response instanceof ObserveResponse observe && observe.getTimestampedLwM2mNodes() != null) {
            facts.put("timestamped", timestamped(path, observe.getTimestampedLwM2mNodes()));
        } else if (response instanceof ObserveCompositeResponse observe
                && observe.getTimestampedLwM2mNodes() != null) {
            facts.put("timestamped", timestamped(observe.getTimestampedLwM2mNodes()));
        }
        Observation observation = observation(response);
        if (observation != null) {
            facts.put("observation", Observations.id(observation));
        }
    }

    /** The observation a response made, null if it made none. */
    static Observation observation(LwM2mResponse response) {
        if (response instanceof ObserveResponse observe) {
            return observe.getObservation();
        }
        return response instanceof ObserveCompositeResponse observe ? observe.getObservation() : null;
    }

    static List<Object> timestamped(String path, List<TimestampedLwM2mNode> nodes) {
        List<Object> list = new ArrayList<>();
        for (TimestampedLwM2mNode node : nodes) {
            list.add(at(node.getTimestamp(), Contents.of(path, node.getNode())));
        }
        return list;
    }

    static List<Object> timestamped(TimestampedLwM2mNodes nodes) {
        List<Object> list = new ArrayList<>();
        for (java.time.Instant time : nodes.getTimestamps()) {
            list.add(at(time, Contents.of(nodes.getNodesAt(time))));
        }
        return list;
    }

    /** Time in seconds with fraction, as in SenML. */
    private static Map<String, Object> at(java.time.Instant time, Contents contents) {
        Double seconds = time == null ? null : time.getEpochSecond() + time.getNano() / 1e9;
        return Json.object("time", seconds, "content", contents.values(), "missing", contents.missing());
    }

    private static void put(Map<String, Object> facts, Contents contents) {
        facts.put("content", contents.values());
        if (contents.missing() != null) {
            facts.put("missing", contents.missing());
        }
    }
}
