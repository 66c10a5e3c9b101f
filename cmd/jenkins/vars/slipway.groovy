// The Jenkins library of slipway: slipway.txt beside this file is its help, docs/jenkins.md tells how it is used.
//
// A method takes a map and returns a map of plain values, so that a build outlives a restart of the controller at any
// point. There are no loops over closures and nothing is called run, for the same reason: see docs/design/0009-pipeline.md.

import groovy.json.JsonOutput

/** The whole launch: start, a question at each gate while no agent is held, promote. What fails is taken back. */
def call(Map cfg, Closure before = null) {
    try {
        def r = onAgent(cfg) {
            if (before != null) {
                before()
            }
            return found(cfg, start(cfg))
        }
        while (r.state == 'paused' || r.state == 'inconclusive') {
            def step = [fromStep: r.rollout.step, approver: approve(cfg, r)]
            r = onAgent(cfg) { return found(cfg, promote(going(cfg) + step)) }
        }
        return check(r)
    } catch (Exception e) {
        takeBack(cfg, e)
        throw e // as it is: an abort by Jenkins has to stay one
    }
}

def plan(Map cfg) { return execute('rollout plan', cfg) }

def start(Map cfg) { return execute('rollout start', cfg) }

def promote(Map cfg) { return execute('rollout promote', cfg) }

def undo(Map cfg) { return execute('rollout undo', [owner: env.BUILD_TAG] + cfg) }

/** Takes back what this build has started, and nothing else: also in a build that never got so far. */
def abort(Map cfg) { return execute('rollout abort', [owner: env.BUILD_TAG] + cfg) }

def guard(Map cfg = [:]) { return execute('rollout guard', cfg) }

def install(Map cfg) { return execute('install', cfg) }

def upgrade(Map cfg) { return execute('upgrade', cfg) }

def rollback(Map cfg) { return execute('rollback', cfg) }

def status(Map cfg) { return execute('rollout status', only(cfg, ownKeys() + ['release', 'namespace', 'kubeContext', 'kubeconfig'])) }

/** Asks a person, and returns who has answered. To be called where no agent is held. */
def approve(Map cfg, Map r) {
    def where = "${r.release} is at step ${r.rollout.step} of ${r.rollout.steps} (${r.rollout.weight} %)"
    def question = [message: "${cfg.ask ?: 'Go on?'} ${where}: ${r.state}".toString(), ok: 'Promote', submitterParameter: 'approver']
    if (cfg.approvers) {
        question.submitter = cfg.approvers.join(',')
    }
    def answer = timeout(time: cfg.askTimeout ?: 60, unit: 'MINUTES') { return input(question) }
    return answer instanceof Map ? answer.approver : answer
}

/** Fails the build if a command went wrong. */
def check(Map r) {
    if (r.state == 'done' || r.state == 'changes' || r.state == 'paused') {
        return r
    }
    def hints = r.hints ? ' (' + r.hints.join('; ') + ')' : ''
    error("slipway ${r.command}: ${r.state}: ${r.message ?: 'exit code ' + r.exitCode}${hints}")
}

/** Shows the JUnit report of a command, if Jenkins has the plugin. */
def publish(String file) {
    try {
        junit(testResults: file, allowEmptyResults: true, skipMarkingBuildUnstable: true)
    } catch (NoSuchMethodError e) {
        echo("slipway: ${file} is not shown: there is no JUnit plugin")
    }
}

// Runs one command, and again if nothing was changed and it may go well later: a limited number of times, with pauses
// that grow. An abort of the build while it pauses ends it as any other.
def execute(String command, Map cfg) {
    def fault = examine(cfg)
    if (fault != null) {
        return [key: keyOf(command, cfg), command: command, exitCode: 2, state: 'refused', message: fault,
                hints: ['nothing was run; docs/jenkins.md tells of the parameter digests']]
    }
    def left = cfg.retries == null ? 3 : cfg.retries as int
    def pause = cfg.retryPause == null ? 10 : cfg.retryPause as int
    def r = attempt(command, cfg)
    while (r.state == 'retryable' && left > 0) {
        echo("slipway ${command}: ${r.message ?: 'nothing was changed'}; again in ${pause} s, ${left} more times at most")
        sleep(time: pause, unit: 'SECONDS')
        r = attempt(command, cfg)
        left = left - 1
        pause = Math.min(2 * pause, 300)
    }
    if (cfg.junit) {
        publish(cfg.junit)
    }
    return r
}

