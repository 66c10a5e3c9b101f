package derive

import (
	"slices"
	"strings"
)

// findRoutes asks the router which objects it will change.
func (c *computation) findRoutes() {
	name := c.in.Options.Router
	if name == "" {
		return
	}
	var known []string
	for _, r := range c.in.Routers {
		known = append(known, r.Name())
	}
	i := slices.Index(known, name)
	if i < 0 {
		c.refuse(c.changes[0].target, "there is no router "+name, "choose one of "+strings.Join(known, ", "))
		return
	}
	split, err := c.in.Routers[i].Split(c.in.Base, c.plan.backends(), 1)
	if err != nil {
		c.refuse(c.changes[0].target, "the router "+name+" cannot divide its traffic: "+err.Error(),
			"add a route to the chart, choose another router, or divide by pods")
		return
	}
	for i := range split {
		o := &split[i]
		base := c.base.find(o.Ref)
		if base == nil {
			c.collision(o, o.Ref)
			c.plan.RouteObjects = append(c.plan.RouteObjects, o.Ref)
			continue
		}
		c.plan.Routes = append(c.plan.Routes, o.Ref)
		live := c.live[identify(o.Ref)]
		if path, lacks := lacking(mapping(live["spec"]), mapping(base.Fields["spec"]), "spec"); lacks {
			c.refuse(base, "its live "+path+" is not what the deployed revision says, and would be lost", "bring chart and cluster together by an upgrade first")
		}
	}
	c.warn("the router %s divides what comes through its routes; what reaches the Services from inside the cluster stays with the stable side until all traffic is switched", name)
}

// backends are the Services of the canary by those of the stable side, as routers want them.
func (p *Plan) backends() map[string]string {
	services := map[string]string{}
	for _, s := range p.Services {
		if s.Preview != "" {
			services[s.Ref.Name] = s.Preview
		}
	}
	return services
}
