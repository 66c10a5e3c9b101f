/** The global variable slipway of a pipeline: what goes into the library and what comes back outlives a restart. */
class LibraryVariable {
    Build build

    def invokeMethod(String name, Object args) {
        def stored = args.collect { it instanceof Closure ? it : Build.copy(it) }
        return Build.copy(build.library().invokeMethod(name, stored as Object[]))
    }
}
