// Package notify tells others of what happens to a rollout: a webhook, a chat
// that takes Slack's incoming webhooks, the commit's status at GitHub or
// GitLab, and monitoring by OpenMetrics.
//
// It is best effort: a rollout goes on whether or not somebody could be told,
// and waits for it 10 seconds at most. Credentials come from files only and
// are in no error.
package notify
