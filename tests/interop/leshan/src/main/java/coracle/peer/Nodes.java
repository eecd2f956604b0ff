package coracle.peer;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.eclipse.leshan.core.model.ResourceModel.Type;
import org.eclipse.leshan.core.node.LwM2mMultipleResource;
import org.eclipse.leshan.core.node.LwM2mNode;
import org.eclipse.leshan.core.node.LwM2mNodeException;
import org.eclipse.leshan.core.node.LwM2mObject;
import org.eclipse.leshan.core.node.LwM2mObjectInstance;
import org.eclipse.leshan.core.node.LwM2mPath;
import org.eclipse.leshan.core.node.LwM2mResource;
import org.eclipse.leshan.core.node.LwM2mResourceInstance;
import org.eclipse.leshan.core.node.LwM2mSingleResource;

/**
 * The values a command writes. A resource is {@code {"integer": 5}} or, with several instances,
 * {@code {"integer": {"0": 5, "3": 6}}}; an object instance is {@code {"resources": {"1": ..}}}; an object is
 * {@code {"instances": {"0": {"resources": ..}}}}.
 */
final class Nodes {
    private Nodes() {
    }

    static LwM2mPath path(String text) {
        try {
            return new LwM2mPath(text);
        } catch (RuntimeException e) {
            throw new BadCommand("path \"%s\": %s", text, e.getMessage());
        }
    }

    /** The node for the level of the path. */
    static LwM2mNode read(LwM2mPath path, JsonNode json) {
        try {
            if (path.isResourceInstance()) {
                return resourceInstance(path.getResourceInstanceId(), json);
            } else if (path.isResource()) {
                return resource(path.getResourceId(), json);
            } else if (path.isObjectInstance()) {
                return instance(path.getObjectInstanceId(), json);
            } else if (path.isObject()) {
                return new LwM2mObject(path.getObjectId(), instances(json));
            }
        } catch (LwM2mNodeException e) {
            throw new BadCommand("node of %s: %s", path, e.getMessage());
        }
        throw new BadCommand("path %s has no node to write", path);
    }

    /** The instances of {@code {"instances": {"0": .., "1": ..}}}. */
    static List<LwM2mObjectInstance> instances(JsonNode json) {
        Command object = Command.of(json, "an object node");
        Command byId = Command.of(object.required("instances"), "\"instances\"");
        object.finish();
        List<LwM2mObjectInstance> instances = new ArrayList<>();
        for (String key : byId.keys()) {
            instances.add(instance(id(key), byId.node(key)));
        }
        return instances;
    }

    static LwM2mObjectInstance instance(int id, JsonNode json) {
        return new LwM2mObjectInstance(id, resources(json));
    }

    /** The resources of {@code {"resources": {"1": ..}}}. */
    static List<LwM2mResource> resources(JsonNode json) {
        Command instance = Command.of(json, "an instance node");
        Command byId = Command.of(instance.required("resources"), "\"resources\"");
        instance.finish();
        List<LwM2mResource> resources = new ArrayList<>();
        for (String key : byId.keys()) {
            resources.add(resource(id(key), byId.required(key)));
        }
        return resources;
    }

    private static LwM2mResource resource(int id, JsonNode json) {
        Map.Entry<Type, JsonNode> typed = typed(json);
        Type type = typed.getKey();
        if (!typed.getValue().isObject()) {
            return LwM2mSingleResource.newResource(id, Values.read(type, typed.getValue()), type);
        }
        Map<Integer, Object> values = new LinkedHashMap<>();
        typed.getValue().fields().forEachRemaining(e -> values.put(id(e.getKey()), Values.read(type, e.getValue())));
        return LwM2mMultipleResource.newResource(id, values, type);
    }

    private static LwM2mResourceInstance resourceInstance(int id, JsonNode json) {
        Map.Entry<Type, JsonNode> typed = typed(json);
        return LwM2mResourceInstance.newInstance(id, Values.read(typed.getKey(), typed.getValue()), typed.getKey());
    }

    private static Map.Entry<Type, JsonNode> typed(JsonNode json) {
        if (json == null || !json.isObject() || json.size() != 1) {
            throw new BadCommand("a resource must be an object of one typed value such as {\"integer\": 5}, not %s",
                    json);
        }
        Map.Entry<String, JsonNode> only = json.fields().next();
        return Map.entry(Values.type(only.getKey()), only.getValue());
    }

    private static int id(String key) {
        try {
            int id = Integer.parseInt(key);
            if (id >= 0 && id <= 65534) {
                return id;
            }
        } catch (NumberFormatException e) {
            // Falls through to the message below.
        }
        throw new BadCommand("an id must be an integer from 0 to 65534, not \"%s\"", key);
    }
}
