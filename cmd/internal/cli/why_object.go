package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/manifest"
)

// runWhyObject answers a question about an object in the cluster of which the
// release is not named: that is looked for in the object's annotations.
func (a *app) runWhyObject(ctx context.Context, o *whyOptions, q *whyQuestion) error {
	c, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	ref, live, err := q.inCluster(ctx, c)
	if err != nil {
		return err
	}
	answer, err := a.askOwner(ctx, o, q, c, live)
	if err != nil {
		return err
	}
	if answer == nil {
		answer = q.bare(&manifest.Object{Ref: ref, Fields: live})
		answer.Value = nil
		answer.Notes = append(answer.Notes, "nothing of it says that a release has made it; hooks do not say so: name the release with --release")
		if err := q.liveField(answer, map[string]any{"kind": ref.Kind}, live, nil); err != nil {
			return err
		}
	}
	return a.printWhy(o, answer)
}

// askOwner asks about an object of the release that its annotations name. The
// answer is nil if they name none, or one that has no such object.
func (a *app) askOwner(ctx context.Context, o *whyOptions, q *whyQuestion, c *connection, live deploy.Live) (*whyAnswer, error) {
	metadata, _ := live["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	name, _ := annotations["meta.helm.sh/release-name"].(string)
	namespace, _ := annotations["meta.helm.sh/release-namespace"].(string)
	if name == "" || namespace == "" {
		return nil, nil
	}
	if namespace != c.namespace {
		return nil, withHint(fmt.Errorf("it belongs to release %s in namespace %s", name, namespace), fmt.Sprintf("add --release %s -n %s", name, namespace))
	}
	r, err := c.record(ctx, name, 0)
	if errors.Is(err, release.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return a.askLive(ctx, o, q, c, r, nil)
}

// inCluster finds the object that is asked about, among all kinds of the name.
func (q *whyQuestion) inCluster(ctx context.Context, c *connection) (manifest.Ref, deploy.Live, error) {
	none := manifest.Ref{}
	capabilities, err := c.client.Capabilities(ctx)
	if err != nil {
		return none, nil, err
	}
	var objects []manifest.Object
	groups := map[string]bool{}
	for _, entry := range capabilities.APIVersions {
		i := strings.LastIndexByte(entry, '/')
		if i < 0 || !strings.EqualFold(entry[i+1:], q.kind) {
			continue
		}
		ref := manifest.Ref{APIVersion: entry[:i], Kind: entry[i+1:], Namespace: q.namespace, Name: q.name}
		if !groups[ref.Group()] { // of several versions any will do
			groups[ref.Group()] = true
			objects = append(objects, manifest.Object{Ref: ref})
		}
	}
	if len(objects) == 0 {
		return none, nil, withHint(fmt.Errorf("the cluster serves no kind %s", q.kind), "the kind is written in full, such as Deployment; about a chart: slipway why NAME CHART KIND/NAME FIELD")
	}
	resolved, err := c.client.Resolve(ctx, objects, c.namespace)
	if err != nil {
		return none, nil, err
	}
	refs := make([]manifest.Ref, len(resolved.Objects))
	for i := range resolved.Objects {
		refs[i] = resolved.Objects[i].Ref
	}
	found, err := c.client.Read(ctx, refs)
	if err != nil {
		return none, nil, err
	}
	if i := slices.IndexFunc(refs, func(r manifest.Ref) bool { return found[r] != nil }); i >= 0 {
		return refs[i], found[refs[i]], nil
	}
	return none, nil, withHint(fmt.Errorf("there is no %s %s in namespace %s", refs[0].Kind, q.name, refs[0].Namespace), "-n names another namespace; about a chart: slipway why NAME CHART KIND/NAME FIELD")
}
