package org.jenkinsci.plugins.workflow.steps

/** What Jenkins throws at a build that is aborted, and at an input that is rejected or takes too long. */
class FlowInterruptedException extends Exception {
    FlowInterruptedException(String why) { super(why) }
}