// Runs one command once. Nothing but its name and a folder is on the command line, which Jenkins prints; and it takes the
// place of the shell, so that an abort reaches it and it has the time to write its result.
def attempt(String command, Map cfg) {
    def key = keyOf(command, cfg)
    def dir = "${env.WORKSPACE_TMP ?: env.WORKSPACE + '@tmp'}/slipway/${key.replaceAll('[^A-Za-z0-9.-]', '_')}".toString()
    def line = "exec ${quoted(cfg.binary ?: 'slipway')} ${command} --io-dir ${quoted(dir)}".toString()
    def code = -1
    writeFile(file: dir + '/result.json', text: '{}')
    writeFile(file: dir + '/params.json', text: JsonOutput.toJson(parameters(command, cfg) + [apiVersion: 'slipway.dev/params/v1', key: key]))
    try {
        code = withCluster(cfg) { return sh(script: line, returnStatus: true, label: 'slipway ' + command) }
    } finally {
        writeFile(file: dir + '/params.json', text: '{}') // it may hold what is secret
    }
    return resultOf(dir, key, command, code)
}

// What is wrong with the executables of the agent, null if nothing is. Their digests are taken by the agent's own tools and
// compared here, before each command: the next one may run on another agent, or after somebody has put others there.
def examine(Map cfg) {
    def known = digestsOf(cfg.digests == null ? libraryResource('slipway/digests.txt') : cfg.digests.toString())
    if (known.isEmpty()) {
        return cfg.digests == null || cfg.digests.toString() == 'none' ? null : 'digests: there is no line "DIGEST  NAME" in it'
    }
    def lines = sh(script: digestScript(cfg.binary ?: 'slipway'), returnStdout: true, label: 'check the executables of slipway').trim().split('\n')
    for (int i = 0; i < lines.length; i++) {
        def words = lines[i].split(' ', 3) // NAME DIGEST FILE, or "fault" and a text
        if (words[0] == 'fault' || words.length < 3) {
            return "the executables on ${env.NODE_NAME ?: 'this agent'} cannot be checked: ${lines[i].replaceFirst('^fault ', '')}".toString()
        }
        if (!known[words[0]]?.contains(words[1])) {
            return "${words[2]} on ${env.NODE_NAME ?: 'this agent'} is not an executable of this release: its digest is sha256:${words[1]}".toString()
        }
    }
    return lines.length == 2 ? null : 'the executables cannot be checked: ' + lines.join(' ')
}

// The digests that each executable may have, from lines as sha256sum writes them: "DIGEST  linux_amd64/slipway".
def digestsOf(String text) {
    def known = [:]
    def lines = text.split('\n')
    for (int i = 0; i < lines.length; i++) {
        def words = lines[i].trim().split('[ *]+')
        if (words.length == 2 && words[0] ==~ '(sha256:)?[0-9a-f]{64}') {
            def name = words[1].substring(words[1].lastIndexOf('/') + 1).replaceFirst('[.]exe$', '')
            known[name] = (known[name] ?: []) + [words[0].substring(words[0].length() - 64)]
        }
    }
    return known
}

// Prints a line for slipway, and one for slipway-cluster that it will find: beside itself, or else in PATH.
def digestScript(Object binary) {
    return """set +x
fault() { echo "fault \$*"; exit 0; }
if command -v sha256sum > /dev/null; then tool=sha256sum
elif command -v shasum > /dev/null; then tool='shasum -a 256'
elif command -v openssl > /dev/null; then tool='openssl dgst -sha256 -r'
else fault 'there is no sha256sum, shasum or openssl'; fi
digest() {
    sum=\$(\$tool < "\$2") || fault "\$2 cannot be read"
    echo "\$1 \${sum%% *} \$2"
}
file=\$(command -v ${quoted(binary)}) || fault ${quoted("there is no ${binary}")}
while [ -L "\$file" ]; do
    to=\$(readlink "\$file")
    case \$to in /*) file=\$to ;; *) file=\$(dirname "\$file")/\$to ;; esac
done
cluster=\$(dirname "\$file")/slipway-cluster
[ -x "\$cluster" ] || cluster=\$(command -v slipway-cluster) || fault "slipway-cluster is not beside \$file nor in PATH"
digest slipway "\$file"
digest slipway-cluster "\$cluster"
""".toString()
}

