package derive

import "github.com/e6d26078/slipway/release/manifest"

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
