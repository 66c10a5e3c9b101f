package cli

// Output is something in JSON that a command prints or writes, and the schema
// that it keeps to.
type Output struct {
	Command string // without slipway; "" for all commands that have the flag
	Flag    string // that asks for it, "" if none has to
	Schema  string // file in docs/schema
	Lines   bool   // each line is a document of its own
}

// Outputs lists everything in JSON that commands print or write, by command.
// What --output yaml prints has the same schema. Tests hold each command against
// it. SARIF and JUnit files are not in it: others have published what they are.
func Outputs() []Output {
	return []Output{
		{Flag: "--events-file", Schema: "events.v1.json", Lines: true},
		{Flag: "--io-dir", Schema: "result.v1.json"},
		{Command: "apply", Flag: "--output json", Schema: "release.v1.json"},
		{Command: "bundle verify", Flag: "--output json", Schema: "bundle.v1.json"},
		{Command: "drift", Flag: "--format json", Schema: "drift.v1.json"},
		{Command: "get metadata", Flag: "--output json", Schema: "metadata.v1.json"},
		{Command: "get values", Flag: "--output json", Schema: "values.v1.json"},
		{Command: "history", Flag: "--output json", Schema: "history.v1.json"},
		{Command: "history", Flag: "--audit --output json", Schema: "history-audit.v1.json"},
		{Command: "images", Flag: "--output json", Schema: "images.v1.json"},
		{Command: "install", Flag: "--output json", Schema: "release.v1.json"},
		{Command: "lint", Flag: "--output json", Schema: "lint.v1.json"},
		{Command: "list", Flag: "--output json", Schema: "list.v1.json"},
		{Command: "migrate check", Flag: "--output json", Schema: "migrate-check.v1.json"},
		{Command: "plan", Flag: "--format json", Schema: "plan.v1.json"},
		{Command: "plan", Flag: "--out", Schema: "plan-file.v1.json"},
		{Command: "preflight", Flag: "--output json", Schema: "preflight.v1.json"},
		{Command: "push", Flag: "--output json", Schema: "push.v1.json"},
		{Command: "repo import chartmuseum", Flag: "--output json", Schema: "repo-import.v1.json"},
		{Command: "repo index", Flag: "--json", Schema: "repo-index.v1.json"},
		{Command: "repo list", Flag: "--output json", Schema: "repo-list.v1.json"},
		{Command: "rollout abort", Flag: "--output json", Schema: "rollout-result.v1.json"},
		{Command: "rollout guard", Flag: "--output json", Schema: "rollout-guard.v1.json"},
		{Command: "rollout list", Flag: "--output json", Schema: "rollout-list.v1.json"},
		{Command: "rollout plan", Flag: "--output json", Schema: "rollout-plan.v1.json"},
		{Command: "rollout promote", Flag: "--output json", Schema: "rollout-result.v1.json"},
		{Command: "rollout refresh-config", Flag: "--output json", Schema: "rollout-result.v1.json"},
		{Command: "rollout start", Flag: "--output json", Schema: "rollout-result.v1.json"},
		{Command: "rollout start", Flag: "--dry-run --output json", Schema: "rollout-plan.v1.json"},
		{Command: "rollout status", Flag: "--output json", Schema: "rollout-status.v1.json"},
		{Command: "rollout status", Flag: "--watch --output json", Schema: "rollout-status.v1.json", Lines: true},
		{Command: "rollout undo", Flag: "--output json", Schema: "rollout-result.v1.json"},
		{Command: "search registry", Flag: "--output json", Schema: "search.v1.json"},
		{Command: "search repo", Flag: "--output json", Schema: "search.v1.json"},
		{Command: "serve", Schema: "serve-api.v1.json"},
		{Command: "serve", Flag: "--audit-log", Schema: "serve-audit.v1.json", Lines: true},
		{Command: "status", Flag: "--output json", Schema: "release.v1.json"},
		{Command: "test", Flag: "--output json", Schema: "release.v1.json"},
		{Command: "upgrade", Flag: "--output json", Schema: "release.v1.json"},
		{Command: "upgrade", Flag: "--strategy --output json", Schema: "rollout-result.v1.json"},
		{Command: "values explain", Flag: "--output json", Schema: "values-explain.v1.json"},
		{Command: "verify", Flag: "--output json", Schema: "verify.v1.json"},
		{Command: "why", Flag: "--output json", Schema: "why.v1.json"},
	}
}
