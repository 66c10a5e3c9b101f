// Runs the library and the example Jenkinsfiles against a control plane, and prints a line for each scenario. The test in
// jenkins_test.go starts it, and looks at what is live afterwards.
import groovy.json.JsonSlurper
import org.jenkinsci.plugins.workflow.steps.FlowInterruptedException

/** A scenario: a build in a namespace of its own, and commands beside it. */
class Scenario {
    String name
    Build build
    Map env

    Scenario(String name, String namespace, Map common) {
        this.name = name
        env = common + [HELM_NAMESPACE: namespace]
        def workspace = new File(System.getProperty('folder'), name)
        workspace.mkdirs()
        build = new Build(tag: 'jenkins-' + name + '-1', user: 'carol', workspace: workspace, source: new File(System.getProperty('source')), env: new HashMap(env), params: [TAG: '2'])
    }

    /** Runs slipway beside the pipeline and gives its output. */
    String slipway(int code, String... args) {
        def out = File.createTempFile('out', '', build.workspace), err = File.createTempFile('err', '', build.workspace)
        def builder = new ProcessBuilder((['slipway'] + (args as List)) as String[]).directory(build.source).redirectOutput(out).redirectError(err)
        builder.environment().clear()
        builder.environment().putAll(env + [KUBECONFIG: System.getProperty('kubeconfig')])
        def got = builder.start().waitFor()
        assert got == code: "${args}: ${got}: ${out.text}${err.text}"
        return out.text
    }

    /** A program of PATH, and one where its links lead to. */
    File tool(String name) { return env.PATH.split(':').collect { new File(it, name) }.find { it.canExecute() } }

    File program(String name) { return tool(name).canonicalFile }

    void install(String... releases) { releases.each { slipway(0, 'install', it, './web', '--wait') } }

    String example(String file) { return new File(System.getProperty('examples'), file + '.Jenkinsfile').text }

    /** The result of the build's last command of that name. */
    Map result(String command, int step = 0) { return new JsonSlurper().parse(resultFile(command, step)) }

    File resultFile(String command, int step = 0) {
        def folder = [build.tag, 'web', command, step].join('/').replaceAll('[^A-Za-z0-9.-]', '_')
        return new File(build.workspace.path + '@tmp/slipway/' + folder, 'result.json')
    }

    /** Nothing is under way, and what is live is what the deployed revision says. */
    void settled(String... releases) {
        assert new JsonSlurper().parseText(slipway(0, 'rollout', 'list', '-o', 'json')) == []
        releases.each { slipway(0, 'drift', it) }
    }

    Exception fails(Closure body) {
        try {
            body()
        } catch (Exception e) {
            return e
        }
        throw new AssertionError((Object) 'it went well')
    }
}

def launch = { String set -> "slipway(release: 'web', chart: './web', set: [${set}], steps: '50', config: 'rollout.yaml', credentials: 'kubeconfig', approvers: ['alice', 'bob']) { checkout(scm) }" }

