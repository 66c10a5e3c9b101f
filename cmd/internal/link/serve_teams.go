package link

// ServeTeams are the options of a chart repository server that others than its
// owner use. The zero value is without all of them.
type ServeTeams struct {
	AuthPolicy File // which tokens of CI systems count
	Webhooks   File // who is told of changes
	Keyring    File // whose .prov files count
	// Fingerprints and CurrentKey narrow that down.
	Fingerprints []string
	CurrentKey   bool
	// RequireSigned leaves out what is not signed so.
	RequireSigned bool
	// ReadFile and Getenv read what the files name.
	ReadFile func(name string) ([]byte, error)
	Getenv   func(name string) string
}

// File is a file that was read; without a name there is none.
type File struct {
	Name string
	Data []byte
}
