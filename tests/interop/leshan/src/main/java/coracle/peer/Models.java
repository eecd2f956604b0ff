package coracle.peer;

import java.io.File;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.eclipse.leshan.core.model.ObjectLoader;
import org.eclipse.leshan.core.model.ObjectModel;
import org.eclipse.leshan.core.model.ResourceModel;
import org.eclipse.leshan.core.model.ResourceModel.Operations;
import org.eclipse.leshan.core.model.ResourceModel.Type;

/**
 * The object definitions the server knows. Without a definition of the registered version Leshan guesses types from
 * the payload, so the objects used in tests are defined here; a folder of OMA definition files adds more.
 */
final class Models {
    private Models() {
    }

    static List<ObjectModel> load(File folder) {
        List<ObjectModel> models = new ArrayList<>(ObjectLoader.loadAllDefault());
        models.add(temperature());
        models.add(lightControl());
        models.add(testObject());
        if (folder != null) {
            models.addAll(ObjectLoader.loadObjectsFromDir(folder));
        }
        return models;
    }

    private static ObjectModel temperature() {
        return object(3303, "Temperature", //
                single(5700, Operations.R, Type.FLOAT), single(5601, Operations.R, Type.FLOAT),
                single(5602, Operations.R, Type.FLOAT), single(5603, Operations.R, Type.FLOAT),
                single(5604, Operations.R, Type.FLOAT), single(5701, Operations.R, Type.STRING),
                single(5605, Operations.E, Type.NONE));
    }

    private static ObjectModel lightControl() {
        return object(3311, "Light Control", //
                single(5850, Operations.RW, Type.BOOLEAN), single(5851, Operations.RW, Type.INTEGER),
                single(5852, Operations.RW, Type.INTEGER), single(5805, Operations.R, Type.FLOAT),
                single(5820, Operations.R, Type.FLOAT), single(5706, Operations.RW, Type.STRING),
                single(5701, Operations.R, Type.STRING), single(5750, Operations.RW, Type.STRING));
    }

    /** The registry's LwM2M 1.1 test object: every data type, single (n) and multiple (1000 + n). */
    private static ObjectModel testObject() {
        List<ResourceModel> resources = new ArrayList<>();
        for (int id = 0; id <= 3; id++) {
            resources.add(single(id, Operations.E, Type.NONE));
        }
        resources.add(resource(4, Operations.R, true, Type.STRING));
        Type[] types = { Type.STRING, Type.INTEGER, Type.UNSIGNED_INTEGER, Type.FLOAT, Type.BOOLEAN, Type.OPAQUE,
                Type.TIME, Type.OBJLNK, Type.CORELINK };
        int[] ids = { 110, 120, 125, 130, 140, 150, 160, 170, 180 };
        for (int i = 0; i < types.length; i++) {
            resources.add(single(ids[i], Operations.RW, types[i]));
            resources.add(resource(1000 + ids[i], Operations.RW, true, types[i]));
        }
        return object(3442, "LwM2M v1.1 Test Object", resources.toArray(new ResourceModel[0]));
    }

    private static ObjectModel object(int id, String name, ResourceModel... resources) {
        return new ObjectModel(id, name, "", "1.0", true, false, Arrays.asList(resources),
                "urn:oma:lwm2m:ext:" + id, "1.0", "");
    }

    private static ResourceModel single(int id, Operations operations, Type type) {
        return resource(id, operations, false, type);
    }

    private static ResourceModel resource(int id, Operations operations, boolean multiple, Type type) {
        return new ResourceModel(id, "Resource " + id, operations, multiple, false, type, "", "", "");
    }
}
