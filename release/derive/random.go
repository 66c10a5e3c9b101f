package derive

import (
	"maps"
	"slices"

	"github.com/e6d26078/slipway/release/manifest"
)

// random looks for what two renders of the target do not agree on. Secrets
// among it are kept as they are where that is safe.
func (c *computation) random() {
	if c.in.Again == nil {
		return
	}
	again := indexOf(c.in.Again)
	const remedy = "make the template give the same result each time"
	for i := range c.in.Target {
		o := &c.in.Target[i]
		other := again.find(o.Ref)
		if other == nil {
			c.refuse(o, "its name differs each time that the chart is rendered", remedy)
			continue
		}
		path, differ := difference(plainObject(o), plainObject(other), "")
		if !differ {
			continue
		}
		switch {
		case o.APIVersion != "v1" || o.Kind != "Secret":
			c.refuse(o, path+" differs each time that the chart is rendered", remedy)
		case c.base.find(o.Ref) == nil && c.live[identify(o.Ref)] == nil:
			// A new one: its first content is as good as any.
		case c.in.Options.KeepLive && c.base.find(o.Ref) != nil, c.onlyRandomData(o, other):
			c.kept[identify(o.Ref)] = true
			c.plan.Kept = append(c.plan.Kept, o.Ref)
			c.warn("%s: its content differs each time that the chart is rendered; it stays as it is", o.Ref)
		default:
			c.refuse(o, path+" differs each time that the chart is rendered, and not only that would be kept back",
				"make the template give the same result each time, or keep the live Secret with --keep-live")
		}
	}
}

// plainObject is an object with a pod template without noise.
func plainObject(o *manifest.Object) any {
	template := templateOf(o.Fields)
	if template == nil {
		return o.Fields
	}
	plain := maps.Clone(o.Fields)
	spec := maps.Clone(mapping(o.Fields["spec"]))
	spec["template"] = withoutNoise(template)
	plain["spec"] = spec
	return plain
}

// onlyRandomData reports whether a live Secret can stay without losing
// anything else that the target changes in it.
func (c *computation) onlyRandomData(o, again *manifest.Object) bool {
	base := c.base.find(o.Ref)
	if base == nil || c.live[identify(o.Ref)] == nil || secretType(base.Fields) != secretType(o.Fields) {
		return false
	}
	was, is, next := content(base.Fields), content(o.Fields), content(again.Fields)
	if differs(at(o.Fields, "metadata"), at(again.Fields, "metadata")) || len(was) != len(is) {
		return false
	}
	return !slices.ContainsFunc(slices.Collect(maps.Keys(is)), func(key string) bool {
		before, had := was[key]
		return !had || is[key] == next[key] && is[key] != before
	})
}
