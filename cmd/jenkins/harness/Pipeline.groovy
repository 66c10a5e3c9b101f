import org.jenkinsci.plugins.workflow.steps.FlowInterruptedException

/** The steps of Jenkins that the library and the examples use. Only sh does what Jenkins does; see Shell. */
abstract class Pipeline extends Script {
    private Build build

    /** A script's own properties are its variables, so this is no property. */
    Pipeline of(Build b) {
        build = b
        return this
    }

    // The library and the global variables.

    def getSlipway() { return new LibraryVariable(build: build) }

    def slipway(Object... args) { return slipway.invokeMethod('call', args) }

    def getEnv() { return [BUILD_TAG: build.tag, WORKSPACE: build.workspace.path, WORKSPACE_TMP: build.workspace.path + '@tmp'] }

    def getParams() { return build.params }

    def getScm() { return 'scm' }

    def getCurrentBuild() {
        def user = build.user
        return [getBuildCauses: { String kind -> user == null ? [] : [[userId: user]] }] as BuildCauses
    }

    // Steps with a body. What the body returns has to outlive a restart.

    def node(String label, Closure body) {
        build.agents++
        try {
            return Build.copy(body())
        } finally {
            build.agents--
        }
    }

    def timeout(Map args, Closure body) { return body() }

    def lock(String name, Closure body) { return body() }

    def withCredentials(List all, Closure body) {
        if (all.any { it.variable != 'KUBECONFIG' || it.credentialsId != 'kubeconfig' }) {
            throw new IllegalArgumentException("no such credentials: ${all}")
        }
        build.env.KUBECONFIG = System.getProperty('kubeconfig')
        try {
            return body()
        } finally {
            build.env.remove('KUBECONFIG')
        }
    }

    def file(Map args) { return args }

    // Steps that do something.

    def sh(Map args) {
        def shell = new Shell(build)
        def code = shell.run(args.script, args.returnStdout as boolean)
        if (args.returnStatus) {
            return code
        }
        if (code != 0) {
            throw new Failure("script returned exit code ${code}")
        }
        return args.returnStdout ? shell.stdout : null
    }

    def sleep(Map args) {
        build.pauses.add(args.time)
        if (build.duringPause != null) {
            build.duringPause()
        }
    }

    def libraryResource(String name) {
        return build.resources[name] ?: new File(new File(System.getProperty('library')).parentFile.parentFile, 'resources/' + name).text
    }

    def writeFile(Map args) {
        def f = placed(args.file)
        f.parentFile.mkdirs()
        f.setText(args.text, 'UTF-8')
    }

    def fileExists(String name) { return placed(name).exists() }

    def readJSON(Map args) { return new groovy.json.JsonSlurper().parse(placed(args.file)) } // its maps cannot be stored

    def checkout(Object scm) {
        def from = build.source.toPath(), to = build.workspace.toPath()
        java.nio.file.Files.walk(from).iterator().each {
            def target = to.resolve(from.relativize(it))
            if (!java.nio.file.Files.isDirectory(it)) {
                java.nio.file.Files.createDirectories(target.parent)
                java.nio.file.Files.copy(it, target, java.nio.file.StandardCopyOption.REPLACE_EXISTING)
            }
        }
    }

    def echo(String text) { build.lines.add(text) }

    def error(String text) { throw new Failure(text) }

    def unstable(String text) { build.lines.add('UNSTABLE ' + text) }

    def input(Map args) {
        if (build.agents > 0) {
            throw new IllegalStateException('an agent is held while somebody is asked')
        }
        build.questions.add(args)
        def answer = build.answers.remove(0)
        if (answer == 'rejected' || answer == 'timeout') {
            throw new FlowInterruptedException(answer)
        }
        if (args.submitter && !args.submitter.split(',').contains(answer)) {
            throw new IllegalStateException("${answer} may not answer: ${args.submitter}")
        }
        return answer
    }

    def junit(Map args) {
        if (!build.optional.contains('junit')) {
            throw new NoSuchMethodError("No such DSL method 'junit' found among steps")
        }
        if (!placed(args.testResults).exists() || !args.skipMarkingBuildUnstable) {
            throw new IllegalStateException("junit: ${args}")
        }
        build.lines.add('JUNIT')
    }

    def milestone() {}

    def archiveArtifacts(Map args) {}

    def properties(List args) {}

    def pipelineTriggers(List args) {}

    def disableConcurrentBuilds() {}

    def cron(String spec) {}

    File placed(String name) { return name.startsWith('/') ? new File(name) : new File(build.workspace, name) }
}
