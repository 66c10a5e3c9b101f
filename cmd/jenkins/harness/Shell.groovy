import org.jenkinsci.plugins.workflow.steps.FlowInterruptedException

/**
 * The step sh as Jenkins' durable tasks do it: the script is a file that `sh -xe` runs under nohup, its output goes to a
 * file, its exit code to another one, and a cookie in the environment marks the processes that belong to it. An abort sends
 * SIGTERM to them, children first, waits for 20 s and fails the step, whatever still runs; the exit code is not looked at.
 */
class Shell {
    static final String COOKIE = 'JENKINS_SERVER_COOKIE'
    Build build
    String stdout // of a script whose output goes to the pipeline

    Shell(Build build) { this.build = build }

    int run(String text, boolean keepStdout = false) {
        def folder = new File(build.workspace.path + '@tmp', 'durable-' + UUID.randomUUID())
        folder.mkdirs()
        def script = new File(folder, 'script.sh'), log = new File(folder, 'log'), code = new File(folder, 'code')
        script.text = text
        def out = keepStdout ? new File(folder, 'stdout') : log
        def cookie = folder.name
        def builder = new ProcessBuilder('nohup', 'sh', '-c',
            "sh -xe '${script}' 2> '${log}' ${keepStdout ? "> '${out}'" : '>&2'}; echo \$? > '${code}.tmp'; mv '${code}.tmp' '${code}'".toString())
        builder.directory(build.workspace)
        builder.environment().clear()
        builder.environment().putAll(build.env + [(COOKIE): cookie, BUILD_TAG: build.tag, HOME: build.workspace.path])
        builder.redirectErrorStream(true).redirectOutput(new File(folder, 'nohup'))
        builder.redirectInput(new File('/dev/null'))
        def wrapper = builder.start()
        while (!code.exists()) {
            if (!wrapper.alive && !code.exists()) {
                return -1 // it was lost
            }
            def how = build.interrupt == null ? null : build.interrupt(log.exists() ? log.text : '')
            if (how != null) {
                build.interrupt = null
                end(cookie, how)
            }
            Thread.sleep(50)
        }
        build.lines.add(log.text)
        stdout = out.text
        return code.text.trim() as int
    }

    private void end(String cookie, String how) {
        if (how == 'kill') {
            signal(cookie, 'KILL')
            return
        }
        signal(cookie, 'TERM')
        for (int i = 0; i < 200 && !processes(cookie).empty; i++) {
            Thread.sleep(100)
        }
        throw new FlowInterruptedException('aborted')
    }

    private void signal(String cookie, String name) {
        processes(cookie).each { ['kill', '-' + name, it as String].execute().waitFor() }
    }

    /** The processes with the cookie, children before their parents. */
    private List processes(String cookie) {
        def parents = [:]
        new File('/proc').listFiles().each {
            if (it.name.isInteger()) {
                try {
                    if (new File(it, 'environ').getText('ISO-8859-1').contains(COOKIE + '=' + cookie)) {
                        def stat = new File(it, 'stat').text
                        def fields = stat.substring(stat.lastIndexOf(')') + 2).split(' ')
                        if (fields[0] != 'Z') {
                            parents[it.name as int] = fields[1] as int
                        }
                    }
                } catch (IOException gone) {
                }
            }
        }
        def depth = { pid -> int n = 0; while (parents.containsKey(pid)) { pid = parents[pid]; n++ }; n }
        return parents.keySet().sort { -depth(it) }
    }
}
