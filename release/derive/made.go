package derive

import (
	"slices"

	"github.com/e6d26078/slipway/release/manifest"
)

// Made are the objects that only a rollout has: clones, copies of
// configuration, and Services of the canary.
func (p *Plan) Made() []manifest.Ref {
	var made []manifest.Ref
	add := func(ref manifest.Ref, name string) {
		if name != "" {
			ref.Name = name
			made = append(made, ref)
		}
	}
	for _, w := range p.Workloads {
		add(w.Ref, w.Clone)
	}
	for _, c := range p.Copies {
		add(c.Ref, c.Name)
	}
	for _, s := range p.Services {
		add(s.Ref, s.Preview)
	}
	return made
}

// Recopied returns the plan for a target whose configuration has other content:
// its copies have other names, so that what uses them is rolled.
func (p *Plan) Recopied(target []manifest.Object) *Plan {
	again := *p
	again.Copies = append([]Copy(nil), p.Copies...)
	objects := indexOf(target)
	for i := range again.Copies {
		if o := objects.find(again.Copies[i].Ref); o != nil {
			again.Copies[i].Name = copyName(o)
		}
	}
	return &again
}

// Rolled are the keys of the workloads whose canary is made anew by a plan that
// [Plan.Recopied] returned for the target.
func (p *Plan) Rolled(again *Plan, target []manifest.Object) []string {
	renamed := map[identity]bool{}
	for i, c := range p.Copies {
		renamed[identify(c.Ref)] = c.Name != again.Copies[i].Name
	}
	objects := indexOf(target)
	var rolled []string
	for _, w := range p.Workloads {
		if o := objects.find(w.Ref); o != nil && w.Form == Labelled && uses(templateOf(o.Fields), w.Ref.Namespace, renamed) {
			rolled = append(rolled, w.Key())
		}
	}
	return rolled
}

// Touched are those of the release's objects that a rollout changes for a time.
func (p *Plan) Touched(objects []manifest.Object, routers []Router) map[manifest.Ref]bool {
	touched := map[manifest.Ref]bool{}
	for _, w := range p.Workloads {
		touched[w.Ref] = true
	}
	for _, s := range p.Services {
		touched[s.Ref] = true
	}
	for _, s := range p.NewServices {
		touched[s.Ref] = true
	}
	for _, s := range p.Scalers {
		touched[s.Ref] = true
	}
	for _, r := range p.Rights {
		touched[r] = true
	}
	for _, router := range routers {
		for i := range objects {
			if p.Router == router.Name() && slices.Contains(router.Kinds(), objects[i].Kind+"."+objects[i].Group()) {
				touched[objects[i].Ref] = true
			}
		}
	}
	return touched
}
