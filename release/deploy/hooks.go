package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	helm "helm.sh/helm/v3/pkg/release"

	"github.com/e6d26078/slipway/release/manifest"
)

// testFailure is the event of Helm 2's tests that are expected to fail.
const testFailure helm.HookEvent = "test-failure"

// operationAnnotation marks the objects of hooks with the run that they were
// created for: operation, event and time.
const operationAnnotation = "slipway.dev/operation"

// runHooks runs the hooks of an event, by weight and then by name. What the
// record says has succeeded in this operation is not run again, and an object
// that this operation has created already is waited for.
func (o *operation) runHooks(ctx context.Context, event helm.HookEvent, options *ChangeOptions, wanted func(*helm.Hook) bool) error {
	hooks := hooksAt(o.target.Hooks, event, wanted)
	for i, h := range hooks {
		created, err := o.runHook(ctx, h, event, options)
		if err == nil {
			continue
		}
		if ctx.Err() != nil {
			return err // to be continued
		}
		if isPassing(err) {
			return fmt.Errorf("%s hook %s (%s): %w", event, h.Name, h.Path, err) // likewise
		}
		err = fmt.Errorf("%s hook %s (%s): %w", event, h.Name, h.Path, err)
		if created {
			o.hookLogs(ctx, h, helm.HookOutputOnFailed)
			if e := o.deleteHook(ctx, h, helm.HookFailed, options); e != nil {
				err = errors.Join(err, e)
			}
		}
		for _, done := range hooks[:i] {
			if e := o.deleteHook(ctx, done, helm.HookSucceeded, options); e != nil {
				err = errors.Join(err, e)
			}
		}
		return err
	}
	for _, h := range slices.Backward(hooks) {
		o.hookLogs(ctx, h, helm.HookOutputOnSucceeded)
		if err := o.deleteHook(ctx, h, helm.HookSucceeded, options); err != nil {
			return err
		}
	}
	return nil
}

// hooksAt selects and orders hooks.
func hooksAt(all []*helm.Hook, event helm.HookEvent, wanted func(*helm.Hook) bool) []*helm.Hook {
	var hooks []*helm.Hook
	for _, h := range all {
		if slices.Contains(h.Events, event) && (wanted == nil || wanted(h)) {
			hooks = append(hooks, h)
		}
	}
	slices.SortStableFunc(hooks, func(a, b *helm.Hook) int {
		if a.Weight != b.Weight {
			return a.Weight - b.Weight
		}
		return strings.Compare(a.Name, b.Name)
	})
	return hooks
}

// runHook runs one hook to its end and records how it ended. created is false
// if the error is that its objects could not even be made: what has their
// names then is not the hook's.
func (o *operation) runHook(ctx context.Context, h *helm.Hook, event helm.HookEvent, options *ChangeOptions) (created bool, err error) {
	entry := string(event) + "/" + h.Path + "/" + h.Name
	before := helm.HookPhase(o.target.Operation.Hooks[entry])
	switch before {
	case helm.HookPhaseSucceeded:
		return true, nil
	case helm.HookPhaseFailed:
		return true, errors.New("it had failed when the operation was interrupted")
	}
	objects, err := o.hookObjects(ctx, h)
	if err != nil {
		return false, err
	}
	if len(h.DeletePolicies) == 0 {
		h.DeletePolicies = []helm.HookDeletePolicy{helm.HookBeforeHookCreation}
	}
	if before != helm.HookPhaseRunning {
		if err := o.deleteHook(ctx, h, helm.HookBeforeHookCreation, options); err != nil {
			return false, err
		}
		h.LastRun = helm.HookExecution{StartedAt: helmTime(o.Clock()), Phase: helm.HookPhaseRunning}
		if err := o.saveHook(ctx, entry, helm.HookPhaseRunning); err != nil {
			return false, err
		}
	}
	o.notify(Notice{Step: StepHook, Ref: objects[0].Ref, Action: "running", Message: string(event)})
	// The same again for a run that was interrupted, as the record has its time.
	run := fmt.Sprintf("%s %s %d", o.id, event, h.LastRun.StartedAt.UnixNano())
	created, err = o.runObjects(ctx, objects, run, options)
	if ctx.Err() != nil {
		return created, context.Cause(ctx)
	}
	if isPassing(err) {
		return created, err // it may be running still
	}
	if slices.Contains(h.Events, testFailure) {
		err = expectFailure(err)
	}
	h.LastRun.CompletedAt = helmTime(o.Clock())
	h.LastRun.Phase = helm.HookPhaseSucceeded
	action := "succeeded"
	if err != nil {
		h.LastRun.Phase, action = helm.HookPhaseFailed, "failed"
	}
	o.notify(Notice{Step: StepHook, Ref: objects[0].Ref, Action: action, Message: string(event)})
	if e := o.saveHook(ctx, entry, h.LastRun.Phase); e != nil {
		return created, errors.Join(err, e)
	}
	return created, err
}

// saveHook writes the phase of a hook into the ledger and stores the record.
func (o *operation) saveHook(ctx context.Context, entry string, phase helm.HookPhase) error {
	if o.target.Operation.Hooks == nil {
		o.target.Operation.Hooks = map[string]string{}
	}
	o.target.Operation.Hooks[entry] = string(phase)
	return o.save(ctx)
}

func expectFailure(err error) error {
	var failed *HookFailedError
	if errors.As(err, &failed) {
		return nil
	}
	if err == nil {
		return errors.New("it succeeded, and a test-failure hook is expected to fail")
	}
	return err
}

