package coracle.peer;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.eclipse.leshan.core.link.Link;
import org.eclipse.leshan.core.link.attributes.Attribute;
import org.eclipse.leshan.core.node.LwM2mChildNode;
import org.eclipse.leshan.core.node.LwM2mMultipleResource;
import org.eclipse.leshan.core.node.LwM2mNode;
import org.eclipse.leshan.core.node.LwM2mObject;
import org.eclipse.leshan.core.node.LwM2mObjectInstance;
import org.eclipse.leshan.core.node.LwM2mPath;
import org.eclipse.leshan.core.node.LwM2mResourceInstance;
import org.eclipse.leshan.core.node.LwM2mRoot;
import org.eclipse.leshan.core.node.LwM2mSingleResource;

/** What Leshan decoded, as a flat map of paths to typed values, and links as lists. */
final class Contents {
    private final Map<String, Object> values = new LinkedHashMap<>();
    /** Paths that were asked for and have no value in the answer. */
    private final List<String> missing = new ArrayList<>();

    static Contents of(String path, LwM2mNode node) {
        Contents contents = new Contents();
        contents.add(path, node);
        return contents;
    }

    static Contents of(Map<LwM2mPath, LwM2mNode> nodes) {
        Contents contents = new Contents();
        nodes.entrySet().stream().sorted(Map.Entry.comparingByKey())
                .forEach(e -> contents.add(e.getKey().toString(), e.getValue()));
        return contents;
    }

    Map<String, Object> values() {
        return values;
    }

    /** Null when nothing is missing, so that the field stays out of the answer. */
    List<String> missing() {
        return missing.isEmpty() ? null : missing;
    }

    private void add(String path, LwM2mNode node) {
        if (node == null) {
            missing.add(path);
        } else if (node instanceof LwM2mRoot root) {
            root.getObjects().values().forEach(object -> add("/" + object.getId(), object));
        } else if (node instanceof LwM2mObject object) {
            object.getInstances().values().forEach(instance -> addChild(path, instance));
        } else if (node instanceof LwM2mObjectInstance instance) {
            instance.getResources().values().forEach(resource -> addChild(path, resource));
        } else if (node instanceof LwM2mMultipleResource multiple) {
            multiple.getInstances().values().forEach(instance -> addChild(path, instance));
        } else if (node instanceof LwM2mSingleResource single) {
            values.put(path, Values.write(single.getType(), single.getValue()));
        } else if (node instanceof LwM2mResourceInstance instance) {
            values.put(path, Values.write(instance.getType(), instance.getValue()));
        } else {
            throw new IllegalStateException("unknown node " + node.getClass());
        }
    }

    private void addChild(String parent, LwM2mChildNode child) {
        add(parent + "/" + child.getId(), child);
    }

    /** Links as {@code {"path": .., "attributes": {name: text or null}}}; null stays null. */
    static List<Object> links(Link[] links) {
        if (links == null) {
            return null;
        }
        List<Object> list = new ArrayList<>();
        for (Link link : links) {
            Map<String, Object> attributes = new LinkedHashMap<>();
            for (Attribute attribute : link.getAttributes().asCollection()) {
                attributes.put(attribute.getName(), attribute.hasValue() ? attribute.getCoreLinkValue() : null);
            }
            list.add(Json.object("path", link.getUriReference(), "attributes", attributes));
        }
        return list;
    }
}
