package manifest

import (
	"io"
	"log"
	"regexp"
	"sort"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/releaseutil"
)

// helmSplit gives the documents that Helm 3 finds, in order.
func helmSplit(text string) []string {
	found := releaseutil.SplitManifests(text)
	keys := make([]string, 0, len(found))
	for key := range found {
		keys = append(keys, key)
	}
	sort.Sort(releaseutil.BySplitManifestsOrder(keys))
	var docs []string
	for _, key := range keys {
		docs = append(docs, found[key])
	}
	return docs
}

var helm4Separator = regexp.MustCompile(`(?m)^---[ \t]*`)

// helm4Split states Helm 4's rule with the expression that Helm 4 uses, whose
// module is not among ours.
func helm4Split(text string) []string {
	var docs []string
	for _, doc := range helm4Separator.Split(strings.TrimLeftFunc(text, unicode.IsSpace), -1) {
		if strings.TrimSpace(doc) != "" {
			docs = append(docs, strings.TrimLeftFunc(doc, unicode.IsSpace))
		}
	}
	return docs
}

// plainDoc and plainHook are what both sides are reduced to.
type plainDoc struct {
	Name, Content, APIVersion, Kind string
	HasMetadata                     bool
	ObjectName                      string
	Annotations                     map[string]string
}

type plainSet struct {
	Hooks []release.Hook
	Docs  []plainDoc
	Err   string
}

func helmSort(files []File, order Order) plainSet {
	log.SetOutput(io.Discard)
	byName := map[string]string{}
	for _, file := range files {
		byName[file.Name] = file.Content
	}
	ordering := releaseutil.InstallOrder
	if order == Uninstall {
		ordering = releaseutil.UninstallOrder
	}
	hooks, docs, err := releaseutil.SortManifests(byName, nil, ordering)
	var set plainSet
	for _, hook := range hooks {
		set.Hooks = append(set.Hooks, *hook)
	}
	for _, doc := range docs {
		plain := plainDoc{Name: doc.Name, Content: doc.Content, APIVersion: doc.Head.Version, Kind: doc.Head.Kind}
		if doc.Head.Metadata != nil {
			plain.HasMetadata = true
			plain.ObjectName = doc.Head.Metadata.Name
			plain.Annotations = doc.Head.Metadata.Annotations
		}
		set.Docs = append(set.Docs, plain)
	}
	if err != nil {
		set.Err = err.Error()
	}
	return set
}

func ourSort(files []File, order Order) plainSet {
	result, err := Sort(files, Options{Order: order})
	var set plainSet
	for _, hook := range result.Hooks {
		set.Hooks = append(set.Hooks, helmHook(hook))
	}
	for _, doc := range result.Docs {
		plain := plainDoc{Name: doc.Name, Content: doc.Content, APIVersion: doc.Head.APIVersion, Kind: doc.Head.Kind}
		if doc.Head.Metadata != nil {
			plain.HasMetadata = true
			plain.ObjectName = doc.Head.Metadata.Name
			plain.Annotations = doc.Head.Metadata.Annotations
		}
		set.Docs = append(set.Docs, plain)
	}
	if err != nil {
		set.Err = err.Error()
	}
	return set
}

func helmHook(hook Hook) release.Hook {
	out := release.Hook{
		Name: hook.Name, Kind: hook.Kind, Path: hook.Path, Manifest: hook.Manifest, Weight: hook.Weight,
		DeletePolicies: []release.HookDeletePolicy{}, OutputLogPolicies: []release.HookOutputLogPolicy{},
	}
	for _, event := range hook.Events {
		out.Events = append(out.Events, release.HookEvent(event))
	}
	for _, policy := range hook.DeletePolicies {
		out.DeletePolicies = append(out.DeletePolicies, release.HookDeletePolicy(policy))
	}
	for _, policy := range hook.OutputLogPolicies {
		out.OutputLogPolicies = append(out.OutputLogPolicies, release.HookOutputLogPolicy(policy))
	}
	return out
}

func compareSort(t *testing.T, files []File) {
	t.Helper()
	for _, order := range []Order{Install, Uninstall} {
		if diff := cmp.Diff(helmSort(files, order), ourSort(files, order)); diff != "" {
			t.Errorf("order %d differs from Helm's (-Helm +ours):\n%s", order, diff)
		}
	}
}