// runObjects creates what a hook consists of, usually one Job or Pod, and waits
// for it. run tells these objects from those of an earlier run of the hook.
func (o *operation) runObjects(ctx context.Context, objects []manifest.Object, run string, options *ChangeOptions) (created bool, err error) {
	objects = slices.Clone(objects)
	for i := range objects {
		name, err := o.createHook(ctx, annotated(objects[i], operationAnnotation, run), run)
		if err != nil {
			return false, err
		}
		objects[i].Name = name
	}
	ctx, cancel := context.WithTimeout(ctx, options.timeout())
	defer cancel()
	for _, obj := range objects {
		if err := o.masked(o.Cluster.WaitHook(ctx, obj, o.watch())); err != nil {
			return true, err
		}
	}
	return true, nil
}

// createHook creates an object of a hook, unless it was created for this run
// before. It returns its name, which the server may have made up.
func (o *operation) createHook(ctx context.Context, obj manifest.Object, run string) (name string, err error) {
	made, err := o.Cluster.Apply(ctx, obj, ApplyOptions{CreateOnly: true})
	if err == nil {
		name, _ = metadata(made, "name").(string)
		return name, nil
	}
	var exists *ExistsError
	if !errors.As(err, &exists) {
		return "", err
	}
	live, readErr := o.Cluster.Read(ctx, []manifest.Ref{obj.Ref})
	if readErr != nil {
		return "", readErr
	}
	annotations, _ := metadata(live[obj.Ref], "annotations").(map[string]any)
	if annotations[operationAnnotation] == run {
		return obj.Name, nil
	}
	return "", err
}

// hookObjects decodes a hook.
func (o *operation) hookObjects(ctx context.Context, h *helm.Hook) ([]manifest.Object, error) {
	objects, err := manifest.Objects("# Source: " + h.Path + "\n" + h.Manifest)
	if err != nil {
		return nil, err
	}
	resolved, err := o.Cluster.Resolve(ctx, objects, o.Namespace)
	if err != nil {
		return nil, err
	}
	if len(resolved.Unknown) > 0 || len(resolved.Objects) == 0 {
		return nil, &UnknownKindsError{Objects: []SourcedRef{{manifest.Ref{Kind: h.Kind, Name: h.Name}, h.Path}}}
	}
	return resolved.Objects, nil
}

// annotated returns a copy of an object with an annotation.
func annotated(obj manifest.Object, name, value string) manifest.Object {
	obj.Fields = cloneMap(obj.Fields)
	meta := cloneMap(obj.Fields["metadata"])
	notes := cloneMap(meta["annotations"])
	notes[name] = value
	meta["annotations"] = notes
	obj.Fields["metadata"] = meta
	return obj
}

func cloneMap(v any) map[string]any {
	old, _ := v.(map[string]any)
	m := make(map[string]any, len(old)+1)
	for k, e := range old {
		m[k] = e
	}
	return m
}

// deleteHook deletes the objects of a hook that has the policy, and waits
// until they are gone. Definitions of kinds are never deleted: their objects
// would go with them.
func (o *operation) deleteHook(ctx context.Context, h *helm.Hook, policy helm.HookDeletePolicy, options *ChangeOptions) error {
	if h.Kind == "CustomResourceDefinition" || !slices.Contains(h.DeletePolicies, policy) {
		return nil
	}
	return o.deleteHookObjects(ctx, h, options)
}

func (o *operation) deleteHookObjects(ctx context.Context, h *helm.Hook, options *ChangeOptions) error {
	objects, err := o.hookObjects(ctx, h)
	if err != nil {
		return fmt.Errorf("delete hook %s (%s): %w", h.Name, h.Path, err)
	}
	refs := make([]manifest.Ref, len(objects))
	for i, obj := range objects {
		refs[i] = obj.Ref
	}
	live, err := o.Cluster.Read(ctx, refs)
	if err != nil {
		return fmt.Errorf("delete hook %s (%s): %w", h.Name, h.Path, err)
	}
	if len(live) == 0 {
		return nil
	}
	for ref, l := range live {
		if err := o.Cluster.Delete(ctx, ref, DeleteOptions{UID: uid(l)}); err != nil {
			return fmt.Errorf("delete hook %s (%s): %w", h.Name, h.Path, err)
		}
		o.notify(Notice{Step: StepHook, Ref: ref, Action: "deleted"})
	}
	ctx, cancel := context.WithTimeout(ctx, options.timeout())
	defer cancel()
	if err := o.Cluster.WaitGone(ctx, refs); err != nil {
		return fmt.Errorf("wait until hook %s (%s) is deleted: %w", h.Name, h.Path, err)
	}
	return nil
}

// hookLogs shows what a hook has written if its policy asks for it.
func (o *operation) hookLogs(ctx context.Context, h *helm.Hook, policy helm.HookOutputLogPolicy) {
	if h.Kind != "Job" && h.Kind != "Pod" || o.Observe == nil || !o.allLogs && !slices.Contains(h.OutputLogPolicies, policy) {
		return
	}
	objects, err := o.hookObjects(ctx, h)
	if err != nil {
		return
	}
	for _, obj := range objects {
		text, err := o.Cluster.Logs(ctx, obj)
		if err != nil {
			o.warn(fmt.Sprintf("read the log of hook %s: %v", h.Name, err))
			continue
		}
		o.notify(Notice{Step: StepLog, Ref: obj.Ref, Message: o.mask(text)})
	}
}
