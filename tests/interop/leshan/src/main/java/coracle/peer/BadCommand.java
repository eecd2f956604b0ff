package coracle.peer;

/** A command or option that cannot be understood. The message names the field and what is allowed. */
final class BadCommand extends RuntimeException {
    BadCommand(String format, Object... arguments) {
        super(arguments.length == 0 ? format : String.format(format, arguments));
    }
}