// Tells one operation from any other, also of an earlier build in the same folder.
def keyOf(String command, Map cfg) { return [env.BUILD_TAG, cfg.release ?: '-', command, cfg.fromStep ?: 0].join('/') }

// The result of a command: of this one, and not of another that had the folder before.
def resultOf(String dir, String key, String command, int code) {
    def r = fileExists(dir + '/result.json') ? plain(readJSON(file: dir + '/result.json')) : [:]
    if (r.key != key) {
        return [key: key, command: command, exitCode: code, state: 'lost', message: 'the process was lost before it could say how it went']
    }
    return r
}

// What became of a command whose process was lost: the cluster knows.
def found(Map cfg, Map r) {
    if (r.state != 'lost') {
        return r
    }
    def now = status(cfg)
    return now.rollout != null && now.rollout.state == 'gate' ? now + [state: 'paused'] : r
}

// Takes back what this build has started, after a failure, which stays the reason of the end.
def takeBack(Map cfg, Exception why) {
    if (cfg.keepOnFailure) {
        return
    }
    try {
        def r = onAgent(cfg) { return abort(going(cfg)) }
        echo("slipway rollout abort: ${r.state} ${r.message ?: ''}")
    } catch (Exception e) {
        echo("slipway: the rollout of ${cfg.release} could not be taken back: ${e.message}; 'slipway rollout guard' will, or 'slipway rollout abort ${cfg.release}'")
    }
}

// The parameters of a command: what is not the library's own, and who asks.
def parameters(String command, Map cfg) {
    def all = [:]
    def names = new ArrayList(cfg.keySet())
    for (int i = 0; i < names.size(); i++) {
        if (!(names[i] in ownKeys()) && cfg[names[i]] != null) {
            all[names[i]] = cfg[names[i]]
        }
    }
    if (command == 'rollout start' && cfg.approvers) {
        all.approvers = cfg.approvers
    }
    if (command != 'rollout status' && all.actor == null && person() != null) {
        all.actor = person()
    }
    return all
}

// Who has started the build, null if nobody has: a timer, a push.
def person() {
    def causes = currentBuild.getBuildCauses('hudson.model.Cause$UserIdCause')
    return causes && causes[0].userId ? causes[0].userId.toString() : null
}

def ownKeys() { return ['agent', 'binary', 'credentials', 'ask', 'askTimeout', 'approvers', 'keepOnFailure', 'digests', 'retries', 'retryPause'] }

// The parameters that commands take which go on with a rollout.
def going(Map cfg) {
    return only(cfg, ownKeys() + ['release', 'namespace', 'kubeContext', 'kubeconfig', 'owner', 'actor', 'commit', 'reason', 'timeout', 'config', 'eventsFile', 'junit'])
}

def only(Map cfg, List names) {
    def some = [:]
    for (int i = 0; i < names.size(); i++) {
        if (cfg[names[i]] != null) {
            some[names[i]] = cfg[names[i]]
        }
    }
    return some
}

// A copy of what was read from JSON that can be stored: what reads JSON returns maps of its own kind, some of which cannot.
def plain(Object value) {
    if (value instanceof Map) {
        def copy = [:]
        def names = new ArrayList(value.keySet())
        for (int i = 0; i < names.size(); i++) {
            copy[names[i].toString()] = plain(value[names[i]])
        }
        return copy
    }
    if (value instanceof List) {
        def copy = []
        for (int i = 0; i < value.size(); i++) {
            copy.add(plain(value[i]))
        }
        return copy
    }
    return value
}

def onAgent(Map cfg, Closure body) { return node(cfg.agent ?: '') { return body() } }

def withCluster(Map cfg, Closure body) {
    if (!cfg.credentials) {
        return body()
    }
    return withCredentials([file(credentialsId: cfg.credentials, variable: 'KUBECONFIG')]) { return body() }
}

def quoted(Object text) { return "'" + text.toString().replace("'", "'\\''") + "'" }