def scenarios = [
    upgrade: { Scenario s ->
        s.install('web')
        s.build.run(s.example('upgrade'))
        assert s.build.lines.contains('JUNIT')
        s.build.optional.clear()
        s.build.params.TAG = '3'
        s.build.run(s.example('upgrade'))
        assert s.build.lines.any { it.contains('no JUnit plugin') }
        assert s.result('upgrade').revision == 3
        s.settled('web')
    },
    approved: { Scenario s ->
        s.install('web')
        s.build.answers = ['alice', 'bob']
        s.build.run(s.example('canary'))
        assert s.build.questions*.submitter == ['alice,bob', 'alice,bob']
        assert s.build.questions[0].message == 'Does 2 look well? web is at step 1 of 3 (25 %): paused'
        def r = s.result('rollout promote', 2)
        assert [r.exitCode, r.state, r.revision, r.approver, r.owner, r.rollout.state] == [0, 'done', 2, 'bob', s.build.tag, 'done']
        def audit = new JsonSlurper().parseText(s.slipway(0, 'history', 'web', '--audit', '-o', 'json'))
        assert [audit[1].actor, audit[1].approver] == ['carol', 'bob']
        s.settled('web')
    },
    rejected: { Scenario s ->
        s.install('web')
        s.build.answers = ['alice', 'rejected']
        def e = s.fails { s.build.run(s.example('canary')) }
        assert e instanceof FlowInterruptedException && e.message == 'rejected'
        assert s.result('rollout abort').rollout.state == 'aborted'
        s.settled('web')
    },
    timedout: { Scenario s ->
        s.install('web')
        s.build.answers = ['timeout']
        def e = s.fails { s.build.run(s.example('canary')) }
        assert e instanceof FlowInterruptedException && e.message == 'timeout'
        assert s.result('rollout abort').rollout.state == 'aborted'
        s.settled('web')
    },
    foureyes: { Scenario s ->
        s.install('web')
        s.build.user = 'alice'
        s.build.answers = ['alice']
        def e = s.fails { s.build.run(s.example('canary')) }
        assert e instanceof Failure && e.message.contains('who has started it')
        assert s.result('rollout promote', 1).exitCode == 2
        s.settled('web')
    },
    aborted: { Scenario s ->
        s.install('web')
        s.build.interrupt = { log -> log.contains('web-r2') ? 'abort' : null }
        def e = s.fails { s.build.run(launch("stage: 'never-ready', image: [tag: '2']")) }
        assert e instanceof FlowInterruptedException && e.message == 'aborted'
        def r = s.result('rollout start')
        assert [r.exitCode, r.state, r.rollout.state] == [143, 'interrupted', 'scaling']
        assert r.next.startsWith('slipway rollout promote web')
        assert s.result('rollout abort').rollout.state == 'aborted'
        s.settled('web')
    },
    killed: { Scenario s ->
        s.install('web')
        s.build.interrupt = { log -> log.contains('web-r2') ? 'kill' : null }
        def e = s.fails { s.build.run(launch("stage: 'never-ready', image: [tag: '2']")) }
        assert e instanceof Failure && e.message.contains('lost')
        assert !s.resultFile('rollout start').exists()
        assert s.result('rollout status').rollout.state == 'scaling'
        assert s.result('rollout abort').rollout.state == 'aborted'
        s.settled('web')
    },
    restart: { Scenario s ->
        s.install('web')
        def left = s.build.run("""
            node('deploy') {
                checkout(scm)
                r = slipway.check(slipway.start(release: 'web', chart: './web', set: [image: [tag: '2'], password: 'canary-of-a-secret'], steps: '50', config: 'rollout.yaml', credentials: 'kubeconfig', eventsFile: 'events', junit: 'slipway.xml'))
            }""")
        assert left.r.state == 'paused' && left.r.next == "slipway rollout promote web --from-step 1 --namespace ${s.env.HELM_NAMESPACE}"
        def other = new Build(tag: 'jenkins-other-1', workspace: s.build.workspace, env: s.build.env)
        assert other.run("r = slipway.abort(release: 'web', credentials: 'kubeconfig')").r.exitCode == 20
        def again = new Build(tag: s.build.tag, user: s.build.user, workspace: s.build.workspace, env: s.build.env, answers: ['bob'])
        def end = again.run("""
            def by = slipway.approve([:], r)
            node('deploy') { r = slipway.check(slipway.promote(release: 'web', fromStep: r.rollout.step, approver: by, credentials: 'kubeconfig')) }
            late = slipway.promote(release: 'web', fromStep: 1, credentials: 'kubeconfig')""", left)
        assert end.r.state == 'done' && end.late.exitCode == 2
        for (folder in [s.build.workspace, new File(s.build.workspace.path + '@tmp')]) {
            folder.eachFileRecurse(groovy.io.FileType.FILES) { assert !it.text.contains('canary-of-a-secret'): it }
        }
        s.settled('web')
    },
    bluegreen: { Scenario s ->
        s.install('web')
        s.build.answers = ['dave', 'erin']
        s.build.run(s.example('bluegreen'))
        assert s.result('rollout promote', 2).approver == 'erin'
        s.settled('web')
    },
    services: { Scenario s ->
        s.install('shop', 'cart', 'stock')
        s.build.answers = ['rejected']
        assert s.fails { s.build.run(s.example('services')) } instanceof FlowInterruptedException
        s.settled('shop', 'cart', 'stock')
        s.build.tag += '0'
        s.build.answers = ['alice']
        s.build.run(s.example('services'))
        s.settled('shop', 'cart', 'stock')
    },
    guard: { Scenario s ->
        s.install('web')
        s.slipway(10, 'rollout', 'start', 'web', './web', '--set', 'image.tag=2', '--steps', '50', '--drain', '0s', '--gate-timeout', '1ms')
        s.build.run(s.example('guard'))
        assert s.build.lines.any { it.startsWith('UNSTABLE slipway rollout guard: rolled-back') }
        s.settled('web')
    },
    digests: { Scenario s ->
        def of = { String name -> java.security.MessageDigest.getInstance('SHA-256').digest(s.program(name).bytes).encodeHex().toString() }
        def other = 'f' * 64
        def install = { Map more = [:] -> s.build.run("r = slipway.install(${(more + [release: 'web', chart: './web', wait: true, credentials: 'kubeconfig']).inspect()})").r }
        def refused = { Map r, String why ->
            assert [r.state, r.exitCode] == ['refused', 2] && r.message.contains(why): r
            assert s.fails { s.build.library().check(r) }.message.contains(why)
            assert !s.resultFile('install').exists() && s.slipway(0, 'list', '-a', '-q') == ''
        }
        s.build.run('checkout(scm)')
        // Wrong ones: of the one, of the other, of the names exchanged. Nothing is run, and nothing is on the cluster.
        refused(install(digests: "${other}  linux_amd64/slipway\n${of('slipway-cluster')}  linux_amd64/slipway-cluster\n".toString()), "slipway on this agent is not an executable of this release: its digest is sha256:${of('slipway')}")
        refused(install(digests: "${of('slipway')}  slipway\n${other}  slipway-cluster".toString()), 'is not an executable of this release')
        refused(install(digests: "${of('slipway')}  slipway".toString()), 'is not an executable of this release')
        refused(install(digests: 'sha256:123'), 'digests: there is no line')
        // The library of a release has them itself.
        s.build.resources['slipway/digests.txt'] = "${other}  linux_amd64/slipway\n${other}  linux_amd64/slipway-cluster\n".toString()
        refused(install(), 'is not an executable of this release')
        def e = s.fails { s.build.run(launch("image: [tag: '2']")) }
        assert e instanceof Failure && e.message.contains('is not an executable of this release')
        // An agent without tools, one without slipway, one whose slipway-cluster is missing.
        def bin = new File(s.build.workspace, 'bin')
        bin.mkdirs()
        def link = { String name, String to -> java.nio.file.Files.createSymbolicLink(new File(bin, name).toPath(), new File(to).toPath()) }
        ['sh', 'mv', 'readlink', 'dirname'].each { link(it, s.tool(it).path) }
        s.build.env.PATH = bin.path
        def right = "# comment\n${other}  darwin_arm64/slipway\n${of('slipway')} *linux_amd64/slipway\nsha256:${of('slipway-cluster')}  x/slipway-cluster.exe\r\n".toString()
        refused(install(digests: right), 'there is no sha256sum, shasum or openssl')
        link('openssl', '/bin/false')
        refused(install(digests: right), 'there is no slipway')
        java.nio.file.Files.copy(s.program('slipway').toPath(), new File(bin, 'slipway').toPath())
        refused(install(digests: right), 'slipway-cluster is not beside')
        link('slipway-cluster', s.program('slipway-cluster').path)
        refused(install(digests: right), 'slipway cannot be read')
        // The right ones, whichever tool the agent has, and by a link.
        new File(bin, 'shasum').text = "#!/bin/sh\n[ \"\$*\" = '-a 256' ] && exec ${s.tool('sha256sum')}\n"
        new File(bin, 'shasum').executable = true
        new File(bin, 'folder').mkdirs()
        link('folder/by link', '../slipway')
        def r = install(digests: right, binary: bin.path + '/folder/by link')
        assert r.state == 'done': r
        s.settled('web')
        s.build.env.PATH = s.env.PATH
        assert install(digests: 'none').state == 'done' // nothing is checked, and nothing is left to do
    },
    retried: { Scenario s ->
        s.install('web')
        s.build.run('checkout(scm)')
        // The real command, with nobody at the address: nothing was changed, and it is run again.
        def r = s.build.run("r = slipway.upgrade(release: 'web', chart: './web', kubeApiserver: 'https://127.0.0.1:1', retries: 2, retryPause: 7, credentials: 'kubeconfig')").r
        assert [r.state, r.exitCode] == ['retryable', 75] && s.build.pauses == [7, 14]
        // One that fails three times goes well with what is usual, and its last result counts.
        def stub = new File(s.build.workspace, 'stub')
        stub.text = """#!/bin/sh
            echo run >> runs
            state=retryable code=75
            [ \$(grep -c run runs) -gt 3 ] && state=done code=0
            key=\$(sed 's/.*"key":"\\([^"]*\\)".*/\\1/' "\$3/params.json")
            echo '{"key": "'\$key'", "exitCode": '\$code', "state": "'\$state'"}' > "\$3/result.json"
            exit \$code"""
        stub.executable = true
        s.build.pauses.clear()
        def run = { String more -> s.build.run("r = slipway.upgrade(release: 'web', chart: './web', binary: '${stub}'${more})").r }
        assert run('').state == 'done' && s.build.pauses == [10, 20, 40]
        // Never, if that is what is asked for; and what is not retryable is not run again.
        def runs = new File(s.build.workspace, 'runs')
        runs.delete()
        assert run(', retries: 0').state == 'retryable' && runs.readLines().size() == 1
        s.build.pauses.clear()
        assert s.build.run("r = slipway.upgrade(release: 'web', chart: './nosuch')").r.state == 'refused' && s.build.pauses == []
        // A pause ends with the build, and what Jenkins throws stays what it is.
        runs.delete()
        s.build.duringPause = { throw new FlowInterruptedException('aborted') }
        def e = s.fails { run('') }
        assert e instanceof FlowInterruptedException && e.message == 'aborted' && runs.readLines().size() == 1
        s.settled('web')
    },
    alone: { Scenario s -> // what needs no cluster
        assert GroovySystem.version.startsWith('2.4.')
        def library = s.build.library()
        def stale = new File(s.build.workspace, 'stale')
        stale.mkdirs()
        new File(stale, 'result.json').text = '{"key": "another", "exitCode": 0, "state": "done"}'
        assert library.resultOf(stale.path, 'mine', 'upgrade', 0).state == 'lost'
        assert library.resultOf(stale.path, 'another', 'upgrade', -1).state == 'done'
        assert library.quoted("it's") == "'it'\\''s'"
        def e = s.fails { s.build.run("slipway.check(slipway.upgrade(release: 'web', chart: './web', nosuch: 1))") }
        assert e.message.contains('unknown parameter "nosuch"')
        s.build.lines.each { assert !it.contains('nosuch: 1') }
    },
]

def namespaces = System.getProperty('namespaces').split(',').collectEntries { it.split('=') as List }
def common = [PATH: System.getenv('PATH'), HOME: System.getProperty('folder')]
def threads = java.util.concurrent.Executors.newFixedThreadPool(3)
namespaces.collect { name, namespace ->
    threads.submit({
        def s = new Scenario(name, namespace, common)
        try {
            scenarios[name].call(s)
            println("ok ${name}")
        } catch (Throwable t) {
            def trace = t.stackTrace.findAll { it.fileName != null && it.fileName.endsWith('.groovy') }
            println("not ok ${name}: ${t}\n${trace.join('\n')}\n${s.build.lines.join('\n')}")
        }
    } as Runnable)
}.each { it.get() }
threads.shutdown()
