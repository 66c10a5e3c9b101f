package cli

import "github.com/spf13/pflag"

// progressFlags say where an operation reports what it does.
type progressFlags struct {
	eventsFile string
	junitFile  string
	quiet      bool
}

func (p *progressFlags) register(f *pflag.FlagSet) {
	f.StringVar(&p.eventsFile, "events-file", "", "append what happens to this file, a JSON object a line")
	f.StringVar(&p.junitFile, "junit", "", "write a JUnit report with a test case for each hook and object to this file")
	f.BoolVarP(&p.quiet, "quiet", "q", false, "report only warnings and errors on standard error")
}
