/** A build, and what the steps of its pipeline do in it. */
class Build {
    String tag
    String user             // who has started it, null for a timer
    File workspace
    File source             // what checkout brings
    Map env = [:]           // of processes
    Map params = [:]
    List answers = []       // to input, in order: a name, or 'rejected' or 'timeout'
    Closure interrupt       // takes the log of a process, returns 'abort' or 'kill' to end it, null to let it go on
    List lines = []         // that were printed
    List questions = []
    List pauses = []        // in seconds, which nobody waits for
    Closure duringPause     // what happens in the next pause
    Map resources = [:]     // of the library, in place of its own
    int agents = 0          // that are held
    Set optional = ['junit'] as Set  // steps of plugins that are there

    /** Runs a pipeline: a Jenkinsfile, or a part of one with the variables that the part before has left. */
    Map run(String text, Map variables = [:]) {
        def shell = new GroovyShell(getClass().classLoader, new Binding(copy(variables)), configuration())
        def script = shell.parse(text).of(this)
        script.run()
        return copy(script.binding.variables.findAll { it.key != 'args' })
    }

    /** The library, read anew as a controller does after its restart. */
    Script library() {
        def shell = new GroovyShell(getClass().classLoader, new Binding(), configuration())
        return shell.parse(new File(System.getProperty('library'))).of(this)
    }

    static configuration() {
        def c = new org.codehaus.groovy.control.CompilerConfiguration()
        c.scriptBaseClass = 'Pipeline'
        return c
    }

    /** What a restart of the controller leaves of a value: it is written and read back. */
    static copy(Object value) {
        def bytes = new ByteArrayOutputStream()
        new ObjectOutputStream(bytes).writeObject(value instanceof GString ? value.toString() : value)
        return new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray())).readObject()
    }
}
