package coracle.peer;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.eclipse.leshan.core.link.attributes.InvalidAttributeException;
import org.eclipse.leshan.core.link.lwm2m.attributes.DefaultLwM2mAttributeParser;
import org.eclipse.leshan.core.link.lwm2m.attributes.LwM2mAttributeSet;
import org.eclipse.leshan.core.node.LwM2mNode;
import org.eclipse.leshan.core.node.LwM2mObjectInstance;
import org.eclipse.leshan.core.node.LwM2mPath;
import org.eclipse.leshan.core.request.ContentFormat;
import org.eclipse.leshan.core.request.CreateRequest;
import org.eclipse.leshan.core.request.DeleteRequest;
import org.eclipse.leshan.core.request.DiscoverRequest;
import org.eclipse.leshan.core.request.DownlinkRequest;
import org.eclipse.leshan.core.request.ExecuteRequest;
import org.eclipse.leshan.core.request.ObserveCompositeRequest;
import org.eclipse.leshan.core.request.ObserveRequest;
import org.eclipse.leshan.core.request.ReadCompositeRequest;
import org.eclipse.leshan.core.request.ReadRequest;
import org.eclipse.leshan.core.request.WriteAttributesRequest;
import org.eclipse.leshan.core.request.WriteCompositeRequest;
import org.eclipse.leshan.core.request.WriteRequest;
import org.eclipse.leshan.core.response.LwM2mResponse;

/** The device management requests, made from commands. */
final class Requests {
    private static final Map<String, Function<Command, DownlinkRequest<? extends LwM2mResponse>>> BY_NAME = Map
            .ofEntries( //
                    Map.entry("read", c -> new ReadRequest(c.format("format"), c.text("path"), null)), //
                    Map.entry("discover", c -> new DiscoverRequest(c.text("path"))), //
                    Map.entry("delete", c -> new DeleteRequest(c.text("path"))), //
                    Map.entry("observe",
                            c -> new ObserveRequest(c.format("format"), c.text("path"), (Object) null)), //
                    Map.entry("write", Requests::write), //
                    Map.entry("execute", Requests::execute), //
                    Map.entry("create", Requests::create), //
                    Map.entry("attributes", Requests::attributes), //
                    Map.entry("read-composite", c -> new ReadCompositeRequest(composite(c, "format"),
                            composite(c, "accept"), c.texts("paths"))), //
                    Map.entry("observe-composite", c -> new ObserveCompositeRequest(composite(c, "format"),
                            composite(c, "accept"), c.texts("paths").toArray(new String[0]))), //
                    Map.entry("write-composite", Requests::writeComposite));

    private Requests() {
    }

    /** The request a command asks for, null if the command is none of these. */
    static DownlinkRequest<? extends LwM2mResponse> of(String operation, Command command) {
        Function<Command, DownlinkRequest<? extends LwM2mResponse>> maker = BY_NAME.get(operation);
        return maker == null ? null : maker.apply(command);
    }

    static boolean knows(String operation) {
        return BY_NAME.containsKey(operation);
    }

    static List<String> names() {
        return BY_NAME.keySet().stream().sorted().toList();
    }

    private static WriteRequest write(Command command) {
        String mode = command.text("mode", "replace");
        if (!mode.equals("replace") && !mode.equals("update")) {
            throw new BadCommand("field \"mode\" must be replace or update, not \"%s\"", mode);
        }
        LwM2mPath path = Nodes.path(command.text("path"));
        LwM2mNode node = Nodes.read(path, command.required("node"));
        return new WriteRequest(mode.equals("update") ? WriteRequest.Mode.UPDATE : WriteRequest.Mode.REPLACE,
                command.format("format"), path, node);
    }

    private static ExecuteRequest execute(Command command) {
        String path = command.text("path");
        return command.has("args") ? new ExecuteRequest(path, command.text("args")) : new ExecuteRequest(path);
    }

    /** On an object the device chooses the id, unless the node names instances; on an instance the server does. */
    private static CreateRequest create(Command command) {
        LwM2mPath path = Nodes.path(command.text("path"));
        ContentFormat format = command.format("format");
        JsonNode node = command.required("node");
        if (path.isObjectInstance()) {
            return new CreateRequest(format, path.getObjectId(),
                    Nodes.instance(path.getObjectInstanceId(), node));
        } else if (!path.isObject()) {
            throw new BadCommand("create needs the path of an object or an object instance, not \"%s\"", path);
        } else if (node.has("instances")) {
            return new CreateRequest(format, path.getObjectId(),
                    Nodes.instances(node).toArray(new LwM2mObjectInstance[0]));
        }
        return new CreateRequest(format, path.getObjectId(), Nodes.resources(node));
    }

    private static WriteAttributesRequest attributes(Command command) {
        try {
            return new WriteAttributesRequest(command.text("path"), new LwM2mAttributeSet(
                    new DefaultLwM2mAttributeParser().parseUriQuery(command.text("query"))));
        } catch (InvalidAttributeException | IllegalArgumentException e) {
            throw new BadCommand("field \"query\": %s", e.getMessage());
        }
    }

    private static WriteCompositeRequest writeComposite(Command command) {
        Command byPath = Command.of(command.required("nodes"), "\"nodes\"");
        Map<LwM2mPath, LwM2mNode> nodes = new LinkedHashMap<>();
        for (String key : byPath.keys()) {
            LwM2mPath path = Nodes.path(key);
            nodes.put(path, Nodes.read(path, byPath.required(key)));
        }
        return new WriteCompositeRequest(composite(command, "format"), nodes, null);
    }

    /** A composite request has no format of its own in Leshan; SenML CBOR unless the command says otherwise. */
    private static ContentFormat composite(Command command, String key) {
        ContentFormat format = command.format("format");
        if (format == null) {
            format = ContentFormat.SENML_CBOR;
        }
        return key.equals("accept") && command.has("accept") ? command.format("accept") : format;
    }
}
